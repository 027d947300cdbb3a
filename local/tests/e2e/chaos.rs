//! Each fault of the chaos, as a client sees it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, SendMessageBatchRequestEntry};
use compute_local::chaos::Fault;

use crate::endpoint::{BUCKET, Endpoint, code};
use crate::kit::{message_counts, until};

/// More attempts than any of the seeds here needs, and hardly a pause between them.
fn stubborn() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(30)
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(2))
}

async fn start(dir: &Path, chaos: &str) -> (Endpoint, Client) {
    let endpoint = Endpoint::start_chaotic(dir, chaos).await;
    let sqs = endpoint.sqs(stubborn());
    (endpoint, sqs)
}

async fn queue(sqs: &Client) -> String {
    let answer = sqs.create_queue().queue_name("q").send().await.expect("a queue, in the end");
    answer.queue_url.expect("a URL")
}

async fn send(sqs: &Client, queue: &str, count: usize) -> (usize, Vec<String>) {
    let entry = |number: usize| {
        let entry = SendMessageBatchRequestEntry::builder().id(number.to_string()).message_body(number.to_string());
        entry.build().expect("an id and a body")
    };
    let request = sqs.send_message_batch().queue_url(queue).set_entries(Some((0..count).map(entry).collect()));
    let answer = request.send().await.expect("an answer, in the end");
    let failed = answer.failed().iter().map(|entry| {
        assert_eq!((entry.code(), entry.sender_fault()), ("InternalError", false));
        entry.id().to_owned()
    });
    (answer.successful().len(), failed.collect())
}

/// Receives until nothing has come for a while; deletes each message.
async fn take_all(sqs: &Client, queue: &str) -> Vec<Message> {
    let mut taken = Vec::new();
    loop {
        let poll = sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(3);
        let messages = poll.send().await.expect("an answer, in the end").messages.unwrap_or_default();
        if messages.is_empty() {
            return taken;
        }
        for message in &messages {
            let delete =
                sqs.delete_message().queue_url(queue).receipt_handle(message.receipt_handle().expect("a receipt"));
            delete.send().await.expect("deleted, in the end");
        }
        taken.extend(messages);
    }
}

#[tokio::test]
async fn a_throttled_request_is_refused_in_the_form_that_the_sdk_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start_chaotic(dir.path(), "throttle=100%").await;
    let sqs = endpoint.sqs(RetryConfig::disabled());
    assert_eq!(code(sqs.list_queues().send().await), "RequestThrottled");
    assert_eq!(code(endpoint.s3().list_objects_v2().bucket(BUCKET).send().await), "SlowDown");
    let attempts = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    assert_eq!(code(endpoint.sqs(attempts).list_queues().send().await), "RequestThrottled");
    let traffic = endpoint.gate.traffic();
    assert_eq!((traffic.requests("sqs:ListQueues").arrived, traffic.requests("sqs:ListQueues").handled), (4, 0));
    assert_eq!((traffic.requests("s3:ListObjects").arrived, traffic.faults(Fault::Throttle)), (1, 5));
}

#[tokio::test]
async fn throttled_requests_succeed_when_they_are_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1,throttle=50%").await;
    let queue = queue(&sqs).await;
    for _ in 0..10 {
        assert_eq!(send(&sqs, &queue, 2).await, (2, vec![]));
    }
    until(async || message_counts(&sqs, "q").await == (20, 0)).await;
    assert!(endpoint.gate.traffic().faults(Fault::Throttle) > 0);
}

#[tokio::test]
async fn a_failed_request_is_not_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1,error=50%").await;
    let queue = queue(&sqs).await;
    let impatient = endpoint.sqs(RetryConfig::disabled());
    let mut outcomes = BTreeMap::<String, u64>::new();
    for _ in 0..40 {
        let sent = impatient.send_message().queue_url(&queue).message_body("m").send().await;
        let outcome = if sent.is_ok() { "sent".to_owned() } else { code(sent) };
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert_eq!(outcomes.keys().collect::<Vec<_>>(), ["InternalError", "ServiceUnavailable", "sent"]);
    assert_eq!(message_counts(&sqs, "q").await, (outcomes["sent"], 0));
    assert_eq!(endpoint.gate.traffic().requests("sqs:SendMessage").handled, outcomes["sent"]);
}

#[tokio::test]
async fn errors_of_s3_leave_sqs_alone_and_the_object_unwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "s3-error=100%").await;
    queue(&sqs).await;
    let mut codes = Vec::new();
    for _ in 0..20 {
        let put = endpoint.s3().put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"content"));
        codes.push(code(put.send().await));
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes, ["InternalError", "ServiceUnavailable"]);
    assert!(!dir.path().join(BUCKET).join("a").exists());
}

#[tokio::test]
async fn a_lost_response_leads_to_the_same_messages_sent_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1,lost-response=30%").await;
    let queue = queue(&sqs).await;
    for _ in 0..10 {
        assert_eq!(send(&sqs, &queue, 3).await, (3, vec![]));
    }
    let requests = endpoint.gate.traffic().requests("sqs:SendMessageBatch");
    assert!(requests.handled > 10, "{requests:?}");
    assert_eq!(message_counts(&sqs, "q").await, (3 * requests.handled, 0));
}

#[tokio::test]
async fn a_lost_response_of_a_create_only_put_is_met_by_its_own_object() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start_chaotic(dir.path(), "lost-response=100%").await;
    let put =
        || endpoint.s3().put_object().bucket(BUCKET).key("a").if_none_match("*").body(ByteStream::from_static(b"a"));
    let error = put().send().await.expect_err("its answer is lost");
    assert!(error.as_service_error().is_none(), "{error:?}");
    assert_eq!(std::fs::read(dir.path().join(BUCKET).join("a")).unwrap(), b"a");
}

#[tokio::test]
async fn entries_of_a_batch_fail_by_themselves_and_are_not_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1,partial=30%").await;
    let queue = queue(&sqs).await;
    let (sent, failed) = send(&sqs, &queue, 10).await;
    assert!(sent > 0 && !failed.is_empty() && sent + failed.len() == 10, "{sent} sent, {failed:?}");
    assert_eq!(message_counts(&sqs, "q").await, (sent as u64, 0));

    let poll = sqs.receive_message().queue_url(&queue).max_number_of_messages(10).send().await.expect("messages");
    let delete = poll.messages().iter().enumerate().map(|(number, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        entry.receipt_handle(message.receipt_handle().expect("a receipt")).build().expect("an id and a receipt")
    });
    let batch = sqs.delete_message_batch().queue_url(&queue).set_entries(Some(delete.collect()));
    let left = batch.send().await.expect("an answer").failed().len();
    assert_eq!(message_counts(&sqs, "q").await, (0, left as u64));
    assert_eq!(endpoint.gate.traffic().faults(Fault::Partial), (failed.len() + left) as u64);
}

#[tokio::test]
async fn every_message_comes_twice_though_it_was_deleted_and_then_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (_endpoint, sqs) = start(dir.path(), "duplicate=100%").await;
    let queue = queue(&sqs).await;
    send(&sqs, &queue, 5).await;
    let taken = take_all(&sqs, &queue).await;
    let mut receipts_by_id = BTreeMap::<_, Vec<_>>::new();
    for message in &taken {
        receipts_by_id.entry(message.message_id()).or_default().push(message.receipt_handle());
    }
    assert_eq!(receipts_by_id.len(), 5);
    assert!(
        receipts_by_id.values().all(|receipts| receipts.len() == 2 && receipts[0] != receipts[1]),
        "{receipts_by_id:?}"
    );
    assert_eq!(message_counts(&sqs, "q").await, (0, 0));
}

#[tokio::test]
async fn messages_come_out_of_order_and_none_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1,reorder=100%").await;
    let queue = queue(&sqs).await;
    send(&sqs, &queue, 10).await;
    let bodies: Vec<_> = take_all(&sqs, &queue).await.into_iter().filter_map(|message| message.body).collect();
    let in_order: Vec<_> = (0..10).map(|number: u32| number.to_string()).collect();
    assert_ne!(bodies, in_order);
    let mut sorted = bodies;
    sorted.sort();
    assert_eq!(sorted, in_order);
    assert!(endpoint.gate.traffic().faults(Fault::Reorder) > 0);
}

#[tokio::test]
async fn a_delay_is_waited_for_before_the_request_is_handled() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "delay=200-200ms").await;
    let started = Instant::now();
    queue(&sqs).await;
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(endpoint.gate.traffic().faults(Fault::Delay), 1);
}

#[tokio::test]
async fn the_same_seed_gives_each_request_of_an_operation_the_same_fate_whatever_else_runs() {
    let fates = async |seed: u64, others: usize| {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::start_chaotic(dir.path(), &format!("seed={seed},throttle=30%,error=30%")).await;
        let sqs = endpoint.sqs(RetryConfig::disabled());
        let mut fates = Vec::new();
        for _ in 0..30 {
            for _ in 0..others {
                drop(sqs.list_queues().send().await);
            }
            let answer = sqs.create_queue().queue_name("q").send().await;
            fates.push(if answer.is_ok() { String::new() } else { code(answer) });
        }
        fates
    };
    let first = fates(7, 0).await;
    assert_eq!(fates(7, 2).await, first);
    assert_ne!(fates(8, 0).await, first);
}

#[tokio::test]
async fn a_service_that_is_down_answers_503_even_to_polls_that_wait_and_comes_back_with_all_its_messages() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start_chaotic(dir.path(), "seed=1").await;
    let sqs = endpoint.sqs(RetryConfig::disabled());
    let queue = queue(&sqs).await;
    let poll = tokio::spawn(sqs.receive_message().queue_url(&queue).wait_time_seconds(20).send());
    until(async || endpoint.gate.traffic().requests("sqs:ReceiveMessage").arrived == 1).await;
    endpoint.gate.outage().sqs(true);
    assert_eq!(code(poll.await.unwrap()), "ServiceUnavailable");
    assert_eq!(code(sqs.send_message().queue_url(&queue).message_body("m").send().await), "ServiceUnavailable");
    endpoint.s3().list_objects_v2().bucket(BUCKET).send().await.expect("S3 is up");

    endpoint.gate.outage().s3(true);
    endpoint.gate.outage().sqs(false);
    assert_eq!(code(endpoint.s3().list_objects_v2().bucket(BUCKET).send().await), "ServiceUnavailable");
    sqs.send_message().queue_url(&queue).message_body("m").send().await.expect("SQS is up");
    endpoint.gate.outage().s3(false);
    endpoint.s3().list_objects_v2().bucket(BUCKET).send().await.expect("S3 is up again");
    assert_eq!(message_counts(&sqs, "q").await, (1, 0));
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_large_ones_as_often_as_sqs_bills_them() {
    let dir = tempfile::tempdir().unwrap();
    let (endpoint, sqs) = start(dir.path(), "seed=1").await;
    let queue = queue(&sqs).await;
    sqs.send_message().queue_url(&queue).message_body("m".repeat(150 << 10)).send().await.expect("sent");
    sqs.receive_message().queue_url(&queue).send().await.expect("received");
    endpoint.s3().put_object().bucket(BUCKET).key("a").body(vec![0; 200 << 10].into()).send().await.expect("put");
    let traffic = endpoint.gate.traffic();
    let counted = ["sqs:CreateQueue", "sqs:SendMessage", "sqs:ReceiveMessage", "s3:PutObject"]
        .map(|operation| (traffic.requests(operation).handled, traffic.requests(operation).billed));
    assert_eq!(counted, [(1, 1), (1, 3), (1, 3), (1, 1)]);
    assert!(traffic.to_string().contains("sqs:SendMessage "), "{traffic}");
}

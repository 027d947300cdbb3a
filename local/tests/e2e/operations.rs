//! Operations that are submitted, looked up and waited for.

use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::QueueAttributeName;
use compute_local::stack::{LOG_BUCKET, REQUEST_QUEUE};
use compute_proto::v1::{ComputeRequest, ListOperationsRequest, SubmitOperationRequest, WaitOperationRequest};
use tonic::Code;
use uuid::Uuid;

use crate::kit::{TestStack, message_counts, queue_url, until};
use crate::operations_kit::{
    Gateway, LOG_MODES, LONG, answer_of, check_invalid, check_refused, digest, error, failed_record, get, late, list,
    log, made, made_ahead, mark_dead, name, of, operation_id, record, silent_worker, stack, statistics, submission,
    wait, with_id, within, worker,
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_submitted_request_waits_for_a_worker_and_then_its_operation_tells_everything() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 0).await;
        let mut client = stack.client().await;
        let request = ComputeRequest { quantiles: vec![0.5], ..list([4, 5, 2, 35, 2452]) };
        let submitted = client.submit_operation(of("acme", submission(request.clone()))).await.expect("it is queued");
        let id = operation_id(submitted.metadata());
        let submitted = submitted.into_inner();
        assert_eq!((&submitted.name, submitted.done, &submitted.result), (&name(id), false, &None));
        assert_eq!(message_counts(&stack.sqs(), REQUEST_QUEUE).await, (1, 0));
        let unknown = client.get_operation(of("acme", get(&submitted.name))).await;
        let unknown = check_refused(unknown, Code::NotFound, "NOT_RECORDED_YET");
        assert_eq!(operation_id(unknown.metadata()), id);

        let waiting = tokio::spawn({
            let (mut client, name) = (client.clone(), submitted.name.clone());
            async move { client.wait_operation(of("acme", wait(name))).await }
        });
        let worker = worker(&stack, log_mode).await;
        let done = waiting.await.expect("no panic").expect("it is done");
        assert_eq!(operation_id(done.metadata()), id);
        let done = done.into_inner();
        assert_eq!((&done.name, done.create_time), (&submitted.name, submitted.create_time));
        assert_eq!((statistics(&done).median, statistics(&done).quantiles.len()), (5.0, 1));
        assert_eq!((done.tenant.as_str(), done.method.as_str()), ("acme", "compute.v1.ComputeService/Compute"));
        assert_eq!((done.digest.as_str(), done.count), (digest(&request).as_str(), 5));
        assert_eq!(done.values, [4, 5, 2, 35, 2452]);
        assert_eq!(done.summary, "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6");
        assert!(!done.worker.is_empty());
        let (created, finished) = (done.create_time.expect("known"), done.finish_time.expect("known"));
        let (created, finished): (SystemTime, SystemTime) = (created.try_into().unwrap(), finished.try_into().unwrap());
        assert!(created <= finished && finished <= SystemTime::now(), "{created:?} {finished:?}");
        let timing = done.timing.expect("the log knows");
        let parts = [timing.total, timing.request_queue, timing.work, timing.compute];
        assert!(parts.iter().flatten().all(|part| part.seconds >= 0 && part.nanos >= 0));
        assert_eq!((parts.iter().flatten().count(), timing.gateway, timing.reply_queue), (4, None, None));

        let again = client.get_operation(of("acme", get(&submitted.name))).await.expect("it is done");
        assert_eq!(again.into_inner(), done);
        stack.until_queues_are_empty().await;
        worker.stop().await;
        stack.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_was_given_is_found_at_once() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let mut client = stack.client().await;
        for n in 1..=200 {
            let answer = client.compute(list([n])).await.expect("an answer").into_inner();
            let found = client.get_operation(get(format!("operations/{}", answer.operation_id))).await;
            let found = found.expect("it was answered").into_inner();
            assert_eq!(Some(statistics(&found)), answer.statistics.as_ref());
            assert_eq!((&found.worker, found.count), (&answer.worker, 1));
        }
        stack.stop().await;
    }
}

#[tokio::test]
async fn an_answer_is_found_that_nobody_logs_and_who_waits_for_it_here_is_woken_by_it() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let id = Uuid::now_v7();
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { client.wait_operation(within(LONG, wait(name(id)))).await }
    });
    until(async || stack.stack.traffic().requests("s3:GetObject").handled > 0).await;
    let (worker, _) = silent_worker(&stack, None).await;
    let answer = client.compute(with_id(id, [1, 2, 3])).await.expect("an answer");
    let answer = answer_of(id, answer);

    let woken = waiting.await.expect("no panic").expect("it is done").into_inner();
    assert_eq!(statistics(&woken), &answer);
    assert_eq!((woken.digest, woken.values.len()), (digest(&list([1, 2, 3])), 0));
    let found = client.get_operation(get(name(id))).await.expect("it was answered").into_inner();
    assert_eq!(statistics(&found), &answer);

    // Nor does the mark hide it that a worker makes before its last attempt.
    mark_dead(&stack, &record(id, None)).await;
    let found = client.get_operation(get(name(id))).await.expect("it was answered").into_inner();
    assert_eq!(statistics(&found), &answer);

    // A gateway that gave no answer, and one that keeps none, know what the log knows.
    let other = Gateway::start(&stack, |config| config.answers_kept = 0).await;
    let marked = other.client().await.get_operation(get(name(id))).await.expect("it is marked").into_inner();
    assert_eq!(error(&marked).0, Code::Internal as i32);
    let answer = other.client().await.compute(list([1])).await.expect("an answer").into_inner();
    let unknown = other.client().await.get_operation(get(format!("operations/{}", answer.operation_id))).await;
    check_refused(unknown, Code::NotFound, "NOT_RECORDED_YET");
    other.stop().await;
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_wait_ends_in_time_with_what_is_known_then() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let name = name(Uuid::now_v7());
    // 0 s, much less than the call may take; and more than it may.
    for timeout in [0, 1, 3_000_000_000] {
        let timeout = Some(prost_types::Duration { seconds: timeout, nanos: 0 });
        let limit = if timeout.is_some_and(|timeout| timeout.seconds > 1) { Duration::from_secs(1) } else { LONG };
        let waited = client.wait_operation(within(limit, WaitOperationRequest { name: name.clone(), timeout })).await;
        check_refused(waited, Code::NotFound, "NOT_RECORDED_YET");
    }
    stack.stop().await;
}

#[tokio::test]
async fn an_operation_that_failed_is_done_with_an_error_that_reveals_nothing() {
    let stack = stack(LOG_MODES[0], 1).await;
    let mut client = stack.client().await;
    for (code, told, message) in [
        (Code::Internal, Code::Internal, "the worker failed"),
        (Code::NotFound, Code::Internal, "the worker failed"),
        (Code::InvalidArgument, Code::InvalidArgument, "the request is invalid"),
        (Code::ResourceExhausted, Code::ResourceExhausted, "the worker has no room for this request"),
    ] {
        let id = Uuid::now_v7();
        log(&stack, &failed_record(id, code, "secret of /home/worker")).await;
        let found = client.get_operation(get(name(id))).await.expect("it is done").into_inner();
        assert_eq!(error(&found), (told as i32, message));
        assert_eq!((found.count, found.values.as_slice(), found.summary.as_str()), (3, &[1, 2, 3][..], ""));
        let waited = client.wait_operation(wait(name(id))).await.expect("it is done").into_inner();
        assert_eq!(waited, found);
    }
    stack.stop().await;
}

#[tokio::test]
async fn an_operation_that_no_worker_finishes_is_done_with_an_error_until_one_does() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let id = Uuid::now_v7();
    mark_dead(&stack, &record(id, None)).await;
    let dead = client.wait_operation(wait(name(id))).await.expect("it is done").into_inner();
    assert_eq!(error(&dead), (Code::Internal as i32, "no worker has finished this operation"));
    let listed = client.list_operations(ListOperationsRequest::default()).await.expect("a page").into_inner();
    assert_eq!(error(&listed.operations[0]), error(&dead));
    check_refused(client.compute(with_id(id, [1, 2, 3])).await, Code::Internal, "WORKER_FAILED");

    log(&stack, &record(id, None)).await;
    let done = client.get_operation(get(name(id))).await.expect("it is done").into_inner();
    assert_eq!(statistics(&done).count, 3);
    stack.stop().await;
}

#[tokio::test]
async fn the_id_in_a_deadline_fetches_the_result_once_it_is_there() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 0).await;
        let mut client = stack.client().await;
        let request = ComputeRequest { finish_late: true, ..list([1, 2, 6]) };
        let late = late(&client, request).await;
        let name = name(operation_id(late.metadata()));
        check_refused(client.get_operation(get(&name)).await, Code::NotFound, "NOT_RECORDED_YET");
        let worker = worker(&stack, log_mode).await;
        let done = client.wait_operation(within(LONG, wait(&name))).await.expect("it is done").into_inner();
        assert_eq!(statistics(&done).mean, 3.0);
        worker.stop().await;
        stack.stop().await;
    }
}

#[tokio::test]
async fn an_operation_is_unknown_for_good_when_its_message_cannot_be_on_the_queue_any_more() {
    let stack = stack(LOG_MODES[0], 0).await;
    let (sqs, mut client) = (stack.sqs(), stack.client().await);
    let url = queue_url(&sqs, REQUEST_QUEUE).await;
    let retention = sqs.set_queue_attributes().queue_url(url);
    retention.attributes(QueueAttributeName::MessageRetentionPeriod, "3600").send().await.expect("it is set");

    let young = client.get_operation(get(name(made(50 * MINUTE)))).await;
    check_refused(young, Code::NotFound, "NOT_RECORDED_YET");
    let old = name(made(61 * MINUTE));
    check_refused(client.get_operation(get(&old)).await, Code::NotFound, "OPERATION_NOT_FOUND");
    check_refused(client.wait_operation(within(LONG, wait(&old))).await, Code::NotFound, "OPERATION_NOT_FOUND");
    check_refused(client.get_operation(get(name(made(400 * DAY)))).await, Code::NotFound, "OPERATION_NOT_FOUND");

    // A caller may choose an id that is older than its request.
    let chosen = made(61 * MINUTE);
    let request = ComputeRequest { finish_late: true, ..with_id(chosen, [1]) };
    late(&client, request).await;
    check_refused(client.get_operation(get(name(chosen))).await, Code::NotFound, "NOT_RECORDED_YET");
    stack.stop().await;
}

#[tokio::test]
async fn what_is_no_operation_is_refused_by_field() {
    let stack = stack(LOG_MODES[0], 1).await;
    let mut client = stack.client().await;
    let id = Uuid::now_v7();
    let ahead = name(made_ahead(2 * MINUTE));
    for bad in ["", "x", "operations/", &id.to_string(), &name(Uuid::new_v4()), &name(id).to_uppercase(), &ahead] {
        check_invalid(client.get_operation(get(bad)).await, &["name"]);
        check_invalid(client.wait_operation(wait(bad)).await, &["name"]);
    }
    check_refused(client.get_operation(get(name(made_ahead(MINUTE / 2)))).await, Code::NotFound, "NOT_RECORDED_YET");
    for (seconds, nanos) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, 0), (i64::MIN, i32::MIN)] {
        let timeout = Some(prost_types::Duration { seconds, nanos });
        let waited = client.wait_operation(WaitOperationRequest { name: "x".to_owned(), timeout }).await;
        check_invalid(waited, &["name", "timeout"]);
    }
    check_invalid(client.submit_operation(SubmitOperationRequest { request: None }).await, &["request"]);
    let request = ComputeRequest { quantiles: vec![2.0], operation_id: "x".to_owned(), ..list([]) };
    let fields = ["request.values", "request.quantiles[0]", "request.operation_id"];
    check_invalid(client.submit_operation(submission(request)).await, &fields);
    check_invalid(client.get_operation(of("a/b", get(name(id)))).await, &["x-tenant"]);
    stack.stop().await;
}

#[tokio::test]
async fn a_tenant_sees_its_own_operations_only() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let mut client = stack.client().await;
        let answer = client.compute(of("acme", list([1, 2, 3]))).await.expect("an answer").into_inner();
        let name = format!("operations/{}", answer.operation_id);
        client.wait_operation(of("acme", wait(&name))).await.expect("it is its own");
        stack.until_queues_are_empty().await;
        for look in [of("other", get(&name)), within(LONG, get(&name))] {
            check_refused(client.get_operation(look).await, Code::NotFound, "NOT_RECORDED_YET");
        }
        let listed = async |client: &mut _, tenant| {
            let listing = ListOperationsRequest::default();
            list_of(client, of(tenant, listing)).await
        };
        assert_eq!((listed(&mut client, "acme").await, listed(&mut client, "other").await), (vec![name], vec![]));
        stack.stop().await;
    }
}

async fn list_of(
    client: &mut compute_proto::v1::compute_service_client::ComputeServiceClient<tonic::transport::Channel>,
    request: tonic::Request<ListOperationsRequest>,
) -> Vec<String> {
    let page = client.list_operations(request).await.expect("a page").into_inner();
    page.operations.into_iter().map(|operation| operation.name).collect()
}

#[tokio::test]
async fn while_s3_is_away_calls_compute_and_the_log_is_unavailable_until_it_is_back() {
    let stack = stack(LOG_MODES[0], 1).await;
    let mut client = stack.client().await;
    let before = client.compute(list([1, 2, 3])).await.expect("an answer").into_inner();
    stack.until_queues_are_empty().await;
    stack.stack.outage().s3(true);

    // This gateway starts without S3, and computes.
    let other = Gateway::start(&stack, |_| {}).await;
    let mut elsewhere = other.client().await;
    let during = elsewhere.compute(list([4])).await.expect("an answer without S3").into_inner();
    let before = format!("operations/{}", before.operation_id);
    let during = format!("operations/{}", during.operation_id);
    let unavailable = (Code::Unavailable, "LOG_UNAVAILABLE");
    check_refused(elsewhere.get_operation(get(&before)).await, unavailable.0, unavailable.1);
    check_refused(elsewhere.wait_operation(within(LONG, wait(&before))).await, unavailable.0, unavailable.1);
    check_refused(elsewhere.list_operations(ListOperationsRequest::default()).await, unavailable.0, unavailable.1);
    let id = Uuid::now_v7();
    check_refused(elsewhere.compute(with_id(id, [1])).await, unavailable.0, unavailable.1);
    check_refused(elsewhere.submit_operation(submission(with_id(id, [1]))).await, unavailable.0, unavailable.1);
    // What a gateway has answered itself it tells even so.
    for (client, name) in [(&mut client, &before), (&mut elsewhere, &during)] {
        assert!(client.get_operation(get(name)).await.expect("it was answered here").into_inner().done);
    }

    stack.stack.outage().s3(false);
    for name in [&before, &during] {
        let found = elsewhere.wait_operation(within(LONG, wait(name))).await.expect("it is logged").into_inner();
        assert!(found.done);
    }
    answer_of(id, elsewhere.compute(with_id(id, [1])).await.expect("an answer"));
    other.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_damaged_record_is_told_as_such() {
    let stack = stack(LOG_MODES[0], 0).await;
    let id = Uuid::now_v7();
    log(&stack, &record(id, None)).await;
    let s3 =
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build());
    let keys =
        s3.list_objects_v2().bucket(LOG_BUCKET).prefix("operations/").send().await.expect("the endpoint answers");
    let key = keys.contents()[0].key().expect("a key");
    let broken = aws_sdk_s3::primitives::ByteStream::from_static(b"{\"id\":");
    s3.put_object().bucket(LOG_BUCKET).key(key).body(broken).send().await.expect("it is written");
    let found = stack.client().await.get_operation(get(name(id))).await;
    check_refused(found, Code::DataLoss, "RECORD_UNREADABLE");
    stack.stop().await;
}

#[tokio::test]
async fn only_so_many_calls_wait_at_once() {
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.gateway.max_in_flight = 1;
    })
    .await;
    let mut client = stack.client().await;
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { client.wait_operation(within(LONG, wait(name(Uuid::now_v7())))).await }
    });
    until(async || stack.stack.traffic().requests("s3:GetObject").handled > 0).await;
    let refused = client.get_operation(get(name(Uuid::now_v7()))).await;
    check_refused(refused, Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT");
    waiting.abort();
    until(async || client.get_operation(get(name(made(400 * DAY)))).await.is_err_and(|e| e.code() == Code::NotFound))
        .await;
    stack.stop().await;
}

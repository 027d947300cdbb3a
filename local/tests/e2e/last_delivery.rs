//! What becomes of a request that SQS is about to give up.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use compute_local::stack::DEAD_LETTER_QUEUE;
use compute_operations::log::{LogReader, LogWriter};
use compute_operations::record::{LogValues, Record};
use compute_worker::log::OperationLog;
use compute_worker::service::Computed;
use sqs_rpc::{Answer, Body, Call, Failure, Request, Requester, RequesterConfig, Responder, ResponderConfig};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tower::service_fn;
use uuid::Uuid;

use crate::kit::{TestStack, until};
use crate::log_kit::{bucket, bucket_of, keys, s3, start};

const QUEUE: &str = "fragile-requests";
const LONG: Duration = Duration::from_secs(60);

/// A queue whose messages are received so often before they are given up, and a responder of it whose service tells that it
/// works, and works until it is told to end.
async fn serve(stack: &TestStack, receive_count: u32, works: Arc<Notify>, ends: Arc<Notify>) -> AbortOnDropHandle<()> {
    let target = format!("arn:aws:sqs:us-east-1:000000000000:{DEAD_LETTER_QUEUE}");
    let policy = format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":{receive_count}}}"#);
    let queue = stack.sqs().create_queue().queue_name(QUEUE);
    queue.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.expect("a queue");
    let journal = OperationLog::new(LogWriter::new(bucket_of(stack, "worker").await), LogValues::All);
    let service = service_fn(move |_request: Request| {
        let (works, ends) = (works.clone(), ends.clone());
        async move {
            works.notify_one();
            ends.notified().await;
            Err::<Answer<Computed>, _>(Failure::new(3, "as told"))
        }
    });
    let mut config = ResponderConfig::new(QUEUE);
    config.poll_wait = Duration::from_secs(1);
    let responder = Responder::new(&stack.aws_of("worker"), config, service, journal).await.expect("it starts");
    AbortOnDropHandle::new(tokio::spawn(responder.run(std::future::pending(), LONG)))
}

/// Sends a request and returns its id; nobody waits for the answer.
async fn send(stack: &TestStack) -> (Uuid, AbortOnDropHandle<()>) {
    let mut config = RequesterConfig::new(QUEUE);
    config.poll_wait = Duration::from_secs(1);
    let requester = Requester::start(&stack.aws_of("gateway"), config).await.expect("it starts");
    let id = Uuid::now_v7();
    let call = Call {
        id,
        method: "test/Fragile".to_owned(),
        body: Body::Text("{}".to_owned()),
        digest: None,
        content_type: None,
        deadline: Instant::now() + LONG,
        finish_late: true,
        tenant: Some("acme".to_owned()),
        traceparent: None,
    };
    let calling = AbortOnDropHandle::new(tokio::spawn(async move { drop(requester.call(call).await) }));
    (id, calling)
}

async fn found(reader: &LogReader, id: Uuid) -> Option<Record> {
    reader.find(Some("acme"), id).await.expect("the log can be read")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_delivery_leaves_a_mark_that_the_record_replaces() {
    let stack = start().await;
    let (works, ends) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let _responder = serve(&stack, 1, works.clone(), ends.clone()).await;
    let (id, _calling) = send(&stack).await;
    works.notified().await;
    let reader = LogReader::new(bucket(&stack).await);
    let mark = found(&reader, id).await.expect("it was marked before it was worked");
    assert!(mark.error.is_some_and(|error| error.code == 13 && error.message.starts_with("not finished after 1 ")));
    assert!(mark.times.sent.is_some() && mark.times.finished.is_none());
    ends.notify_one();
    until(async || found(&reader, id).await.is_some_and(|record| record.status == 3)).await;
    assert_eq!(keys(&s3(&stack), "operations/").await.len(), 2, "the mark stays beside the record");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_not_the_last_leaves_no_mark() {
    let stack = start().await;
    let (works, ends) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let _responder = serve(&stack, 2, works.clone(), ends.clone()).await;
    let (id, _calling) = send(&stack).await;
    works.notified().await;
    let reader = LogReader::new(bucket(&stack).await);
    assert_eq!(found(&reader, id).await, None);
    ends.notify_one();
    until(async || found(&reader, id).await.is_some()).await;
    assert_eq!(keys(&s3(&stack), "operations/").await.len(), 1);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_cannot_be_written_does_not_keep_a_request_from_being_worked() {
    let stack = start().await;
    let (works, ends) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let _responder = serve(&stack, 1, works.clone(), ends.clone()).await;
    stack.stack.outage().s3(true);
    let (id, _calling) = send(&stack).await;
    works.notified().await;
    stack.stack.outage().s3(false);
    ends.notify_one();
    let reader = LogReader::new(bucket(&stack).await);
    until(async || found(&reader, id).await.is_some_and(|record| record.status == 3)).await;
    stack.stop().await;
}

//! The four endings of a call that waits, each with nothing left in the table of waiters; and what becomes of replies that
//! nobody waits for.

use std::time::Duration;

use compute_local::stack::REQUEST_QUEUE;
use compute_proto::COMPUTE_METHOD;
use sqs_rpc::{Body, Call, CallError, Requester, RequesterConfig};
use tokio::time::Instant;
use uuid::Uuid;

use crate::kit::{TestStack, message_counts, queue_names, until};

async fn requester(stack: &TestStack) -> Requester {
    let mut config = RequesterConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    Requester::start(&stack.aws_of("gateway"), config).await.expect("it starts")
}

pub(crate) fn call(timeout: Duration) -> Call {
    Call {
        id: Uuid::now_v7(),
        method: COMPUTE_METHOD.to_owned(),
        body: Body::Text(r#"{"values":[1,2,3]}"#.to_owned()),
        digest: None,
        content_type: None,
        deadline: Instant::now() + timeout,
        finish_late: false,
        tenant: None,
        traceparent: None,
    }
}

pub(crate) const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_reply_ends_the_wait() {
    let stack = TestStack::start().await;
    let requester = requester(&stack).await;
    let reply = requester.call(call(LONG)).await.expect("a reply");

    assert!(reply.body.contains(r#""median":2"#), "{}", reply.body);
    assert_eq!((requester.in_flight(), requester.stats().replies), (0, 1));
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn the_deadline_ends_the_wait_and_a_reply_after_it_is_counted_as_late() {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let requester = requester(&stack).await;
    let mut late = call(Duration::from_millis(100));
    late.finish_late = true;
    assert!(matches!(requester.call(late).await, Err(CallError::DeadlineExceeded)));
    assert_eq!(requester.in_flight(), 0);

    let worker = compute_worker::Config { poll_wait: Duration::from_secs(1), ..worker_config() };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let aws = stack.aws_of("worker");
    let worker = tokio::spawn(async move {
        let stopped = async { stopped.await.unwrap_or(()) };
        compute_worker::run(worker, &aws, None, compute_process::Readiness::new(), stopped).await
    });
    until(async || requester.stats().late == 1).await;
    stop.send(()).expect("the worker runs");
    worker.await.expect("no panic").expect("a clean end");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

fn worker_config() -> compute_worker::Config {
    compute_worker::Config::new(REQUEST_QUEUE, compute_local::stack::LOG_BUCKET)
}

#[tokio::test]
async fn a_caller_that_leaves_ends_the_wait() {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let requester = requester(&stack).await;
    let caller = tokio::spawn({
        let requester = requester.clone();
        async move { requester.call(call(LONG)).await }
    });
    until(async || message_counts(&stack.sqs(), REQUEST_QUEUE).await.0 == 1).await;
    assert_eq!(requester.in_flight(), 1);

    caller.abort();
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(requester.in_flight(), 0);
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn shutdown_ends_the_wait_at_its_limit_and_takes_the_reply_queue_along() {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let requester = requester(&stack).await;
    let own = requester.reply_queue_url().rsplit_once('/').expect("a URL").1.to_owned();
    assert!(queue_names(&stack.sqs()).await.contains(&own));
    let caller = tokio::spawn({
        let requester = requester.clone();
        async move { requester.call(call(LONG)).await }
    });
    until(async || requester.in_flight() == 1).await;

    requester.shutdown(Duration::from_millis(100)).await;
    assert!(matches!(caller.await.expect("no panic"), Err(CallError::ShuttingDown)));
    assert!(matches!(requester.call(call(LONG)).await, Err(CallError::ShuttingDown)));
    assert_eq!(requester.in_flight(), 0);
    assert!(!queue_names(&stack.sqs()).await.contains(&own));
    stack.stop().await;
}

#[tokio::test]
async fn messages_on_the_reply_queue_that_answer_no_call_are_counted_and_deleted() {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let requester = requester(&stack).await;
    let (sqs, url) = (stack.sqs(), requester.reply_queue_url());
    sqs.send_message().queue_url(&url).message_body("not a reply").send().await.expect("sent");
    send_reply(&sqs, &url, Uuid::now_v7(), "0000").await;

    let waiting = call(LONG);
    let id = waiting.id;
    let caller = tokio::spawn({
        let requester = requester.clone();
        async move { requester.call(waiting).await }
    });
    until(async || requester.in_flight() == 1).await;
    send_reply(&sqs, &url, id, "0000").await;

    until(async || {
        let stats = requester.stats();
        (stats.malformed, stats.unknown, stats.mismatched) == (1, 1, 1)
    })
    .await;
    assert_eq!(requester.in_flight(), 1, "a reply with another digest does not end the wait");
    let name = url.rsplit_once('/').expect("a URL").1;
    until(async || message_counts(&sqs, name).await == (0, 0)).await;
    caller.abort();
    requester.shutdown(LONG).await;
    stack.stop().await;
}

pub(crate) async fn send_reply(sqs: &aws_sdk_sqs::Client, url: &str, id: Uuid, digest: &str) {
    let attribute = |data_type: &str, value: &str| {
        let value = aws_sdk_sqs::types::MessageAttributeValue::builder().data_type(data_type).string_value(value);
        value.build().expect("complete")
    };
    sqs.send_message()
        .queue_url(url)
        .message_body("{}")
        .message_attributes("CorrelationId", attribute("String", &id.to_string()))
        .message_attributes("Digest", attribute("String", digest))
        .message_attributes("Status", attribute("Number", "0"))
        .send()
        .await
        .expect("sent");
}

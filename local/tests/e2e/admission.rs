//! Calls that nobody will answer in time are refused at once, and others are not.

use std::time::Duration;

use compute_local::stack::REQUEST_QUEUE;
use sqs_rpc::{
    Answer, Body, Call, CallError, Failure, NoJournal, Request, Requester, RequesterConfig, Responder, ResponderConfig,
};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::kit::{TestStack, until};

const LONG: Duration = Duration::from_secs(60);

/// The system without a worker of its own, and a requester.
async fn start(no_worker_after: Duration) -> (TestStack, Requester) {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let mut config = RequesterConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    config.no_worker_after = no_worker_after;
    let requester = Requester::start(&stack.aws_of("gateway"), config).await.expect("it starts");
    (stack, requester)
}

fn call(timeout: Duration) -> Call {
    Call {
        id: Uuid::now_v7(),
        method: "test/Echo".to_owned(),
        body: Body::Text("{}".to_owned()),
        digest: None,
        content_type: None,
        deadline: Instant::now() + timeout,
        finish_late: false,
        tenant: None,
        traceparent: None,
    }
}

/// A worker with this many slots whose every request takes this long.
async fn worker(stack: &TestStack, slots: usize, takes: Duration) -> (CancellationToken, JoinHandle<()>) {
    let mut config = ResponderConfig::new(REQUEST_QUEUE);
    config.concurrency = slots;
    config.poll_wait = Duration::from_secs(1);
    let echo = tower::service_fn(move |request: Request| async move {
        tokio::time::sleep(takes).await;
        Ok::<_, Failure>(Answer { body: request.body.into(), context: () })
    });
    let responder = Responder::new(&stack.aws_of("worker"), config, echo, NoJournal).await.expect("it starts");
    let stop = CancellationToken::new();
    let run = tokio::spawn(responder.run(stop.clone().cancelled_owned(), LONG));
    (stop, run)
}

#[tokio::test]
async fn without_a_worker_calls_are_refused_and_the_first_reply_heals() {
    let (stack, requester) = start(Duration::from_millis(300)).await;
    let mut first = JoinSet::new();
    first.spawn({
        let requester = requester.clone();
        async move { requester.call(call(LONG)).await }
    });
    // The first call waits; a later one is refused as soon as the time is over.
    until(async || matches!(requester.call(call(Duration::from_millis(20))).await, Err(CallError::NoWorker { .. })))
        .await;
    assert!(requester.stats().no_worker >= 1);

    let (stop, run) = worker(&stack, 4, Duration::ZERO).await;
    let reply = first.join_next().await.expect("one call").expect("no panic");
    assert_eq!(reply.expect("the call that waited is answered").body, "{}");
    requester.call(call(LONG)).await.expect("the door is open again");

    stop.cancel();
    run.await.expect("no panic");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn an_overloaded_system_refuses_what_would_be_late_and_says_when_to_come_back() {
    // 2 slots of 50 ms each answer 40 calls a second.
    let (stack, requester) = start(LONG).await;
    let (stop, run) = worker(&stack, 2, Duration::from_millis(50)).await;
    let mut calls = JoinSet::new();
    let refused = loop {
        let requester = requester.clone();
        calls.spawn(async move { requester.call(call(Duration::from_secs(2))).await });
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Some(Ok(Err(error @ CallError::Overloaded { .. }))) = calls.try_join_next() {
            break error;
        }
        assert!(calls.len() < 1_000, "200 calls a second are five times what the worker can do");
    };
    let CallError::Overloaded { wait, retry_after } = refused else { unreachable!() };
    assert!(wait > Duration::from_millis(1_500) && !retry_after.is_zero(), "{wait:?} {retry_after:?}");
    // Who has the time is let in all the same.
    requester.call(call(LONG)).await.expect("a minute is enough");

    calls.abort_all();
    stop.cancel();
    run.await.expect("no panic");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

//! A responder whose service misbehaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use compute_local::stack::REQUEST_QUEUE;
use sqs_rpc::{
    Answer, Body, BoxError, Call, CallError, Failure, Journal, Operation, Request, Requester, RequesterConfig,
    Responder, ResponderConfig, code,
};
use tokio::time::Instant;
use tower::service_fn;
use uuid::Uuid;

use crate::kit::TestStack;

const LONG: Duration = Duration::from_secs(60);

/// Notes the body and the code of what was recorded.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Vec<(String, i32)>>>);

impl Journal<()> for Recorded {
    async fn record(&self, operation: &Operation<()>) -> Result<(), BoxError> {
        let code = operation.outcome.as_ref().map_or_else(|failure| failure.code, |_| 0);
        self.0.lock().unwrap().push((operation.request.body.clone(), code));
        Ok(())
    }
}

/// Echoes, but panics of what tells it to: at once, or later, when it has given up its thread in between.
async fn panicking(request: Request) -> Result<Answer<()>, Failure> {
    if request.body.contains("later") {
        tokio::task::yield_now().await;
    }
    assert!(!request.body.contains("panic"), "as told");
    Ok(Answer { body: request.body.into(), context: () })
}

fn call(body: &str) -> Call {
    Call {
        id: Uuid::now_v7(),
        method: "test/Echo".to_owned(),
        body: Body::Text(body.to_owned()),
        digest: None,
        content_type: None,
        deadline: Instant::now() + LONG,
        finish_late: false,
        tenant: None,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_panic_of_the_service_is_an_internal_error_and_the_responder_goes_on() {
    let stack = TestStack::start_with(|config| config.workers = 0).await;
    let mut config = ResponderConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    // The slot of a request that panicked must be free again for the next.
    config.concurrency = 1;
    let journal = Recorded::default();
    let responder = Responder::new(&stack.aws_of("worker"), config, service_fn(panicking), journal.clone())
        .await
        .expect("it starts");
    let stats = responder.stats();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let responder = tokio::spawn(responder.run(async { stopped.await.unwrap_or(()) }, LONG));
    let mut config = RequesterConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    let requester = Requester::start(&stack.aws_of("gateway"), config).await.expect("it starts");

    for body in ["panic", "later panic", "panic"] {
        match requester.call(call(body)).await {
            Err(CallError::Failed(failure)) => {
                assert_eq!(failure.code, code::INTERNAL);
                assert!(!failure.message.contains("as told"), "nothing of its insides: {failure}");
            }
            other => panic!("{body}: {other:?}"),
        }
        assert_eq!(requester.call(call("fine")).await.expect("an echo").body, "fine");
    }

    stack.until_queues_are_empty().await;
    let counted = stats();
    assert_eq!((counted.panics, counted.failed, counted.succeeded, counted.received), (3, 3, 3, 6));
    let mut recorded = journal.0.lock().unwrap().clone();
    recorded.sort();
    let (panics, fine) = (code::INTERNAL, 0);
    let expected = [("fine", fine), ("later panic", panics), ("panic", panics)];
    for (body, code) in expected {
        assert!(recorded.contains(&(body.to_owned(), code)), "{recorded:?}");
    }
    assert_eq!(recorded.len(), 6, "each once");
    stop.send(()).expect("it runs");
    responder.await.expect("no panic");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

//! How the gateway ends: in order, and without losing a call.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use compute_local::stack::REQUEST_QUEUE;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::edge::{error_info, values, without_workers};
use crate::kit::{TestStack, log_records_in, message_counts, queue_names, until};

#[tokio::test]
async fn a_drain_is_announced_and_does_not_wait_for_those_who_watch() {
    let stack = without_workers(|_| {}).await;
    let mut health = HealthClient::new(stack.channel().await);
    let request = HealthCheckRequest { service: "compute.v1.ComputeService".to_owned() };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let stopping = tokio::spawn(stack.stop());
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    tokio::time::timeout(Duration::from_secs(20), stopping).await.expect("long before the drain limit").unwrap();
    assert!(watch.next().await.is_none_or(|end| end.is_err()), "the watch is cut");
}

#[tokio::test]
async fn a_call_left_at_the_drain_limit_is_answered_unavailable_with_its_operation() {
    let stack = without_workers(|config| config.drain_limit = Duration::from_millis(100)).await;
    let (sqs, mut client) = (stack.sqs(), stack.client().await);
    let waiting = tokio::spawn(async move { client.compute(values([1])).await });
    until(async || message_counts(&sqs, REQUEST_QUEUE).await.0 == 1).await;
    assert!(queue_names(&sqs).await.iter().any(|name| name.starts_with("compute-replies-")));

    stack.stop().await;
    let status = waiting.await.unwrap().unwrap_err();
    assert_eq!((status.code(), error_info(&status).reason.as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
    let id = status.metadata().get("operation-id").unwrap().to_str().unwrap();
    assert_eq!(error_info(&status).metadata["operation_id"], id);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test]
async fn a_stop_in_the_middle_of_load_answers_every_call_that_was_taken() {
    const CALLERS: usize = 32;
    let stack = TestStack::start().await;
    let (log_dir, answered) = (stack.stack.log_dir().to_owned(), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (mut client, answered) = (stack.client().await, answered.clone());
        callers.spawn(async move {
            let number = i64::try_from(number).unwrap();
            loop {
                match client.compute(values([number])).await {
                    Ok(answer) => assert_eq!(answer.into_inner().statistics.unwrap().max, number),
                    Err(status) => return status,
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until(async || answered.load(Ordering::Relaxed) > 10 * CALLERS).await;
    let _data = stack.stop().await;

    // A call is answered with a result, or was not taken: the gateway said that it drains, or the connection did not take it any
    // more, for which tonic's client has several codes, none with an operation id.
    while let Some(status) = callers.join_next().await {
        let status = status.unwrap();
        if status.metadata().contains_key("operation-id") {
            assert_eq!((status.code(), error_info(&status).reason.as_str()), (Code::Unavailable, "SHUTTING_DOWN"));
        } else {
            assert!(status.source().is_some_and(<dyn std::error::Error>::is::<tonic::transport::Error>), "{status:?}");
        }
    }
    let records = log_records_in(&log_dir).len();
    assert_eq!(records, answered.load(Ordering::Relaxed), "a record for each answer, and no more");
}

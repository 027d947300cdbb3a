//! With the real clock: who is woken, when, and what a poller that goes away takes along (nothing).

use super::*;
use crate::sqs::attributes::QueueAttributes;
use crate::sqs::message::{Content, MessageForm};

const LONG: ReceiveOptions = ReceiveOptions { limit: 10, visibility: None, wait: Some(20_000) };
const SHORT: ReceiveOptions = ReceiveOptions { wait: Some(0), ..LONG };

fn queue() -> Arc<Queue> {
    let state = QueueState::new(QueueAttributes::default(), 120_000);
    Arc::new(Queue::new(0, "q".to_owned(), "arn:aws:sqs:us-east-1:000000000000:q".into(), state, Tags::new()))
}

fn content() -> Arc<Content> {
    let form: MessageForm = serde_json::from_value(serde_json::json!({"MessageBody": "m"})).expect("a message");
    Arc::new(form.check(1024).expect("a valid message"))
}

fn send(queue: &Queue, delay: Millis) {
    queue.with(|state, now| state.send(now, content(), Some(delay)));
}

async fn receive(queue: &Arc<Queue>, options: ReceiveOptions) -> Result<Vec<Delivery>, SqsError> {
    queue.receive(options, |_| None).await
}

/// A long poll in a task of its own, already waiting.
async fn poller(queue: &Arc<Queue>) -> tokio::task::JoinHandle<Result<Vec<Delivery>, SqsError>> {
    let task = tokio::spawn({
        let queue = Arc::clone(queue);
        async move { receive(&queue, LONG).await }
    });
    // One thread: after a yield the task has run to where it waits.
    tokio::task::yield_now().await;
    assert!(!task.is_finished());
    task
}

#[tokio::test]
async fn a_send_wakes_the_poller_that_waited_longest() {
    let queue = queue();
    let (first, second) = (poller(&queue).await, poller(&queue).await);
    send(&queue, 0);
    assert_eq!(first.await.expect("no panic").expect("messages").len(), 1);
    assert!(!second.is_finished());
    send(&queue, 0);
    assert_eq!(second.await.expect("no panic").expect("messages").len(), 1);
}

#[tokio::test]
async fn a_poller_that_takes_less_than_there_is_wakes_the_next() {
    let queue = queue();
    let one = ReceiveOptions { limit: 1, ..LONG };
    let pollers = async { tokio::join!(receive(&queue, one), receive(&queue, one), receive(&queue, one)) };
    let sender = async {
        queue.with(|state, now| (0..3).for_each(|_| state.send(now, content(), None)));
    };
    let ((first, second, third), ()) = tokio::join!(pollers, sender);
    for received in [first, second, third] {
        assert_eq!(received.expect("messages").len(), 1);
    }
}

#[tokio::test]
async fn a_poller_that_went_away_takes_nothing_even_if_it_was_woken() {
    let queue = queue();
    let (first, second) = (poller(&queue).await, poller(&queue).await);
    // Woken, but aborted before it can look.
    send(&queue, 0);
    first.abort();
    let received = second.await.expect("no panic").expect("messages");
    assert_eq!(received[0].message.receive_count, 1);
}

#[tokio::test]
async fn a_poller_is_woken_when_a_delay_ends_even_if_a_later_one_was_known_first() {
    let queue = queue();
    let poller = poller(&queue).await;
    send(&queue, 600_000);
    tokio::task::yield_now().await;
    send(&queue, 50);
    assert_eq!(poller.await.expect("no panic").expect("messages").len(), 1);
}

#[tokio::test]
async fn a_poller_is_woken_when_a_visibility_timeout_ends_or_is_given_up() {
    let queue = queue();
    send(&queue, 0);
    let hide = ReceiveOptions { visibility: Some(50), ..SHORT };
    receive(&queue, hide).await.expect("a message");
    let again = receive(&queue, LONG).await.expect("the same message");
    assert_eq!(again[0].message.receive_count, 2);

    let poller = poller(&queue).await;
    queue.with(|state, now| state.change_visibility(now, again[0].receipt, 0)).expect("it is in flight");
    assert_eq!(poller.await.expect("no panic").expect("messages")[0].message.receive_count, 3);
}

#[tokio::test]
async fn a_long_poll_comes_home_empty_after_its_wait() {
    let queue = queue();
    let short_wait = ReceiveOptions { wait: Some(50), ..LONG };
    assert!(receive(&queue, short_wait).await.expect("an empty answer").is_empty());
}

#[tokio::test]
async fn over_the_limit_a_short_poll_is_refused_and_a_long_poll_comes_home_empty() {
    let state = QueueState::new(QueueAttributes::default(), 1);
    let queue = Arc::new(Queue::new(0, "q".to_owned(), "arn".into(), state, Tags::new()));
    send(&queue, 0);
    send(&queue, 0);
    assert_eq!(receive(&queue, SHORT).await.expect("one message").len(), 1);
    assert_eq!(receive(&queue, SHORT).await.expect_err("over the limit"), SqsError::OverLimit(1));
    let short_wait = ReceiveOptions { wait: Some(50), ..LONG };
    assert!(receive(&queue, short_wait).await.expect("an empty answer").is_empty());
}

#[tokio::test]
async fn deleting_a_queue_sends_its_pollers_home() {
    let queue = queue();
    let poller = poller(&queue).await;
    queue.close();
    assert_eq!(poller.await.expect("no panic").expect_err("deleted"), SqsError::QueueDoesNotExist);
}

#[tokio::test]
async fn the_alarm_ends_with_its_queue() {
    let queue = queue();
    let poller = poller(&queue).await;
    poller.abort();
    assert!(poller.await.is_err());
    let alarm = queue.alarm.get().cloned().expect("somebody has waited");
    drop(queue);
    while !alarm.is_finished() {
        tokio::task::yield_now().await;
    }
}

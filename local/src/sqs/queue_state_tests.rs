use super::*;
use crate::sqs::message::MessageForm;

#[path = "queue_state_disorder_tests.rs"]
mod disorder;
#[path = "queue_state_properties.rs"]
mod properties;

const SECOND: Millis = 1000;
const START: Millis = 1_700_000_000_000;

fn queue(attributes: &[(&str, &str)]) -> QueueState {
    let mut set = QueueAttributes::default();
    for (name, value) in attributes {
        set.set(name, value).expect("a valid attribute");
    }
    QueueState::new(set, 3)
}

fn content(body: &str) -> Arc<Content> {
    let form: MessageForm = serde_json::from_value(serde_json::json!({"MessageBody": body})).expect("a message");
    Arc::new(form.check(1024).expect("a valid message"))
}

fn send(queue: &mut QueueState, now: Millis, bodies: &[&str]) {
    for body in bodies {
        queue.send(now, content(body), None);
    }
}

fn receive(queue: &mut QueueState, now: Millis, limit: usize) -> Vec<Delivery> {
    queue.receive(now, limit, 30 * SECOND, None).deliveries
}

fn bodies<'m>(messages: impl IntoIterator<Item = &'m Message>) -> Vec<&'m str> {
    messages.into_iter().map(|message| message.content.body.as_str()).collect()
}

fn delivered(deliveries: &[Delivery]) -> Vec<&str> {
    bodies(deliveries.iter().map(|delivery| &delivery.message))
}

#[test]
fn messages_come_out_in_the_order_they_were_sent_and_once() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a", "b", "c"]);
    assert_eq!(delivered(&receive(&mut queue, START, 2)), ["a", "b"]);
    assert_eq!(delivered(&receive(&mut queue, START, 2)), ["c"]);
    assert_eq!(delivered(&receive(&mut queue, START, 2)), [] as [&str; 0]);
}

#[test]
fn a_message_not_deleted_becomes_visible_at_the_end_of_its_timeout_and_not_before() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a"]);
    let first = receive(&mut queue, START, 1);
    assert_eq!(queue.next_due(), Some(START + 30 * SECOND));
    assert!(receive(&mut queue, START + 30 * SECOND - 1, 1).is_empty());
    let second = receive(&mut queue, START + 30 * SECOND, 1);
    assert_ne!(first[0].receipt, second[0].receipt);
    assert_eq!(second[0].message.receive_count, 2);
    assert_eq!(second[0].message.first_received_at, Some(START));
    assert_eq!(second[0].message.sent_at, START);
}

#[test]
fn only_the_receipt_of_the_latest_receive_deletes() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a"]);
    let old = receive(&mut queue, START, 1)[0].receipt;
    let later = START + 30 * SECOND;
    let latest = receive(&mut queue, later, 1)[0].receipt;
    queue.delete(later, old);
    assert_eq!(queue.counts(later), Counts { in_flight: 1, ..Counts::default() });
    queue.delete(later, latest);
    queue.delete(later, latest);
    assert_eq!(queue.counts(later), Counts::default());
}

#[test]
fn a_message_that_is_visible_again_can_still_be_deleted_by_its_last_receipt() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a"]);
    let receipt = receive(&mut queue, START, 1)[0].receipt;
    queue.delete(START + 31 * SECOND, receipt);
    assert_eq!(queue.counts(START + 31 * SECOND), Counts::default());
}

#[test]
fn a_changed_timeout_counts_from_the_change_and_zero_gives_back() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a"]);
    let receipt = receive(&mut queue, START, 1)[0].receipt;
    let change = START + 20 * SECOND;
    assert_eq!(queue.change_visibility(change, receipt, 20 * SECOND), Ok(()));
    assert_eq!(queue.next_due(), Some(change + 20 * SECOND));
    assert_eq!(queue.change_visibility(change, receipt, 0), Ok(()));
    assert_eq!(queue.counts(change), Counts { visible: 1, ..Counts::default() });
}

#[test]
fn a_timeout_cannot_be_changed_of_what_is_not_in_flight_or_beyond_twelve_hours() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a"]);
    let receipt = receive(&mut queue, START, 1)[0].receipt;
    let later = START + SECOND;
    assert_eq!(queue.change_visibility(later, receipt, MAX_VISIBILITY), Err(VisibilityError::TooLong));
    assert_eq!(queue.change_visibility(later, receipt, MAX_VISIBILITY - SECOND), Ok(()));
    assert_eq!(queue.change_visibility(later, receipt, 0), Ok(()));
    assert_eq!(queue.change_visibility(later, receipt, SECOND), Err(VisibilityError::NotInFlight));
    queue.delete(later, receipt);
    assert_eq!(queue.change_visibility(later, receipt, SECOND), Err(VisibilityError::Gone));
}

#[test]
fn a_delay_hides_a_message_and_its_own_beats_the_queues() {
    let mut queue = queue(&[("DelaySeconds", "5")]);
    send(&mut queue, START, &["queue's"]);
    queue.send(START, content("own"), Some(2 * SECOND));
    queue.send(START, content("none"), Some(0));
    assert_eq!(queue.counts(START), Counts { visible: 1, in_flight: 0, delayed: 2 });
    assert_eq!(delivered(&receive(&mut queue, START, 3)), ["none"]);
    assert_eq!(delivered(&receive(&mut queue, START + 2 * SECOND, 3)), ["own"]);
    assert_eq!(delivered(&receive(&mut queue, START + 5 * SECOND, 3)), ["queue's"]);
}

#[test]
fn a_message_is_dropped_at_the_end_of_retention_wherever_it_stands() {
    let mut queue = queue(&[("MessageRetentionPeriod", "60")]);
    send(&mut queue, START, &["in flight", "visible"]);
    queue.send(START, content("delayed"), Some(900 * SECOND));
    let receipt = receive(&mut queue, START, 1)[0].receipt;
    assert_eq!(queue.change_visibility(START, receipt, 600 * SECOND), Ok(()));
    assert_eq!(queue.counts(START + 60 * SECOND - 1), Counts { visible: 1, in_flight: 1, delayed: 1 });
    assert_eq!(queue.counts(START + 60 * SECOND), Counts::default());
    assert_eq!(queue.next_due(), None);
}

#[test]
fn a_dead_letter_keeps_its_age() {
    let mut queue = queue(&[("MessageRetentionPeriod", "60")]);
    send(&mut queue, START, &["young"]);
    queue.take_in(Message::new(content("old"), START - 59 * SECOND));
    assert_eq!(queue.counts(START + SECOND).visible, 1);
    assert_eq!(delivered(&receive(&mut queue, START + SECOND, 2)), ["young"]);
}

#[test]
fn what_was_received_often_enough_is_dead_at_the_next_receive() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["poison", "good"]);
    assert_eq!(queue.receive(START, 1, 0, Some(2)).deliveries.len(), 1);
    assert_eq!(queue.receive(START, 1, 0, Some(2)).deliveries.len(), 1);
    let received = queue.receive(START, 1, 0, Some(2));
    assert_eq!(bodies(&received.dead), ["poison"]);
    assert_eq!(delivered(&received.deliveries), ["good"]);
    assert_eq!(received.dead[0].receive_count, 2);
}

#[test]
fn a_dead_letter_is_not_dead_again_in_its_new_queue_before_it_was_received_there() {
    let mut graveyard = queue(&[]);
    graveyard.take_in(Message { receive_count: 7, ..Message::new(content("dead"), START) });
    let received = graveyard.receive(START, 1, 0, Some(1));
    assert_eq!(received.deliveries[0].message.receive_count, 8);
    assert_eq!(bodies(&graveyard.receive(START, 1, 0, Some(1)).dead), ["dead"]);
}

#[test]
fn no_more_than_the_limit_is_in_flight() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a", "b", "c", "d"]);
    let received = queue.receive(START, 10, 30 * SECOND, None);
    assert_eq!(received.deliveries.len(), 3);
    assert!(received.over_limit);
    assert!(!queue.has_deliverable());
    queue.delete(START, received.deliveries[0].receipt);
    assert!(queue.has_deliverable());
    assert_eq!(delivered(&receive(&mut queue, START, 10)), ["d"]);
}

#[test]
fn a_purge_leaves_nothing_and_old_receipts_harmless() {
    let mut queue = queue(&[]);
    send(&mut queue, START, &["a", "b"]);
    queue.send(START, content("c"), Some(SECOND));
    let receipt = receive(&mut queue, START, 1)[0].receipt;
    queue.purge();
    assert_eq!(queue.counts(START), Counts::default());
    send(&mut queue, START, &["d"]);
    queue.delete(START, receipt);
    assert_eq!(delivered(&receive(&mut queue, START, 10)), ["d"]);
}

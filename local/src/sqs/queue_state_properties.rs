//! Whatever happens to a queue, in whatever order: no message is lost, doubled or seen before its time.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::{START, content, queue};

#[derive(Debug, Clone)]
enum Operation {
    Send {
        delay: Millis,
    },
    Receive {
        limit: usize,
        visibility: Millis,
        max_receives: Option<u32>,
    },
    /// Of the receipts given out so far.
    Delete {
        nth: usize,
    },
    ChangeVisibility {
        nth: usize,
        timeout: Millis,
    },
    TakeOut,
    Wait {
        time: Millis,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    let time = || prop_oneof![Just(0), 0..50_u64];
    prop_oneof![
        3 => time().prop_map(|delay| Operation::Send { delay }),
        4 => (1..4_usize, time(), prop::option::of(1..4_u32))
            .prop_map(|(limit, visibility, max_receives)| Operation::Receive { limit, visibility, max_receives }),
        2 => any::<usize>().prop_map(|nth| Operation::Delete { nth }),
        2 => (any::<usize>(), time()).prop_map(|(nth, timeout)| Operation::ChangeVisibility { nth, timeout }),
        1 => Just(Operation::TakeOut),
        3 => time().prop_map(|time| Operation::Wait { time }),
    ]
}

/// What is known from outside about the messages that should be in the queue: when each may be handed out again at the earliest.
#[derive(Default)]
struct Outside {
    hidden_until: BTreeMap<String, Millis>,
    receipts: Vec<(String, Receipt)>,
}

impl Outside {
    fn latest(&self, nth: usize) -> Option<(String, Receipt)> {
        let (id, receipt) = self.receipts.get(nth.checked_rem(self.receipts.len())?)?;
        let newer =
            |(_, other): &&(String, Receipt)| other.sequence == receipt.sequence && other.receive > receipt.receive;
        let latest = self.receipts.iter().find(newer).is_none() && self.hidden_until.contains_key(id);
        latest.then(|| (id.clone(), *receipt))
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_seen_too_early(operations in prop::collection::vec(operation(), 1..80)) {
        let mut queue = queue(&[]);
        let mut outside = Outside::default();
        let mut now = START;
        for (step, operation) in operations.into_iter().enumerate() {
            match operation {
                Operation::Send { delay } => {
                    let id = step.to_string();
                    queue.send(now, content(&id), Some(delay));
                    outside.hidden_until.insert(id, now + delay);
                }
                Operation::Receive { limit, visibility, max_receives } => {
                    let received = queue.receive(now, limit, visibility, max_receives);
                    prop_assert!(received.deliveries.len() <= limit);
                    for Delivery { receipt, message } in received.deliveries {
                        let id = message.content.body.clone();
                        let hidden_until = outside.hidden_until.insert(id.clone(), now + visibility);
                        prop_assert!(hidden_until.is_some_and(|until| until <= now), "{id} was hidden or gone");
                        outside.receipts.push((id, receipt));
                    }
                    for message in received.dead {
                        prop_assert!(Some(message.receive_count) >= max_receives);
                        prop_assert!(outside.hidden_until.remove(&message.content.body).is_some());
                    }
                }
                Operation::Delete { nth } => {
                    let latest = outside.latest(nth);
                    if let Some(&(_, receipt)) = nth.checked_rem(outside.receipts.len()).map(|nth| &outside.receipts[nth]) {
                        queue.delete(now, receipt);
                    }
                    if let Some((id, _)) = latest {
                        outside.hidden_until.remove(&id);
                    }
                }
                Operation::ChangeVisibility { nth, timeout } => {
                    if let Some((id, receipt)) = outside.latest(nth) {
                        let in_flight = outside.hidden_until.get(&id).is_some_and(|&until| until > now);
                        let changed = queue.change_visibility(now, receipt, timeout);
                        prop_assert_eq!(changed, if in_flight { Ok(()) } else { Err(VisibilityError::NotInFlight) });
                        if in_flight {
                            outside.hidden_until.insert(id, now + timeout);
                        }
                    }
                }
                Operation::TakeOut => {
                    if let Some(message) = queue.take_out(now) {
                        let hidden_until = outside.hidden_until.remove(&message.content.body);
                        prop_assert!(hidden_until.is_some_and(|until| until <= now));
                    }
                }
                Operation::Wait { time } => now += time,
            }
            let visible = outside.hidden_until.values().filter(|&&until| until <= now).count();
            let counts = queue.counts(now);
            prop_assert_eq!(counts.visible, visible);
            prop_assert_eq!(counts.visible + counts.in_flight + counts.delayed, outside.hidden_until.len());
            prop_assert!(counts.in_flight <= queue.in_flight_limit());
            prop_assert_eq!(queue.next_due(), outside.hidden_until.values().copied().filter(|&until| until > now).min());
            prop_assert_eq!(queue.by_age.len(), outside.hidden_until.len());
        }
    }
}

//! One standard queue as a state machine: no clock, no lock, nobody waiting.
//!
//! ```text
//!   send ──(delay)──► delayed ──(due)──┐
//!     │                                ▼        receive
//!     └──────────(no delay)───────► visible ─────────────► in flight
//!                                      ▲                      │
//!                                      └──(visibility ends)───┘
//! ```
//!
//! A message leaves by being deleted, by growing older than the retention period, or, when it is about to be received once more
//! than the queue's redrive policy allows, to the dead-letter queue. Every operation takes the time and first lets come true
//! what was due by then, so what an operation sees never depends on how often somebody looked before.
//!
//! Visible messages are handed out oldest arrival first. SQS promises no order for standard queues; this one is the least
//! surprising to work with. A [`QueueDisorder`] makes it less so, and lets messages come twice: the copy is a message of its
//! own, as on a server of SQS that noticed neither the receive nor the delete.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::attributes::QueueAttributes;
use super::message::Content;
use crate::chaos::{Draws, QueueDisorder};

/// Unix time, or a length of time, in milliseconds.
pub(super) type Millis = u64;

/// Longest time that one receive may keep a message invisible, extensions included: 12 hours.
pub(super) const MAX_VISIBILITY: Millis = 43_200_000;

/// A receive out of order picks among this many of the oldest visible messages.
const DISORDERED: usize = 100;

/// A message and what SQS knows about it, wherever it stands.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) content: Arc<Content>,
    pub(super) sent_at: Millis,
    /// Over all queues it was in since it was sent, as `ApproximateReceiveCount` says.
    pub(super) receive_count: u32,
    pub(super) first_received_at: Option<Millis>,
    /// ARN of the queue it came from, if this is a dead letter.
    pub(super) dead_letter_source: Option<Arc<str>>,
}

impl Message {
    pub(super) fn new(content: Arc<Content>, sent_at: Millis) -> Self {
        Self { content, sent_at, receive_count: 0, first_received_at: None, dead_letter_source: None }
    }
}

/// What a receipt handle stands for: one receive of one message of this queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) sequence: u64,
    /// Which of the message's receives from this queue, from 1.
    pub(super) receive: u32,
}

/// A message handed out.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) receipt: Receipt,
    pub(super) message: Message,
}

/// What one look into the queue brought.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) deliveries: Vec<Delivery>,
    /// Messages that were received too often; they have left the queue.
    pub(super) dead: Vec<Message>,
    /// Something was visible and stayed, because the queue's limit of messages in flight is reached.
    pub(super) over_limit: bool,
}

/// Why a visibility timeout cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VisibilityError {
    /// It was deleted, has expired, or was received again since.
    Gone,
    /// Its visibility timeout has passed.
    NotInFlight,
    /// It would be invisible for more than [`MAX_VISIBILITY`] since it was received.
    TooLong,
}

/// How many messages stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) visible: usize,
    pub(super) in_flight: usize,
    pub(super) delayed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Delayed { until: Millis },
    Visible,
    InFlight { until: Millis, since: Millis },
}

#[derive(Debug)]
struct Stored {
    message: Message,
    place: Place,
    /// From this queue. A dead letter's own count goes on from queue to queue; this one decides when it is buried again.
    receives: u32,
    /// It is there because of the queue's disorder. Copies are not copied again, or one message could go on for ever.
    is_copy: bool,
}

/// The messages of one queue, by arrival.
#[derive(Debug)]
pub(super) struct QueueState {
    pub(super) attributes: QueueAttributes,
    in_flight_limit: usize,
    next_sequence: u64,
    stored: HashMap<u64, Stored>,
    visible: BTreeSet<u64>,
    /// When delayed messages and messages in flight become visible.
    due: BTreeSet<(Millis, u64)>,
    /// Everything by its time of sending, for retention. Dead letters keep theirs, so this is not the order of arrival.
    by_age: BTreeSet<(Millis, u64)>,
    in_flight: usize,
    disorder: Option<QueueDisorder>,
}

impl QueueState {
    pub(super) fn new(attributes: QueueAttributes, in_flight_limit: usize) -> Self {
        Self {
            attributes,
            in_flight_limit,
            next_sequence: 0,
            stored: HashMap::new(),
            visible: BTreeSet::new(),
            due: BTreeSet::new(),
            by_age: BTreeSet::new(),
            in_flight: 0,
            disorder: None,
        }
    }

    /// The same queue, as unreliable as the disorder says.
    pub(super) fn with_disorder(self, disorder: Option<QueueDisorder>) -> Self {
        Self { disorder, ..self }
    }

    /// Stores a message that becomes visible after `delay`, or the queue's own delay.
    pub(super) fn send(&mut self, now: Millis, content: Arc<Content>, delay: Option<Millis>) {
        let delay = delay.unwrap_or(self.attributes.delay());
        let place = if delay == 0 { Place::Visible } else { Place::Delayed { until: now + delay } };
        self.store(Message::new(content, now), place);
    }

    /// Takes in a message from another queue, visible at once.
    pub(super) fn take_in(&mut self, message: Message) {
        self.store(message, Place::Visible);
    }

    /// Hands out up to `limit` visible messages and hides them for `visibility`.
    ///
    /// A message that was received from here `max_receives` times already is not handed out but returned among the dead. `None`: as often
    /// as it takes.
    pub(super) fn receive(
        &mut self,
        now: Millis,
        limit: usize,
        visibility: Millis,
        max_receives: Option<u32>,
    ) -> Received {
        self.advance(now);
        let mut received = Received::default();
        let mut pick = self.disorder.as_ref().and_then(|disorder| disorder.pick(self.visible.len()));
        while received.deliveries.len() < limit {
            let Some(sequence) = self.next_visible(pick.as_mut()) else { break };
            if max_receives.is_some_and(|max| self.receives(sequence) >= max) {
                received.dead.extend(self.remove(sequence));
                continue;
            }
            if self.in_flight >= self.in_flight_limit {
                received.over_limit = true;
                break;
            }
            self.copy(sequence, now);
            self.place(sequence, Place::InFlight { until: now + visibility, since: now });
            let Some(Stored { message, receives, .. }) = self.stored.get_mut(&sequence) else { break };
            *receives += 1;
            message.receive_count += 1;
            message.first_received_at.get_or_insert(now);
            let receipt = Receipt { sequence, receive: *receives };
            received.deliveries.push(Delivery { receipt, message: message.clone() });
        }
        received
    }

    /// Deletes the message if the receipt is of its latest receive, in flight or visible again. An older receipt, or one whose
    /// message is gone, changes nothing: as AWS documents, that is a success too.
    pub(super) fn delete(&mut self, now: Millis, receipt: Receipt) {
        self.advance(now);
        if self.latest(receipt).is_some() {
            self.remove(receipt.sequence);
        }
    }

    /// Lets the visibility timeout of a message in flight end `timeout` from now; 0 gives the message back.
    pub(super) fn change_visibility(
        &mut self,
        now: Millis,
        receipt: Receipt,
        timeout: Millis,
    ) -> Result<(), VisibilityError> {
        self.advance(now);
        let since = match self.latest(receipt).ok_or(VisibilityError::Gone)?.place {
            Place::InFlight { since, .. } => since,
            Place::Visible | Place::Delayed { .. } => return Err(VisibilityError::NotInFlight),
        };
        let until = now + timeout;
        if until > since + MAX_VISIBILITY {
            return Err(VisibilityError::TooLong);
        }
        let place = if timeout == 0 { Place::Visible } else { Place::InFlight { until, since } };
        self.place(receipt.sequence, place);
        Ok(())
    }

    /// Takes the first visible message out of the queue. This is not a receive: counts stay as they are.
    pub(super) fn take_out(&mut self, now: Millis) -> Option<Message> {
        self.advance(now);
        let sequence = self.visible.first().copied()?;
        self.remove(sequence)
    }

    /// Drops all messages, those in flight too.
    pub(super) fn purge(&mut self) {
        self.stored.clear();
        self.visible.clear();
        self.due.clear();
        self.by_age.clear();
        self.in_flight = 0;
    }

    pub(super) fn counts(&mut self, now: Millis) -> Counts {
        self.advance(now);
        let visible = self.visible.len();
        Counts { visible, in_flight: self.in_flight, delayed: self.stored.len() - visible - self.in_flight }
    }

    /// Makes visible what is due and drops what is past its retention period.
    pub(super) fn advance(&mut self, now: Millis) {
        while let Some(&(until, sequence)) = self.due.first()
            && until <= now
        {
            self.place(sequence, Place::Visible);
        }
        while let Some(&(sent_at, sequence)) = self.by_age.first()
            && sent_at + self.attributes.retention() <= now
        {
            self.remove(sequence);
        }
    }

    /// Whether a receive would find something (or something to bury).
    pub(super) fn has_deliverable(&self) -> bool {
        !self.visible.is_empty() && self.in_flight < self.in_flight_limit
    }

    /// When the next message becomes visible by itself.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.due.first().map(|&(until, _)| until)
    }

    pub(super) fn in_flight_limit(&self) -> usize {
        self.in_flight_limit
    }

    fn next_visible(&self, pick: Option<&mut Draws>) -> Option<u64> {
        let place = pick.map_or(0, |draws| draws.below(self.visible.len().min(DISORDERED) as u64));
        self.visible.iter().nth(usize::try_from(place).ok()?).copied()
    }

    /// If the disorder wants it so, the message that is about to be handed out comes once more, as it is now. It counts as in
    /// flight until then, so that a queue that says it is empty is.
    fn copy(&mut self, sequence: u64, now: Millis) {
        let Some(disorder) = &self.disorder else { return };
        let Some(stored) = self.stored.get(&sequence).filter(|stored| !stored.is_copy) else { return };
        let (message, receives) = (stored.message.clone(), stored.receives);
        if let Some(after) = disorder.copy_after()
            && self.in_flight + 1 < self.in_flight_limit
        {
            let place = Place::InFlight { until: now + after, since: now };
            self.insert(Stored { message, place, receives, is_copy: true });
        }
    }

    fn receives(&self, sequence: u64) -> u32 {
        self.stored.get(&sequence).map_or(0, |stored| stored.receives)
    }

    fn latest(&self, receipt: Receipt) -> Option<&Stored> {
        self.stored.get(&receipt.sequence).filter(|stored| stored.receives == receipt.receive)
    }

    fn store(&mut self, message: Message, place: Place) {
        self.insert(Stored { message, place, receives: 0, is_copy: false });
    }

    fn insert(&mut self, stored: Stored) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.by_age.insert((stored.message.sent_at, sequence));
        self.enter(sequence, stored.place);
        self.stored.insert(sequence, stored);
    }

    fn place(&mut self, sequence: u64, place: Place) {
        let Some(stored) = self.stored.get_mut(&sequence) else { return };
        let left = std::mem::replace(&mut stored.place, place);
        self.leave(sequence, left);
        self.enter(sequence, place);
    }

    fn remove(&mut self, sequence: u64) -> Option<Message> {
        let Stored { message, place, .. } = self.stored.remove(&sequence)?;
        self.leave(sequence, place);
        self.by_age.remove(&(message.sent_at, sequence));
        Some(message)
    }

    fn enter(&mut self, sequence: u64, place: Place) {
        match place {
            Place::Visible => {
                self.visible.insert(sequence);
            }
            Place::Delayed { until } => {
                self.due.insert((until, sequence));
            }
            Place::InFlight { until, .. } => {
                self.due.insert((until, sequence));
                self.in_flight += 1;
            }
        }
    }

    fn leave(&mut self, sequence: u64, place: Place) {
        match place {
            Place::Visible => {
                self.visible.remove(&sequence);
            }
            Place::Delayed { until } => {
                self.due.remove(&(until, sequence));
            }
            Place::InFlight { until, .. } => {
                self.due.remove(&(until, sequence));
                self.in_flight -= 1;
            }
        }
    }
}

#[cfg(test)]
#[path = "queue_state_tests.rs"]
mod tests;

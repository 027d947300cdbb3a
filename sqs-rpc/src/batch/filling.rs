//! What goes into the next request, and how long that waits to be full.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{BatchOperation, Pending};
use crate::message::MAX_MESSAGE_BYTES;
use crate::queue::MAX_BATCH;

/// The entries of the next request: up to 10, together at most 1 MiB, or one alone that is larger.
#[derive(Debug)]
pub(super) struct NextBatch<O: BatchOperation> {
    operation: Arc<O>,
    entrance: mpsc::UnboundedReceiver<Pending<O::Entry>>,
    /// Nothing comes any more.
    ended: bool,
    entries: Vec<Pending<O::Entry>>,
    bytes: usize,
    /// When the first of the entries was added.
    opened: Instant,
    /// The entry that did not fit any more; it is the first of the batch after this.
    left_over: Option<Pending<O::Entry>>,
    pace: Pace,
}

impl<O: BatchOperation> NextBatch<O> {
    pub(super) fn new(operation: Arc<O>, entrance: mpsc::UnboundedReceiver<Pending<O::Entry>>) -> Self {
        Self {
            operation,
            entrance,
            ended: false,
            entries: Vec::with_capacity(MAX_BATCH),
            bytes: 0,
            opened: Instant::now(),
            left_over: None,
            pace: Pace::new(),
        }
    }

    /// Lets nothing in any more. What waits at the entrance still goes.
    pub(super) fn close(&mut self) {
        self.entrance.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.entrance.is_closed()
    }

    /// Whether everything has gone that came before the entrance was closed.
    pub(super) fn is_last(&self) -> bool {
        self.ended && self.entries.is_empty()
    }

    /// Whether `recv` can add anything.
    pub(super) fn takes_more(&self) -> bool {
        !self.ended && !self.is_full()
    }

    /// When the batch is to go; `None` while it is empty.
    pub(super) fn due(&self) -> Option<Instant> {
        let wait = || if self.is_full() || self.ended { Duration::ZERO } else { self.pace.wait().max(O::PATIENCE) };
        (!self.entries.is_empty()).then(|| self.opened + wait())
    }

    /// Waits for an entry, and adds it. The batch must take more. Dropping the future loses nothing.
    pub(super) async fn recv(&mut self) {
        match self.entrance.recv().await {
            Some(pending) => self.add(pending),
            None => self.ended = true,
        }
    }

    /// Adds what waits at the entrance, and lets go of entries whose submitters have left.
    pub(super) fn gather(&mut self) {
        if self.entries.iter().any(Pending::is_abandoned) {
            let opened = self.opened;
            for pending in self.take() {
                self.push(pending);
            }
            self.opened = opened;
        }
        while self.takes_more()
            && let Ok(pending) = self.entrance.try_recv()
        {
            self.add(pending);
        }
    }

    /// The entries. Those that come later take their place.
    pub(super) fn take(&mut self) -> Vec<Pending<O::Entry>> {
        self.bytes = 0;
        let taken = std::mem::replace(&mut self.entries, Vec::with_capacity(MAX_BATCH));
        if let Some(left_over) = self.left_over.take() {
            self.push(left_over);
        }
        taken
    }

    pub(super) fn note_round_trip(&mut self, took: Duration) {
        self.pace.note_round_trip(took);
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= MAX_BATCH || self.left_over.is_some()
    }

    fn add(&mut self, pending: Pending<O::Entry>) {
        self.pace.note_entry(Instant::now());
        self.push(pending);
    }

    fn push(&mut self, pending: Pending<O::Entry>) {
        if pending.is_abandoned() {
            return;
        }
        let bytes = self.operation.size(&pending.entry);
        if self.bytes + bytes > MAX_MESSAGE_BYTES && !self.entries.is_empty() {
            self.left_over = Some(pending);
            return;
        }
        if self.entries.is_empty() {
            self.opened = Instant::now();
        }
        self.bytes += bytes;
        self.entries.push(pending);
    }
}

/// How fast entries come and how long requests take, from which follows whether a batch will soon be full.
#[derive(Debug)]
struct Pace {
    /// Seconds between two entries, on average over the last ones.
    gap: f64,
    last_entry: Option<Instant>,
    /// Seconds that a request takes, on average over the last ones.
    round_trip: f64,
}

/// How much the last gap weighs in the average of gaps, and the last request in that of round trips.
const GAP_WEIGHT: f64 = 1.0 / 32.0;
const ROUND_TRIP_WEIGHT: f64 = 1.0 / 8.0;

/// For how many round trips a batch waits to be full, if it can be expected to be so by then.
const ROUND_TRIPS: f64 = 2.5;

/// The longest such wait in seconds, however slow SQS is.
const LONGEST_WAIT: f64 = 0.05;

/// The gap that is assumed at the start: no other entry comes in time.
const RARELY: f64 = 60.0;

impl Pace {
    fn new() -> Self {
        Self { gap: RARELY, last_entry: None, round_trip: 0.0 }
    }

    fn note_entry(&mut self, now: Instant) {
        if let Some(last) = self.last_entry.replace(now) {
            let gap = now.duration_since(last).as_secs_f64().min(RARELY);
            self.gap += GAP_WEIGHT * (gap - self.gap);
        }
    }

    fn note_round_trip(&mut self, took: Duration) {
        self.round_trip += ROUND_TRIP_WEIGHT * (took.as_secs_f64() - self.round_trip);
    }

    /// How long a batch waits to be full from its first entry on: not at all where entries would wait for nothing.
    fn wait(&self) -> Duration {
        let longest = (ROUND_TRIPS * self.round_trip).min(LONGEST_WAIT);
        let full_after = self.gap * MAX_BATCH as f64;
        if full_after <= longest { Duration::from_secs_f64(longest) } else { Duration::ZERO }
    }
}

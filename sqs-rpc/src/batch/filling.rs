//! What goes into the next request, and how many requests may go unfilled.

use tokio::sync::mpsc;

use super::{BatchOperation, Pending};
use crate::message::MAX_MESSAGE_BYTES;
use crate::queue::MAX_BATCH;

/// The entries of the next request: up to 10, together at most 1 MiB, or one alone that is larger.
#[derive(Debug)]
pub(super) struct NextBatch<O: BatchOperation> {
    entries: Vec<Pending<O::Entry>>,
    bytes: usize,
    /// The entry that did not fit any more; it is the first of the batch after this.
    left_over: Option<Pending<O::Entry>>,
}

impl<O: BatchOperation> NextBatch<O> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::with_capacity(MAX_BATCH), bytes: 0, left_over: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() == MAX_BATCH || self.left_over.is_some()
    }

    /// Adds an entry unless its submitter has left. The batch must not be full.
    pub(super) fn push(&mut self, operation: &O, pending: Pending<O::Entry>) {
        if pending.is_abandoned() {
            return;
        }
        let bytes = operation.size(&pending.entry);
        if self.bytes + bytes > MAX_MESSAGE_BYTES && !self.is_empty() {
            self.left_over = Some(pending);
        } else {
            self.bytes += bytes;
            self.entries.push(pending);
        }
    }

    /// Adds what waits at the entrance, in the place of entries whose submitters have left meanwhile too.
    pub(super) fn gather(&mut self, operation: &O, entrance: &mut mpsc::UnboundedReceiver<Pending<O::Entry>>) {
        if self.entries.iter().any(Pending::is_abandoned) {
            let kept = std::mem::replace(self, Self::new());
            let mut kept = kept.entries.into_iter().chain(kept.left_over);
            // The one that was left over can still be left over, none other can.
            kept.by_ref().for_each(|pending| self.push(operation, pending));
        }
        while !self.is_full()
            && let Ok(pending) = entrance.try_recv()
        {
            self.push(operation, pending);
        }
    }

    /// The entries, whose place the next ones take.
    pub(super) fn take(&mut self, operation: &O) -> Vec<Pending<O::Entry>> {
        let taken = std::mem::replace(self, Self::new());
        if let Some(left_over) = taken.left_over {
            self.push(operation, left_over);
        }
        taken.entries
    }
}

/// The entries of a batch, on average over the last dozen batches or so.
#[derive(Debug)]
pub(super) struct AverageFill(f32);

/// How much the last batch weighs in the average.
const WEIGHT: f32 = 0.125;

impl AverageFill {
    pub(super) fn new() -> Self {
        Self(1.0)
    }

    pub(super) fn note(&mut self, entries: usize) {
        self.0 += WEIGHT * (entries as f32 - self.0);
    }

    /// How many requests may be under way for a batch to go that is not full: the slots, shared by those who would fill a batch
    /// together.
    ///
    /// As long as a slot is free for each entry that comes, batches have one entry and all slots are used. As soon as entries
    /// have to wait for each other anyway, fewer slots make fuller batches, and fuller batches fewer slots: down to one, where
    /// what is not full waits for the request under way, as with Nagle's algorithm (RFC 896).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to the number of slots")]
    pub(super) fn slots_for_partial_batches(&self, slots: usize) -> usize {
        ((slots as f32 / self.0).round() as usize).clamp(1, slots)
    }
}

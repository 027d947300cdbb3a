//! What a responder counts.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ResponderStats;

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters behind [`ResponderStats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) received: Counter,
    pub(super) succeeded: Counter,
    pub(super) failed: Counter,
    pub(super) shed: Counter,
    pub(super) deferred: Counter,
    pub(super) given_back: Counter,
    pub(super) panics: Counter,
    pub(super) journal_failures: Counter,
}

impl Counters {
    /// The counts; the rest of the statistics is 0.
    pub(super) fn read(&self) -> ResponderStats {
        ResponderStats {
            received: self.received.get(),
            succeeded: self.succeeded.get(),
            failed: self.failed.get(),
            shed: self.shed.get(),
            deferred: self.deferred.get(),
            given_back: self.given_back.get(),
            panics: self.panics.get(),
            journal_failures: self.journal_failures.get(),
            ..ResponderStats::default()
        }
    }
}

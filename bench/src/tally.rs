//! Counts of how calls have ended, and how long they took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::caller::{Ended, Ending};

/// How many endings that must not be are kept word for word.
const EXAMPLES: usize = 10;

/// Longer calls are counted as this long: an hour, in microseconds.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// A tally that many tasks write. Clones share everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    pub(crate) fn add(&self, ended: &Ended) {
        self.lock().add(ended);
    }

    /// What has been counted so far.
    pub(crate) fn read(&self) -> Tally {
        self.lock().clone()
    }

    /// How many calls have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().expect("no code panics while it holds the lock")
    }
}

/// How calls have ended.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(crate) total: u64,
    pub(crate) right: u64,
    pub(crate) attempts: u64,
    /// Calls that ended as none may.
    pub(crate) forbidden: u64,
    pub(crate) by_ending: BTreeMap<String, u64>,
    pub(crate) examples: Vec<String>,
    /// Of right answers, in microseconds.
    took: Histogram<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        let took = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("the bounds are in order");
        let (by_ending, examples) = (BTreeMap::new(), Vec::new());
        Self { total: 0, right: 0, attempts: 0, forbidden: 0, by_ending, examples, took }
    }
}

impl Tally {
    fn add(&mut self, ended: &Ended) {
        self.total += 1;
        self.attempts += u64::from(ended.attempts);
        *self.by_ending.entry(ended.ending.label()).or_default() += 1;
        if !ended.ending.is_allowed() {
            self.forbidden += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(format!("{:?}", ended.ending));
            }
        }
        if matches!(ended.ending, Ending::Right { .. }) {
            self.right += 1;
            self.took.saturating_record(u64::try_from(ended.took.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// All of these together.
    pub(crate) fn sum<'a>(tallies: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for tally in tallies {
            sum.total += tally.total;
            sum.right += tally.right;
            sum.attempts += tally.attempts;
            sum.forbidden += tally.forbidden;
            for (label, count) in &tally.by_ending {
                *sum.by_ending.entry(label.clone()).or_default() += count;
            }
            sum.examples.extend(tally.examples.iter().cloned());
            sum.took.add(&tally.took).expect("all have the same bounds");
        }
        sum
    }

    /// How many ended otherwise than with the right answer.
    pub(crate) fn failed(&self) -> u64 {
        self.total - self.right
    }

    /// The time within which this part of the right answers came, from 0 to 1.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        Duration::from_micros(self.took.value_at_quantile(part))
    }

    /// The time of the slowest right answer.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_micros(self.took.max())
    }

    /// `right 19990, Unavailable SHUTTING_DOWN 10`
    pub(crate) fn endings(&self) -> String {
        let endings: Vec<_> = self.by_ending.iter().map(|(label, count)| format!("{label} {count}")).collect();
        endings.join(", ")
    }

    pub(crate) fn to_json(&self) -> Value {
        let seconds = |part| self.quantile(part).as_secs_f64();
        json!({
            "calls": self.total,
            "attempts": self.attempts,
            "right": self.right,
            "endings": self.by_ending,
            "forbidden": self.examples,
            "right_seconds": { "p50": seconds(0.5), "p90": seconds(0.9), "p99": seconds(0.99), "max": self.slowest().as_secs_f64() },
        })
    }
}

//! What came in and what was done to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::operation::Operation;

/// A kind of injected fault; the fields of [`Chaos`](super::Chaos) say what each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the fields of the same name are documented")]
pub enum Fault {
    Duplicate,
    Reorder,
    Throttle,
    Error,
    Delay,
    LostResponse,
    Partial,
    S3Error,
}

impl Fault {
    const ALL: [Self; 8] = [
        Self::Duplicate,
        Self::Reorder,
        Self::Throttle,
        Self::Error,
        Self::Delay,
        Self::LostResponse,
        Self::Partial,
        Self::S3Error,
    ];

    /// Its key in the text form of [`Chaos`](super::Chaos).
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Throttle => "throttle",
            Self::Error => "error",
            Self::Delay => "delay",
            Self::LostResponse => "lost-response",
            Self::Partial => "partial",
            Self::S3Error => "s3-error",
        }
    }
}

/// How often an operation was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Requests {
    /// How many requests came in, retries and refused ones included.
    pub arrived: u64,
    /// How many of them SQS or S3 handled; the others were refused on purpose, or their client left.
    pub handled: u64,
    /// What those handled count on a bill: S3's one each, SQS's one per 64 KiB begun. Measured on bodies of requests and
    /// answers, whose JSON is a little longer than the messages that AWS measures.
    pub billed: u64,
    /// How many of those handled were polls of a queue that brought no message.
    #[serde(skip_serializing_if = "is_zero")]
    pub empty: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// An extension of the response to a poll of a queue that brings no message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoMessages;

/// Everything counted so far. Printed, it is a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Operations that were asked for.
    pub requests: BTreeMap<Operation, Requests>,
    /// Faults that were injected.
    pub faults: BTreeMap<Fault, u64>,
}

impl Traffic {
    /// How often a fault was injected.
    #[must_use]
    pub fn faults(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    /// How often an operation, such as `sqs:SendMessage`, was asked for.
    #[must_use]
    pub fn requests(&self, operation: &str) -> Requests {
        let named = self.requests.iter().find(|(known, _)| known.to_string() == operation);
        named.map(|(_, requests)| *requests).unwrap_or_default()
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<34}{:>10}{:>10}{:>10}{:>10}", "operation", "arrived", "handled", "billed", "empty")?;
        for (operation, Requests { arrived, handled, billed, empty }) in &self.requests {
            writeln!(f, "{:<34}{arrived:>10}{handled:>10}{billed:>10}{empty:>10}", operation.to_string())?;
        }
        write!(f, "\n{:<34}{:>10}", "fault", "injected")?;
        for (fault, count) in &self.faults {
            write!(f, "\n{:<34}{count:>10}", fault.key())?;
        }
        Ok(())
    }
}

/// Counts. All operations and faults are known beforehand, so counting is an addition without a lock.
#[derive(Debug)]
pub(super) struct Counters {
    requests: BTreeMap<Operation, RequestCounters>,
    faults: BTreeMap<Fault, AtomicU64>,
}

#[derive(Debug, Default)]
struct RequestCounters {
    arrived: AtomicU64,
    handled: AtomicU64,
    billed: AtomicU64,
    empty: AtomicU64,
}

impl Counters {
    /// Counts a request and says how many of its operation came in before it.
    pub(super) fn arrived(&self, operation: Operation) -> u64 {
        self.requests.get(&operation).map_or(0, |counters| counters.arrived.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn handled(&self, operation: Operation, billed: u64) {
        if let Some(counters) = self.requests.get(&operation) {
            counters.handled.fetch_add(1, Ordering::Relaxed);
            counters.billed.fetch_add(billed, Ordering::Relaxed);
        }
    }

    /// Counts a poll that was handled and brought no message.
    pub(super) fn empty(&self, operation: Operation) {
        if let Some(counters) = self.requests.get(&operation) {
            counters.empty.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn injected(&self, fault: Fault) {
        if let Some(counter) = self.faults.get(&fault) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn traffic(&self) -> Traffic {
        let read = |counters: &RequestCounters| Requests {
            arrived: counters.arrived.load(Ordering::Relaxed),
            handled: counters.handled.load(Ordering::Relaxed),
            billed: counters.billed.load(Ordering::Relaxed),
            empty: counters.empty.load(Ordering::Relaxed),
        };
        let requests = self.requests.iter().map(|(operation, counters)| (*operation, read(counters)));
        let faults = self.faults.iter().map(|(fault, counter)| (*fault, counter.load(Ordering::Relaxed)));
        Traffic {
            requests: requests.filter(|(_, requests)| requests.arrived > 0).collect(),
            faults: faults.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: Operation::all().map(|operation| (operation, RequestCounters::default())).collect(),
            faults: Fault::ALL.into_iter().map(|fault| (fault, AtomicU64::new(0))).collect(),
        }
    }
}

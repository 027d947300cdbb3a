//! The bytes that requests may take in the gateway's memory, all together.
//!
//! A message says how long it is before it comes, so what it may take is known, and taken off the budget, before there is room
//! made for it. Where the budget has no room the call is refused: it is the caller, and not this process, that has to wait.
//!
//! Not counted is what has come on a connection and was not read yet, which HTTP/2 bounds by its windows, and what answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a value takes at most when it is decoded, in a `Vec<i64>` that has grown by doubling.
const DECODED: u64 = 16;

/// What a byte of a JSON text takes at most, which has grown so as well.
const WRITTEN: u64 = 2;

/// What a message of a unary call takes at most for each of its bytes. A byte stands in the buffer that the message is read into.
/// It can be a value, and then has at most six bytes in the text: `"-64",`. Longer values have fewer for each of theirs.
pub(crate) const UNARY_FACTOR: u64 = 1 + DECODED + 6 * WRITTEN;

/// Like [`UNARY_FACTOR`], of a message of a stream. Its values stay bytes, which may have to be copied to a buffer that grows by
/// doubling, and so may its other fields be.
pub(crate) const STREAM_FACTOR: u64 = 1 + 2;

/// What so many values take at most until they are sent, in a message with a text of so many bytes. Until they are decoded they
/// are bytes, no more of them than the text will have.
pub(crate) fn of_list(values: usize, text: usize) -> u64 {
    DECODED * values as u64 + WRITTEN * text as u64
}

/// All the memory that requests may take. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct MemoryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: u64,
    taken: AtomicU64,
}

/// Bytes taken off a budget, which has them back when this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: MemoryBudget,
    bytes: AtomicU64,
}

/// The budget has no room for so much more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("requests take the {limit} bytes that they may have together")]
pub(crate) struct Exhausted {
    /// The whole budget.
    pub(crate) limit: u64,
}

impl MemoryBudget {
    /// A budget of `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { shared: Arc::new(Shared { limit, taken: AtomicU64::new(0) }) }
    }

    /// All its bytes, free or not.
    pub(crate) fn limit(&self) -> u64 {
        self.shared.limit
    }

    /// The bytes that are taken now.
    pub(crate) fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::Relaxed)
    }

    /// Nothing, yet.
    pub(crate) fn take_nothing(&self) -> Taken {
        Taken { budget: self.clone(), bytes: AtomicU64::new(0) }
    }

    /// Takes `bytes`.
    pub(crate) fn take(&self, bytes: u64) -> Result<Taken, Exhausted> {
        let taken = self.take_nothing();
        taken.raise_to(bytes)?;
        Ok(taken)
    }

    // The order of these operations with others does not matter: the counter guards no memory, it counts.
    fn add(&self, more: u64) -> Result<(), Exhausted> {
        let Shared { limit, taken } = &*self.shared;
        let room = |taken: u64| taken.checked_add(more).filter(|sum| sum <= limit);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| Exhausted { limit: *limit })?;
        Ok(())
    }
}

impl Taken {
    /// Takes what is missing to have `bytes`. Takes nothing when there is no room for all of it.
    pub(crate) fn raise_to(&self, bytes: u64) -> Result<(), Exhausted> {
        let more = bytes.saturating_sub(self.bytes.load(Ordering::Relaxed));
        if more > 0 {
            self.budget.add(more)?;
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Gives back what is more than `bytes`.
    pub(crate) fn reduce_to(&self, bytes: u64) {
        let before = self.bytes.fetch_min(bytes, Ordering::Relaxed);
        self.budget.shared.taken.fetch_sub(before.saturating_sub(bytes), Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.reduce_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_when_its_holder_goes() {
        let budget = MemoryBudget::new(100);
        let first = budget.take(60).expect("there is room");
        assert_eq!(budget.taken(), 60);
        assert_eq!(budget.take(41).expect_err("there is no room"), Exhausted { limit: 100 });
        let second = budget.take(40).expect("there is just enough");
        drop(first);
        assert_eq!(budget.taken(), 40);
        drop(second);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn a_holder_takes_more_as_it_needs_it_and_keeps_what_it_has_when_there_is_no_more() {
        let budget = MemoryBudget::new(100);
        let taken = budget.take_nothing();
        assert_eq!(budget.taken(), 0);
        for (bytes, expected) in [(30, 30), (10, 30), (70, 70)] {
            taken.raise_to(bytes).expect("there is room");
            assert_eq!(budget.taken(), expected);
        }
        assert_eq!(taken.raise_to(101), Err(Exhausted { limit: 100 }));
        assert_eq!(taken.raise_to(u64::MAX), Err(Exhausted { limit: 100 }));
        assert_eq!(budget.taken(), 70);
        for (bytes, expected) in [(80, 70), (20, 20)] {
            taken.reduce_to(bytes);
            assert_eq!(budget.taken(), expected);
        }
        drop(taken);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn threads_that_take_and_give_back_at_once_never_have_more_than_there_is() {
        let budget = MemoryBudget::new(100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let _taken = budget.take(40);
                        assert!(budget.taken() <= 100);
                    }
                });
            }
        });
        assert_eq!(budget.taken(), 0);
    }
}

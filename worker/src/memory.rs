//! The memory that large requests may take together.
//!
//! A request takes what it can need at most before it is read, and waits for it in the order of arrival; then it gives back
//! what it turns out not to need, and the rest when its values are gone. So no request waits while it holds something that
//! another one waits for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted: a semaphore has room for 2^32 of them in one request.
const UNIT: usize = 1 << 10;

/// Memory to be shared. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    free: Arc<Semaphore>,
    total: usize,
}

/// Memory that was taken. Given back when dropped.
#[derive(Debug)]
pub(crate) struct Memory {
    units: OwnedSemaphorePermit,
}

impl MemoryBudget {
    /// So many bytes, at most 4 TiB.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).min(u32::MAX as usize);
        Self { free: Arc::new(Semaphore::new(units)), total: units * UNIT }
    }

    /// All of it, in bytes.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Bytes that are taken now.
    pub(crate) fn taken(&self) -> usize {
        self.total - self.free.available_permits() * UNIT
    }

    /// Takes so many bytes as soon as they are free, and no one else waits who came before. None if there never can be so many.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Memory> {
        if bytes > self.total {
            return None;
        }
        let units = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
        let units = self.free.clone().acquire_many_owned(units).await.expect("the semaphore is never closed");
        Some(Memory { units })
    }
}

impl Memory {
    /// Gives back what is more than so many bytes.
    pub(crate) fn keep(&mut self, bytes: usize) {
        let excess = self.units.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(self.units.split(excess));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn memory_is_had_in_the_order_of_arrival_and_given_back_in_parts() {
        let budget = MemoryBudget::new(100 * UNIT);
        let mut first = budget.take(90 * UNIT).await.expect("there is so much");
        let mut second = Box::pin(budget.take(50 * UNIT));
        let mut third = Box::pin(budget.take(5 * UNIT));
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut third).is_pending(), "it would fit, but it came later");

        first.keep(60 * UNIT);
        assert!(poll!(&mut second).is_pending());
        first.keep(50 * UNIT - 1);
        let second = second.await.expect("there is so much now");
        assert!(poll!(&mut third).is_pending());
        assert_eq!(budget.taken(), 100 * UNIT);
        drop(second);
        third.await.expect("there is so much now");
        assert_eq!(budget.taken(), 50 * UNIT);
        drop(first);
        assert_eq!(budget.taken(), 0);
    }

    #[tokio::test]
    async fn what_there_can_never_be_is_refused_at_once() {
        let budget = MemoryBudget::new(100 * UNIT);
        assert!(budget.take(100 * UNIT + 1).await.is_none());
        assert!(budget.take(100 * UNIT).await.is_some());
        assert_eq!(budget.taken(), 0);
    }
}

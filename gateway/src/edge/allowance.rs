//! How many calls a tenant may make: so many in a second, and so many at a time.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The most that can stand in a second without a call being refused: the calls of this time may come all at once.
const BURST: Duration = Duration::from_secs(1);

/// What one tenant may do. Where nothing is said there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Calls a second.
    pub(crate) rate: Option<NonZeroU32>,
    /// Calls at a time.
    pub(crate) in_flight: Option<usize>,
}

/// Why a tenant may not make a call now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// It makes more calls a second than `rate`.
    Rate { rate: NonZeroU32, retry_after: Duration },
    /// It has `limit` calls in flight.
    InFlight { limit: usize },
}

/// What a tenant has used.
///
/// The rate is that of the generic cell rate algorithm (ITU-T I.371, annex A): a token bucket that holds the calls of one
/// second, kept as the one time at which it will be full again.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    in_flight: AtomicUsize,
    full_at: Mutex<Option<Instant>>,
}

/// A call in flight of a tenant.
#[derive(Debug)]
pub(crate) struct Share(Arc<Allowance>);

impl Drop for Share {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Allowance {
    /// Takes a call, which is in flight until its share is dropped.
    ///
    /// # Errors
    ///
    /// When the limits do not allow it; then nothing is taken.
    pub(crate) fn take(self: &Arc<Self>, limits: Limits, now: Instant) -> Result<Share, Exceeded> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let share = Share(self.clone());
        match limits.in_flight {
            Some(limit) if before >= limit => return Err(Exceeded::InFlight { limit }),
            _ => {}
        }
        if let Some(rate) = limits.rate {
            self.pour(rate, now)?;
        }
        Ok(share)
    }

    fn pour(&self, rate: NonZeroU32, now: Instant) -> Result<(), Exceeded> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full_at.unwrap_or(now).max(now) + Duration::from_secs(1) / rate.get();
        let too_soon = next.duration_since(now).saturating_sub(BURST);
        if !too_soon.is_zero() {
            return Err(Exceeded::Rate { rate, retry_after: too_soon });
        }
        *full_at = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn limits(rate: u32, in_flight: usize) -> Limits {
        Limits { rate: NonZeroU32::new(rate), in_flight: Some(in_flight) }
    }

    #[test]
    fn a_second_of_calls_may_come_at_once_and_then_one_at_a_time() {
        let (allowance, start) = (Arc::new(Allowance::default()), Instant::now());
        let take = |at: Duration| allowance.take(limits(10, 1_000), start + at).map(drop);
        let at_once = (0..100).filter(|_| take(Duration::ZERO).is_ok()).count();
        assert_eq!(at_once, 10);
        let Err(Exceeded::Rate { rate, retry_after }) = take(Duration::ZERO) else { panic!("no more") };
        assert_eq!((rate.get(), retry_after), (10, 100 * MS));
        assert!(take(retry_after - MS).is_err());
        assert!(take(retry_after).is_ok());
        assert!(take(retry_after).is_err());
        let in_a_minute = (1..=60_000).filter(|ms| take(retry_after + *ms * MS).is_ok()).count();
        assert_eq!(in_a_minute, 600);
    }

    #[test]
    fn one_call_a_second_is_one_call_a_second() {
        let (allowance, start) = (Arc::new(Allowance::default()), Instant::now());
        let taken = (0..10_000).filter(|ms| allowance.take(limits(1, 1), start + *ms * MS).is_ok()).count();
        assert_eq!(taken, 10);
    }

    #[test]
    fn a_call_gives_its_place_back_and_one_that_is_refused_takes_none() {
        let (allowance, now) = (Arc::new(Allowance::default()), Instant::now());
        let first = allowance.take(limits(100, 2), now).expect("there is room");
        let _second = allowance.take(limits(100, 2), now).expect("there is room");
        for _ in 0..1_000 {
            assert_eq!(allowance.take(limits(100, 2), now).map(drop), Err(Exceeded::InFlight { limit: 2 }));
        }
        drop(first);
        assert!(allowance.take(limits(100, 2), now).is_ok(), "the refused ones have not used up the rate either");
    }
}

//! Wall clocks, this host's and SQS's, in the unit of the wire.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch by this host's clock; 0 if the clock stands before it.
pub(crate) fn unix_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// The time from `start_ms` to `end_ms`, both on the same clock; zero if the clock was set back in between.
pub(crate) fn between(start_ms: i64, end_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(end_ms.saturating_sub(start_ms)).unwrap_or(0))
}

/// SQS's clock, as far as it is known here.
///
/// Deadlines travel as points in time, and the clocks of hosts may be hours apart. SQS stamps every message, so both sides can
/// tell the time by the one clock that they share. Its responses tell it too, to the second. Until the first of either comes, it
/// is taken to agree with this host's.
#[derive(Debug, Default)]
pub(crate) struct SqsClock {
    /// SQS's clock less this host's, in milliseconds.
    ahead_ms: AtomicI64,
}

impl SqsClock {
    /// Notes that SQS's clock stood at `sqs_ms` a moment ago: when it handed out a message that has just arrived.
    pub(crate) fn observe(&self, sqs_ms: i64) {
        self.ahead_ms.store(sqs_ms.saturating_sub(unix_ms()), Ordering::Relaxed);
    }

    /// Notes that a response of SQS that has just arrived was dated this second. A clock that has not come to that second yet is
    /// behind, and is set to its start. One that is past it may have waited for the response, and is corrected only if it is far
    /// past.
    pub(crate) fn observe_second(&self, sqs_s: i64) {
        const FAR_MS: i64 = 2_000;
        let start_ms = sqs_s.saturating_mul(1_000);
        match start_ms.saturating_sub(self.now_ms()) {
            1..=FAR_MS => self.observe(start_ms),
            // On the second, or past it.
            behind_ms if (-FAR_MS - 1_000..=0).contains(&behind_ms) => {}
            // Far off: the middle of the second is the best guess.
            _ => self.observe(start_ms.saturating_add(500)),
        }
    }

    /// Unix milliseconds on SQS's clock; behind it by the time that messages take to arrive.
    pub(crate) fn now_ms(&self) -> i64 {
        unix_ms().saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_sqs_is_told_by_its_stamps() {
        let (clock, hour) = (SqsClock::default(), 3_600_000);
        assert!((clock.now_ms() - unix_ms()).abs() < 1_000);
        clock.observe(unix_ms() - hour);
        assert!((clock.now_ms() - (unix_ms() - hour)).abs() < 1_000);
    }

    #[test]
    fn a_date_corrects_a_clock_that_is_off_and_leaves_a_finer_one_alone() {
        let (clock, hour_later_s) = (SqsClock::default(), unix_ms() / 1_000 + 3_600);
        let ahead_ms = |clock: &SqsClock| clock.ahead_ms.load(Ordering::Relaxed);
        clock.observe_second(hour_later_s);
        assert!((clock.now_ms() - hour_later_s * 1_000).abs() < 2_000);

        for (at_ms, expected) in [(0, 0), (999, 999), (2_500, 2_500), (-800, 0), (-5_000, 500), (5_000, 500)] {
            clock.observe(hour_later_s * 1_000 + at_ms);
            let exact = ahead_ms(&clock);
            clock.observe_second(hour_later_s);
            let moved = ahead_ms(&clock) - exact;
            assert!((moved - (expected - at_ms)).abs() < 400, "{at_ms}: moved by {moved}");
        }
    }
}

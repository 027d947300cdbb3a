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
/// tell the time by the one clock that they share. Until the first message comes, it is taken to agree with this host's. The
/// dates of SQS's responses correct it when it is far off, as when no message has come yet, or the host's clock was set.
#[derive(Debug, Default)]
pub(crate) struct SqsClock {
    /// SQS's clock less this host's, in milliseconds.
    ahead_ms: AtomicI64,
}

/// How far the date of a response may be from what this clock says before it is believed. It has whole seconds only, so a clock
/// that is about right knows better.
const DATE_TOLERANCE_MS: u64 = 5_000;

impl SqsClock {
    /// Notes that SQS has dated a response that has just arrived with this second, which began at `sqs_ms`.
    pub(crate) fn observe_date(&self, sqs_ms: i64) {
        let middle_ms = sqs_ms.saturating_add(500);
        if self.now_ms().abs_diff(middle_ms) > DATE_TOLERANCE_MS {
            self.observe(middle_ms);
        }
    }

    /// Notes that SQS's clock stood at `sqs_ms` a moment ago: when it handed out a message that has just arrived.
    pub(crate) fn observe(&self, sqs_ms: i64) {
        self.ahead_ms.store(sqs_ms.saturating_sub(unix_ms()), Ordering::Relaxed);
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
    fn the_date_of_a_response_counts_if_it_is_far_off() {
        let (clock, hour) = (SqsClock::default(), 3_600_000);
        let ahead = |clock: &SqsClock| clock.now_ms() - unix_ms();
        clock.observe_date(unix_ms() - 2_000);
        assert!(ahead(&clock).abs() < 1_000);
        clock.observe_date(unix_ms() - hour);
        assert!((ahead(&clock) + hour).abs() < 2_000);
        clock.observe(unix_ms() + hour);
        clock.observe_date(unix_ms() + hour - 2_000);
        assert!((ahead(&clock) - hour).abs() < 1_000);
    }
}

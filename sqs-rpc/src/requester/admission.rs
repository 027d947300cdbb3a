//! Which calls to let in: none that nobody will answer in time.
//!
//! Both judgements rest on replies alone, so they need no metrics service and are right within one round trip.
//!
//! - **Overload.** By Little's law, a call that joins `L` waiting ones, of which `λ` are answered per second, waits about `L/λ`.
//!   It is refused when that is most of the time it has. `λ` is the capacity of the workers only while they are saturated, so
//!   the law is not asked before replies report that their requests stood in the queue for a good part of that time.
//! - **No worker.** When calls have gone unanswered for a while, further ones are refused, but for a trickle of probes: the first
//!   reply to one of them opens the door again. The time counts from the first call without an answer, so a system that has been
//!   idle, or has just been started, gets the whole of it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How many of the last replies the rate is measured over.
const RATE_SAMPLE: usize = 256;

/// Fewer replies than this are no rate.
const RATE_LEAST: usize = 8;

/// A call is refused when its wait would take more than this share of its time: the rest is for the work, the way back, and the
/// error of the estimate.
const MOST_WAIT: f64 = 0.75;

/// Saturation shows when requests stand in the queue for this share of the call's time.
const SATURATED_WAIT: f64 = 0.25;

/// One call in this time is let in while no worker is heard from.
const PROBE_INTERVAL: Duration = Duration::from_millis(200);

/// The least and the most that a refused caller is told to wait.
const LEAST_RETRY: Duration = Duration::from_millis(100);
const MOST_RETRY: Duration = Duration::from_secs(5);

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It would wait longer than it can.
    Overloaded { wait: Duration, retry_after: Duration },
    /// Nobody has answered for this long.
    NoWorker { unanswered: Duration },
}

/// What the replies so far say about the next call. Takes the time, so that it can be tested without waiting.
#[derive(Debug)]
pub(crate) struct Admission {
    no_worker_after: Duration,
    /// When the last replies came, oldest first.
    replies: VecDeque<Instant>,
    /// How long requests stand in the queue, smoothed over replies, in seconds.
    queue_wait: f64,
    /// Since when no call has been answered; `None` after a reply, and before the first call.
    unanswered_since: Option<Instant>,
    last_call: Option<Instant>,
    last_probe: Option<Instant>,
}

impl Admission {
    pub(crate) fn new(no_worker_after: Duration) -> Self {
        Self {
            no_worker_after,
            replies: VecDeque::with_capacity(RATE_SAMPLE),
            queue_wait: 0.0,
            unanswered_since: None,
            last_call: None,
            last_probe: None,
        }
    }

    /// Judges a call that has `time_left` and would join `waiting` others.
    pub(crate) fn admit(&mut self, now: Instant, waiting: usize, time_left: Duration) -> Result<(), Refusal> {
        let idle = self.last_call.is_none_or(|last| now.duration_since(last) > self.no_worker_after);
        self.last_call = Some(now);
        if idle && waiting == 0 {
            self.unanswered_since = None;
        }
        let unanswered = now.duration_since(*self.unanswered_since.get_or_insert(now));
        if unanswered > self.no_worker_after {
            return self.admit_probe(now).then_some(()).ok_or(Refusal::NoWorker { unanswered });
        }
        match self.expected_wait(now, waiting, time_left) {
            Some(wait) if wait > time_left.mul_f64(MOST_WAIT) => {
                let retry_after = wait.saturating_sub(time_left.mul_f64(MOST_WAIT)).clamp(LEAST_RETRY, MOST_RETRY);
                Err(Refusal::Overloaded { wait, retry_after })
            }
            _ => Ok(()),
        }
    }

    /// Notes a reply, whose request stood in the queue for `queue_wait`, if its worker said so. Any reply shows that somebody
    /// works, also one that comes too late for its call.
    pub(crate) fn replied(&mut self, now: Instant, queue_wait: Option<Duration>) {
        self.unanswered_since = None;
        if self.replies.len() == RATE_SAMPLE {
            self.replies.pop_front();
        }
        self.replies.push_back(now);
        if let Some(wait) = queue_wait {
            self.queue_wait += (wait.as_secs_f64() - self.queue_wait) / 8.0;
        }
    }

    fn admit_probe(&mut self, now: Instant) -> bool {
        let due = self.last_probe.is_none_or(|last| now.duration_since(last) >= PROBE_INTERVAL);
        if due {
            self.last_probe = Some(now);
        }
        due
    }

    /// How long a call would wait, if the workers are saturated.
    fn expected_wait(&self, now: Instant, waiting: usize, time_left: Duration) -> Option<Duration> {
        let saturated = self.queue_wait >= time_left.as_secs_f64() * SATURATED_WAIT;
        let oldest = self.replies.front().filter(|_| saturated && self.replies.len() >= RATE_LEAST)?;
        // Up to now and not up to the last reply, so that the rate falls when replies stop.
        let span = now.duration_since(*oldest).as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let wait = waiting as f64 * span / self.replies.len() as f64;
        Duration::try_from_secs_f64(wait).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);

    /// Workers that answer `rate` calls a second, each of which stood in the queue for `queue_wait`.
    fn after_replies(rate: u32, queue_wait: Duration) -> (Admission, Instant) {
        let (mut admission, start) = (Admission::new(10 * SECOND), Instant::now());
        for n in 0..1_000 {
            admission.replied(start + SECOND * n / rate, Some(queue_wait));
        }
        (admission, start + SECOND * 1_000 / rate)
    }

    #[tokio::test]
    async fn a_call_that_would_wait_longer_than_it_can_is_refused_and_told_when_to_come_back() {
        let (mut admission, now) = after_replies(500, SECOND);
        assert_eq!(admission.admit(now, 700, 2 * SECOND), Ok(()));
        let Err(Refusal::Overloaded { wait, retry_after }) = admission.admit(now, 1_000, 2 * SECOND) else {
            panic!("1,000 calls at 500 a second take 2 s");
        };
        assert!((1_900 * MS..2_100 * MS).contains(&wait), "{wait:?}");
        assert!((400 * MS..600 * MS).contains(&retry_after), "{retry_after:?}");
        assert_eq!(admission.admit(now, 1_000, 30 * SECOND), Ok(()), "who has the time may wait");
    }

    #[tokio::test]
    async fn a_burst_on_an_idle_system_is_let_in() {
        let (mut admission, now) = after_replies(1, MS);
        assert_eq!(
            admission.admit(now, 5_000, 2 * SECOND),
            Ok(()),
            "one call a second is not all that the workers can do"
        );
    }

    #[tokio::test]
    async fn after_a_time_without_any_reply_calls_are_refused_but_for_a_trickle() {
        let (mut admission, start) = (Admission::new(10 * SECOND), Instant::now());
        for n in 0..=100 {
            assert_eq!(admission.admit(start + SECOND * n / 10, 1, SECOND), Ok(()), "a cold start has its time");
        }
        let now = start + 10 * SECOND + MS;
        let let_in = (0..1_000).filter(|n| admission.admit(now + MS * *n, 1, SECOND).is_ok()).count();
        assert_eq!(let_in, 5, "one in 200 ms");
        admission.replied(now + SECOND, None);
        assert_eq!(admission.admit(now + SECOND, 1, SECOND), Ok(()), "the first reply opens the door");
    }

    #[tokio::test]
    async fn an_idle_time_is_no_sign_of_missing_workers() {
        let (mut admission, start) = (Admission::new(10 * SECOND), Instant::now());
        assert_eq!(admission.admit(start, 0, SECOND), Ok(()));
        let later = start + 3_600 * SECOND;
        for waiting in 0..100 {
            assert_eq!(admission.admit(later, waiting, SECOND), Ok(()));
        }
    }
}

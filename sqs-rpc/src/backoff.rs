//! Pauses after failures.

use std::time::Duration;

use rand::RngExt as _;

/// Pauses that double with each further failure, up to a longest one, each with jitter: between half of it and all of it, so
/// that those who failed together do not come back together.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// For requests to SQS that are made until they succeed. The SDK has retried each of them already.
    pub(crate) const fn of_polls() -> Self {
        Self::new(Duration::from_millis(100), Duration::from_secs(5))
    }

    /// Waits for the next pause.
    pub(crate) async fn pause(&mut self) {
        let pause = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = (self.next * 2).min(self.most);
        tokio::time::sleep(pause).await;
    }

    /// Starts from the first pause again: something has succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Up to a quarter less than this, so that those who started together do not act together for ever.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.75..=1.0))
}

/// Anything from nothing to this.
pub(crate) fn some_of(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.0..=1.0))
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_the_longest_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
        let mut paused = async || {
            let start = Instant::now();
            backoff.pause().await;
            start.elapsed().as_secs_f64()
        };
        for most in [1.0, 2.0, 4.0, 4.0] {
            let pause = paused().await;
            assert!((most / 2.0..=most + 0.01).contains(&pause), "{pause} of at most {most} s");
        }
        backoff.reset();
        assert_eq!(backoff.next, Duration::from_secs(1));
    }
}

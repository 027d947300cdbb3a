//! How long a request can wait on the request queue.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::queue::Queue;

/// What is believed as long as SQS does not tell: its own default.
const DEFAULT: Duration = Duration::from_secs(4 * 24 * 3600);

/// How long SQS's word is believed. Whoever keeps the queue may change its retention at any time.
const FRESH: Duration = Duration::from_secs(3600);

/// When SQS is asked again that did not answer, or may not be asked.
const RETRY: Duration = Duration::from_secs(60);

/// How long SQS may take to answer. Who asks has a caller that waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// The retention of a queue, asked for when it is needed first, and seldom after that.
#[derive(Debug)]
pub(super) struct Retention {
    queue: Queue,
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    retention: Duration,
    until: Instant,
}

impl Retention {
    pub(super) fn of(queue: Queue) -> Self {
        Self { queue, known: Mutex::new(None) }
    }

    pub(super) async fn get(&self) -> Duration {
        let known = *self.known();
        if let Some(known) = known.filter(|known| Instant::now() < known.until) {
            return known.retention;
        }
        let (retention, fresh) = match self.ask().await {
            Ok(retention) => (retention, FRESH),
            Err(error) => {
                // What was known before is more likely still right than the default is.
                let retention = known.map_or(DEFAULT, |known| known.retention);
                tracing::warn!(error, ?retention, "SQS does not tell the retention of the request queue");
                (retention, RETRY)
            }
        };
        *self.known() = Some(Known { retention, until: Instant::now() + fresh });
        retention
    }

    async fn ask(&self) -> Result<Duration, String> {
        match timeout(PATIENCE, self.queue.retention()).await {
            Ok(Ok(retention)) => Ok(retention.unwrap_or(DEFAULT)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(late) => Err(late.to_string()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().expect("no code panics while it holds the lock")
    }
}

//! Keeps messages invisible to other responders while they are worked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::queue::{MAX_BATCH, Queue};

/// SQS ends a receipt 12 hours after its message was received, whatever was asked for since.
const LONGEST_HOLD: Duration = Duration::from_secs(12 * 60 * 60);

/// The heartbeat of all messages that are held.
#[derive(Debug)]
pub(super) struct Visibility {
    held: Arc<Table>,
    stopping: CancellationToken,
    task: TaskTracker,
}

/// Keeps one message invisible until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    key: u64,
    held: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table(Mutex<(u64, HashMap<u64, Held>)>);

#[derive(Debug)]
struct Held {
    receipt: String,
    received: Instant,
    /// When its visibility timeout last began.
    extended: Instant,
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<u64, Held>)> {
        self.0.lock().expect("no code panics while it holds the lock")
    }

    fn hold(this: &Arc<Self>, receipt: String, received: Instant) -> Hold {
        let mut table = this.lock();
        table.0 += 1;
        let key = table.0;
        table.1.insert(key, Held { receipt, received, extended: received });
        Hold { key, held: this.clone() }
    }

    /// The messages whose visibility timeout is half over, and that may still be extended.
    fn due(&self, timeout: Duration) -> Vec<(u64, String)> {
        let now = Instant::now();
        let is_due = |held: &Held| {
            now.duration_since(held.extended) >= timeout / 2
                && now.duration_since(held.received) + timeout < LONGEST_HOLD
        };
        let table = self.lock();
        table.1.iter().filter(|(_, held)| is_due(held)).map(|(key, held)| (*key, held.receipt.clone())).collect()
    }

    fn note_extended(&self, key: u64, at: Instant) {
        if let Some(held) = self.lock().1.get_mut(&key) {
            held.extended = at;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.held.lock().1.remove(&self.key);
    }
}

impl Visibility {
    /// Starts the heartbeat for messages received with this visibility timeout.
    pub(super) fn start(queue: Queue, timeout: Duration) -> Self {
        let (held, stopping, task) = (Arc::<Table>::default(), CancellationToken::new(), TaskTracker::new());
        let heartbeat = beat(queue, held.clone(), timeout);
        let until = stopping.clone();
        task.spawn(async move { until.run_until_cancelled(heartbeat).await });
        Self { held, stopping, task }
    }

    /// Keeps a message, received just now, invisible until the hold is dropped.
    pub(super) fn hold(&self, receipt: String, received: Instant) -> Hold {
        Table::hold(&self.held, receipt, received)
    }

    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        self.task.close();
        self.task.wait().await;
    }
}

impl Drop for Visibility {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn beat(queue: Queue, held: Arc<Table>, timeout: Duration) {
    // Extended when half the timeout is over, looked at four times per timeout: a quarter of it is left for the request.
    let mut ticks = tokio::time::interval(timeout / 4);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for batch in held.due(timeout).chunks(MAX_BATCH) {
            let now = Instant::now();
            let receipts: Vec<_> = batch.iter().map(|(_, receipt)| receipt.clone()).collect();
            let results = queue.change_visibility_batch(&receipts, timeout).await;
            for ((key, _), result) in batch.iter().zip(results) {
                match result {
                    Ok(()) => held.note_extended(*key, now),
                    // Settled in this moment, or lost to another responder; if neither, the next tick tries again.
                    Err(error) => tracing::debug!(%error, "a message could not be kept invisible"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_message_is_due_at_half_its_timeout_for_as_long_as_it_is_held() {
        let table = Arc::<Table>::default();
        let first = Table::hold(&table, "first".to_owned(), Instant::now());
        tokio::time::advance(TIMEOUT / 4).await;
        assert!(table.due(TIMEOUT).is_empty());
        tokio::time::advance(TIMEOUT / 4).await;
        let due = table.due(TIMEOUT);
        assert_eq!(due.iter().map(|(_, receipt)| receipt.as_str()).collect::<Vec<_>>(), ["first"]);

        table.note_extended(due[0].0, Instant::now());
        assert!(table.due(TIMEOUT).is_empty(), "it has just been extended");
        tokio::time::advance(TIMEOUT / 2).await;
        assert_eq!(table.due(TIMEOUT).len(), 1);
        drop(first);
        assert!(table.due(TIMEOUT).is_empty(), "the heartbeat ends with the work");
    }

    #[tokio::test(start_paused = true)]
    async fn no_message_is_extended_beyond_the_twelve_hours_that_sqs_allows() {
        let table = Arc::<Table>::default();
        let _held = Table::hold(&table, "long".to_owned(), Instant::now());
        tokio::time::advance(LONGEST_HOLD - 2 * TIMEOUT).await;
        assert_eq!(table.due(TIMEOUT).len(), 1);
        tokio::time::advance(TIMEOUT).await;
        assert!(table.due(TIMEOUT).is_empty());
    }
}

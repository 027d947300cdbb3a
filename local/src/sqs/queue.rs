//! A queue that requests share: the state behind its lock, and those who wait for messages.
//!
//! Long polls wait in line on [`Queue::arrivals`]. Whenever an operation leaves something to deliver, it wakes the first in line;
//! that one takes what it wants and, by the same rule, wakes the next if something is left. So a send wakes one poller at once, and
//! a poller that is dropped while it waits takes nothing: a wake-up that it no longer sees goes on to the next.
//!
//! What becomes visible by the passing of time is announced by the queue's alarm, a task that sleeps until the next message is
//! due. It exists once somebody has waited, and nothing ever looks at the queue periodically.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::error::SqsError;
use super::queue_state::{Delivery, Message, Millis, QueueState};
use super::redrive::RedrivePolicy;
use super::tags::Tags;

/// The time of all queues. Wall clock, because messages carry it outside.
pub(super) fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX)
}

/// What a receive asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceiveOptions {
    /// 1 to 10.
    pub(super) limit: usize,
    /// `None`: the queue's own.
    pub(super) visibility: Option<Millis>,
    /// `None`: the queue's own. 0 is a short poll.
    pub(super) wait: Option<Millis>,
}

/// One queue.
#[derive(Debug)]
pub(super) struct Queue {
    /// Unique among all queues of the process, those deleted included.
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) arn: Arc<str>,
    inner: Mutex<Inner>,
    arrivals: Notify,
    deleted: AtomicBool,
    /// Tells the alarm that a message is due before the time it sleeps until.
    rearm: Arc<Notify>,
    alarm: OnceLock<AbortHandle>,
}

#[derive(Debug)]
struct Inner {
    state: QueueState,
    metadata: Metadata,
    /// What the alarm sleeps until.
    armed_for: Option<Millis>,
}

/// What a queue remembers apart from its messages and attributes.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) created_at: Millis,
    pub(super) modified_at: Millis,
    pub(super) purged_at: Option<Millis>,
    pub(super) tags: Tags,
}

impl Queue {
    pub(super) fn new(id: u64, name: String, arn: Arc<str>, state: QueueState, tags: Tags) -> Self {
        let now = now();
        let metadata = Metadata { created_at: now, modified_at: now, purged_at: None, tags };
        Self {
            id,
            name,
            arn,
            inner: Mutex::new(Inner { state, metadata, armed_for: None }),
            arrivals: Notify::new(),
            deleted: AtomicBool::new(false),
            rearm: Arc::new(Notify::new()),
            alarm: OnceLock::new(),
        }
    }

    /// Runs an operation on the messages, then wakes whom its outcome concerns.
    pub(super) fn with<T>(&self, operation: impl FnOnce(&mut QueueState, Millis) -> T) -> T {
        self.with_metadata(|state, _, now| operation(state, now))
    }

    /// [`with`](Self::with), for operations that look at or change the metadata too.
    pub(super) fn with_metadata<T>(&self, operation: impl FnOnce(&mut QueueState, &mut Metadata, Millis) -> T) -> T {
        let mut inner = self.lock();
        let Inner { state, metadata, armed_for } = &mut *inner;
        let outcome = operation(state, metadata, now());
        let deliverable = state.has_deliverable();
        let due_earlier = state.next_due().is_some_and(|due| armed_for.is_none_or(|armed| due < armed));
        drop(inner);
        if deliverable {
            self.arrivals.notify_one();
        }
        if due_earlier {
            self.rearm.notify_one();
        }
        outcome
    }

    /// Hands out messages, waiting for them if asked to. Dropping the future leaves the queue as it was.
    ///
    /// What has been received too often goes to the queue that `dead_letters` finds for the redrive policy, if it finds one.
    ///
    /// # Errors
    ///
    /// [`OverLimit`](SqsError::OverLimit) for a short poll when too much is in flight (a long poll comes home empty, as AWS's does);
    /// [`QueueDoesNotExist`](SqsError::QueueDoesNotExist) if the queue is deleted meanwhile.
    pub(super) async fn receive(
        self: &Arc<Self>,
        options: ReceiveOptions,
        dead_letters: impl Fn(&RedrivePolicy) -> Option<Arc<Queue>>,
    ) -> Result<Vec<Delivery>, SqsError> {
        let started = Instant::now();
        loop {
            // Created before the look, so that a deletion between look and wait is not missed.
            let arrival = self.arrivals.notified();
            if self.is_deleted() {
                return Err(SqsError::QueueDoesNotExist);
            }
            let policy = self.lock().state.attributes.redrive_policy.clone();
            let grave = policy.and_then(|policy| Some((dead_letters(&policy)?, policy.max_receive_count)));
            let max_receives = grave.as_ref().map(|&(_, max)| max);
            let (received, wait, in_flight_limit) = self.with(|state, now| {
                let visibility = options.visibility.unwrap_or(state.attributes.visibility());
                let received = state.receive(now, options.limit, visibility, max_receives);
                let wait = options.wait.unwrap_or(state.attributes.receive_wait());
                (received, wait, state.in_flight_limit())
            });
            if let Some((grave, _)) = grave {
                grave.bury(received.dead, &self.arn);
            }
            if !received.deliveries.is_empty() {
                return Ok(received.deliveries);
            }
            if wait == 0 {
                return if received.over_limit { Err(SqsError::OverLimit(in_flight_limit)) } else { Ok(Vec::new()) };
            }
            self.start_alarm();
            if timeout_at(started + Duration::from_millis(wait), arrival).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    /// Takes in messages that were received too often from the queue with the ARN `source`.
    fn bury(&self, dead: Vec<Message>, source: &Arc<str>) {
        if dead.is_empty() {
            return;
        }
        self.with(|state, _| {
            for mut message in dead {
                message.dead_letter_source = Some(Arc::clone(source));
                state.take_in(message);
            }
        });
    }

    /// Sends home those who wait. The queue has left the registry already.
    pub(super) fn close(&self) {
        self.deleted.store(true, Ordering::Release);
        self.arrivals.notify_waiters();
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every operation leaves the state consistent at each point where it could panic, which none does.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_alarm(self: &Arc<Self>) {
        self.alarm.get_or_init(|| {
            let alarm = ring(Arc::downgrade(self), Arc::clone(&self.rearm));
            tokio::spawn(alarm).abort_handle()
        });
    }

    /// Lets what is due come true and says when to look again.
    fn arm(&self) -> Option<Millis> {
        let mut inner = self.lock();
        inner.state.advance(now());
        let due = inner.state.next_due();
        inner.armed_for = due;
        let deliverable = inner.state.has_deliverable();
        drop(inner);
        if deliverable {
            self.arrivals.notify_one();
        }
        due
    }
}

/// The alarm: wakes a waiting poller whenever a message becomes visible by itself.
async fn ring(queue: Weak<Queue>, rearm: Arc<Notify>) {
    loop {
        let Some(due) = queue.upgrade().map(|queue| queue.arm()) else { return };
        match due {
            None => rearm.notified().await,
            Some(due) => {
                let until_due = Duration::from_millis(due.saturating_sub(now()));
                tokio::select! {
                    () = sleep(until_due) => {}
                    () = rearm.notified() => {}
                }
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.get() {
            alarm.abort();
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;

//! Group commit: requests to SQS that fill their batches without waiting for it.
//!
//! Entries queue up for a small number of slots. A slot that is free takes what is waiting, up to 10 entries and 1 MiB, and
//! makes one request of it. So an idle process sends each entry at once, and a busy one, whose slots are all in use, finds
//! full batches. This is the group commit of databases' logs, with SQS in the place of the disk.
//!
//! A bill counts requests, not entries. So a batch that is not full waits up to two and a half round trips, if so many entries
//! come that it will be full by then, as entries per second and the time that requests take say. Entries that come more slowly
//! do not wait for each other: those that have to be quick, that is; others have [`PATIENCE`](BatchOperation::PATIENCE).

mod filling;
mod verdict;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::filling::NextBatch;
pub(crate) use self::verdict::Submitted;
use self::verdict::Verdict;
use crate::backoff::Backoff;
use crate::queue::QueueError;

/// How often an entry is tried that fails alone in a batch that else succeeds.
const ENTRY_ATTEMPTS: u32 = 3;

/// The pauses between the attempts.
const ENTRY_BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));

/// A request to SQS that takes several entries at once.
pub(crate) trait BatchOperation: Send + Sync + 'static {
    type Entry: Send + Sync + 'static;

    /// How long an entry may wait for others however few come: for what nobody waits for.
    const PATIENCE: Duration = Duration::ZERO;

    /// The bytes that SQS counts for this entry.
    fn size(&self, entry: &Self::Entry) -> usize;

    /// Makes the request. One result for each entry, in order.
    fn perform(&self, entries: &[Self::Entry]) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;
}

/// Why an entry was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SubmitError {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("shutting down")]
    Closed,
}

impl SubmitError {
    /// Whether the same entry would fail again for certain.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Queue(error) => error.is_entry_refused() || error.is_no_such_queue(),
            Self::Closed => true,
        }
    }
}

/// The entrance to the slots of one operation.
#[derive(Debug)]
pub(crate) struct Batcher<O: BatchOperation> {
    waiting: mpsc::UnboundedSender<Pending<O::Entry>>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Pending<E> {
    entry: E,
    /// Where the result goes; `None` if nobody asked for it.
    verdict: Option<Verdict>,
}

impl<E> Pending<E> {
    /// Whether the one who submitted the entry has left: its call ended before it was sent.
    fn is_abandoned(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::is_unwanted)
    }
}

impl<O: BatchOperation> Batcher<O> {
    /// Starts the task that hands entries to `slots` concurrent requests.
    pub(crate) fn start(operation: O, slots: usize) -> Self {
        // Unbounded because whoever submits is bounded: callers by the table of waiters, deliveries by the work slots.
        let (waiting, entrance) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(dispatch(Arc::new(operation), entrance, slots, closing.clone()));
        Self { waiting, closing, tasks }
    }

    /// Performs the operation on this entry. Dropping the answer before the entry is sent takes it back.
    pub(crate) fn submit(&self, entry: O::Entry) -> Submitted {
        let (verdict, submitted) = verdict::channel();
        // If it is closed, the verdict goes, and with it the answer comes.
        drop(self.waiting.send(Pending { entry, verdict: Some(verdict) }));
        submitted
    }

    /// Performs the operation on this entry some time soon. A failure is logged, nothing else.
    pub(crate) fn submit_detached(&self, entry: O::Entry) {
        if self.waiting.send(Pending { entry, verdict: None }).is_err() {
            tracing::debug!("entry dropped, its queue is shutting down");
        }
    }

    /// Refuses new entries, and returns when those that wait have been performed.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl<O: BatchOperation> Drop for Batcher<O> {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// Hands entries to requests until the batcher is closed and the last of them is done.
async fn dispatch<O: BatchOperation>(
    operation: Arc<O>,
    entrance: mpsc::UnboundedReceiver<Pending<O::Entry>>,
    slots: usize,
    closing: CancellationToken,
) {
    let mut next = NextBatch::new(operation.clone(), entrance);
    let mut under_way = JoinSet::new();
    while !next.is_last() {
        next.gather();
        let due = next.due().filter(|_| under_way.len() < slots);
        if due.is_some_and(|due| due <= Instant::now()) {
            // In a box, since spawning moves a future several times, and that of a request has kilobytes.
            under_way.spawn(Box::pin(perform(operation.clone(), next.take())));
            continue;
        }
        tokio::select! {
            biased;
            Some(done) = under_way.join_next() => note(done, &mut next),
            () = next.recv(), if next.takes_more() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            // From here on `recv` gives what is waiting, then ends.
            () = closing.cancelled(), if !next.is_closed() => next.close(),
        }
    }
    while let Some(done) = under_way.join_next().await {
        note(done, &mut next);
    }
}

fn note<O: BatchOperation>(done: Result<Duration, JoinError>, next: &mut NextBatch<O>) {
    match done {
        Ok(round_trip) => next.note_round_trip(round_trip),
        // Its submitters know: their channels are gone.
        Err(error) => tracing::error!(%error, "a request to SQS was not finished"),
    }
}

/// Performs one batch, and once more the entries that failed alone. How long the first request took.
async fn perform<O: BatchOperation>(operation: Arc<O>, batch: Vec<Pending<O::Entry>>) -> Duration {
    let (mut entries, mut verdicts): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|pending| (pending.entry, pending.verdict)).unzip();
    let mut backoff = ENTRY_BACKOFF;
    let (started, mut round_trip) = (Instant::now(), None);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let results = operation.perform(&entries).await;
        let round_trip = *round_trip.get_or_insert_with(|| started.elapsed());
        let (mut again, mut open) = (Vec::new(), Vec::new());
        for ((entry, verdict), result) in entries.into_iter().zip(verdicts).zip(results) {
            match result {
                Err(error) if error.is_entry_failure() && attempt < ENTRY_ATTEMPTS => {
                    tracing::debug!(%error, attempt, "entry failed, trying it again");
                    again.push(entry);
                    open.push(verdict);
                }
                result => report(verdict, result),
            }
        }
        if again.is_empty() {
            return round_trip;
        }
        (entries, verdicts) = (again, open);
        backoff.pause().await;
    }
}

fn report(verdict: Option<Verdict>, result: Result<(), QueueError>) {
    match (verdict, result) {
        (Some(verdict), result) => verdict.give(result),
        (None, Err(error)) => tracing::warn!(%error, "entry of a batch failed"),
        (None, Ok(())) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::Semaphore;

    use super::*;

    /// Records the batches it gets; a request takes a permit, so that a test decides when it ends.
    struct Recorder {
        batches: Arc<Mutex<Vec<Vec<usize>>>>,
        permits: Arc<Semaphore>,
    }

    impl BatchOperation for Recorder {
        type Entry = usize;

        fn size(&self, entry: &usize) -> usize {
            *entry
        }

        async fn perform(&self, entries: &[usize]) -> Vec<Result<(), QueueError>> {
            self.batches.lock().expect("not poisoned").push(entries.to_vec());
            self.permits.acquire().await.expect("open").forget();
            vec![Ok(()); entries.len()]
        }
    }

    type Batches = Arc<Mutex<Vec<Vec<usize>>>>;

    fn recorder(slots: usize) -> (Batcher<Recorder>, Batches, Arc<Semaphore>) {
        let (batches, permits) = (Batches::default(), Arc::new(Semaphore::new(0)));
        let recorder = Recorder { batches: batches.clone(), permits: permits.clone() };
        (Batcher::start(recorder, slots), batches, permits)
    }

    async fn until(condition: impl Fn() -> bool) {
        while !condition() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_idle_slot_sends_at_once_and_a_busy_one_fills_batches_of_ten() {
        let (batcher, batches, permits) = recorder(1);
        batcher.submit_detached(0);
        until(|| batches.lock().expect("not poisoned").len() == 1).await;
        for entry in 1..=25 {
            batcher.submit_detached(entry);
        }
        permits.add_permits(10);
        batcher.close().await;

        let sizes: Vec<usize> = batches.lock().expect("not poisoned").iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 10, 10, 5]);
    }

    #[tokio::test]
    async fn a_batch_stays_within_one_mebibyte() {
        let (batcher, batches, permits) = recorder(1);
        batcher.submit_detached(1);
        until(|| batches.lock().expect("not poisoned").len() == 1).await;
        for entry in [600_000, 448_576, 1, 1_048_576] {
            batcher.submit_detached(entry);
        }
        permits.add_permits(10);
        batcher.close().await;

        assert_eq!(*batches.lock().expect("not poisoned"), [vec![1], vec![600_000, 448_576], vec![1], vec![1_048_576]]);
    }

    #[tokio::test]
    async fn an_entry_whose_submitter_left_is_not_sent() {
        let (batcher, batches, permits) = recorder(1);
        batcher.submit_detached(0);
        until(|| batches.lock().expect("not poisoned").len() == 1).await;
        {
            let mut left = std::pin::pin!(batcher.submit(1));
            assert!(futures_util::poll!(left.as_mut()).is_pending());
        }
        batcher.submit_detached(2);
        permits.add_permits(10);
        batcher.close().await;

        assert_eq!(*batches.lock().expect("not poisoned"), [vec![0], vec![2]]);
    }

    #[tokio::test]
    async fn idle_slots_take_an_entry_each_and_after_full_batches_what_is_not_full_waits_for_the_request_under_way() {
        let (batcher, batches, permits) = recorder(4);
        let sizes = || batches.lock().expect("not poisoned").iter().map(Vec::len).collect::<Vec<_>>();
        for entry in 0..4 {
            batcher.submit_detached(entry);
            until(|| sizes().len() == entry + 1).await;
        }
        assert_eq!(sizes(), [1; 4], "they did not wait for each other");

        for entry in 0..200 {
            batcher.submit_detached(entry);
        }
        permits.add_permits(24);
        until(|| sizes().len() == 24).await;
        until(|| permits.available_permits() == 0).await;
        for entries in [1, 3] {
            (0..entries).for_each(|entry| batcher.submit_detached(entry));
            until(|| sizes().len() == 25).await;
        }
        permits.add_permits(10);
        batcher.close().await;
        assert_eq!(sizes()[4..], [[10; 20].as_slice(), &[1, 3]].concat());
    }

    #[tokio::test]
    async fn close_performs_what_waits_and_refuses_what_comes_after() {
        let (batcher, batches, permits) = recorder(2);
        permits.add_permits(10);
        for entry in 0..5 {
            batcher.submit_detached(entry);
        }
        batcher.close().await;

        assert_eq!(batches.lock().expect("not poisoned").concat(), [0, 1, 2, 3, 4]);
        assert!(matches!(batcher.submit(6).await, Err(SubmitError::Closed)));
    }
}

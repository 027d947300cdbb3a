//! The reply queue: who makes it, keeps it, replaces it and clears it away.
//!
//! **A queue of its own** is named `<prefix>-replies-<uuid>`, where the UUID is one of version 7 that tells when it was made.
//! It is made with the tag `sqs-rpc:last-active` (Unix milliseconds), which a heartbeat renews, and deleted at the end. A
//! requester that dies leaves its queue behind: the others sweep it away, see [`sweep`].
//!
//! **A given queue** belongs to one requester at a time, by a lease in its tags, see [`lease`]. It is never swept, made or
//! deleted.
//!
//! **All times in names and tags are SQS's**: they are written and judged by the clock that all requesters share, so those of
//! their hosts may be hours apart.
//!
//! **A queue that is lost**, because somebody deleted it or took the lease, fails the calls that wait on it at once: their
//! replies can never come. An own one is replaced by a new one, a given one is asked for until it is there again; until then
//! calls fail as they come.

mod given;
mod lease;
mod own;
mod sweep;
mod upkeep;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tokio_util::task::TaskTracker;

use self::given::GivenQueue;
pub(super) use self::given::of_instance;
use self::own::OwnQueue;
use self::sweep::{Begin, Sweeper};
pub use self::upkeep::ReplyQueueUpkeep;
use super::RequesterConfig;
use super::pollers::{Polling, ReplyPollers, Spared};
use super::waiters::Waiters;
use crate::backoff::Backoff;
use crate::queue::{Queue, Sqs};
use crate::settings::StartError;

/// Where the replies to a call go.
#[derive(Debug, Clone)]
pub(crate) struct ReplyAddress {
    url: Arc<str>,
    lost: CancellationToken,
}

/// Why a call fails that was to be answered on a queue that is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reply queue is lost")]
pub(crate) struct ReplyQueueLost;

impl ReplyAddress {
    fn of(queue: &Queue) -> Self {
        Self { url: queue.url().into(), lost: CancellationToken::new() }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Done when no reply can come to it any more.
    pub(crate) fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.lost.cancelled()
    }
}

/// The reply queue of a requester, and the tasks that keep it and poll it.
pub(crate) struct ReplyQueue {
    state: Arc<State>,
    stopping: CancellationToken,
    /// Ends everything without a word to SQS, as the death of the process does.
    dropped: CancellationToken,
    tasks: TaskTracker,
}

struct State {
    address: Mutex<ReplyAddress>,
    times_lost: AtomicU64,
    swept: AtomicU64,
}

impl State {
    fn address(&self) -> MutexGuard<'_, ReplyAddress> {
        self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplyQueue {
    /// Makes the queue or takes the given one, and starts to poll it for `waiters`.
    pub(crate) async fn open(sqs: &Sqs, config: &RequesterConfig, waiters: &Arc<Waiters>) -> Result<Self, StartError> {
        let source = match &config.reply_queue {
            None => Source::Own(OwnQueue::new(sqs, config)),
            Some(given) => Source::Given(GivenQueue::new(sqs, config, given)?),
        };
        let queue = source.open().await?;
        let address = Mutex::new(ReplyAddress::of(&queue));
        let state = Arc::new(State { address, times_lost: AtomicU64::new(0), swept: AtomicU64::new(0) });
        let opened = Self {
            state: state.clone(),
            stopping: CancellationToken::new(),
            dropped: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        if let Source::Own(own) = &source {
            let (stopping, sweeper, state) = (opened.stopping.clone(), own.sweeper(), state.clone());
            opened.spawn(async move { stopping.run_until_cancelled(sweep_regularly(sweeper, &state)).await });
        }
        let polling = Polling {
            clock: sqs.clock().clone(),
            pollers: config.pollers,
            wait: config.poll_wait,
            spared: source.may_be_shared().then(|| Spared { started_ms: sqs.clock().now_ms() }),
        };
        let keeper = Keeper { source, polling, waiters: waiters.clone(), state, stopping: opened.stopping.clone() };
        opened.spawn(keeper.run(queue));
        Ok(opened)
    }

    /// Where replies to a new call go.
    pub(crate) fn address(&self) -> ReplyAddress {
        self.state.address().clone()
    }

    /// How often the queue was lost.
    pub(crate) fn times_lost(&self) -> u64 {
        self.state.times_lost.load(Ordering::Relaxed)
    }

    /// How many queues of dead requesters were deleted.
    pub(crate) fn swept(&self) -> u64 {
        self.state.swept.load(Ordering::Relaxed)
    }

    /// Stops to poll, and deletes the queue or ends its lease.
    pub(crate) async fn close(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn spawn(&self, task: impl Future<Output: Send> + Send + 'static) {
        let dropped = self.dropped.clone();
        self.tasks.spawn(async move { dropped.run_until_cancelled(task).await.is_some() });
    }
}

impl Drop for ReplyQueue {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}

async fn sweep_regularly(sweeper: Sweeper, state: &State) {
    sweeper.first_pause().await;
    let mut begin = Begin::BehindOwn;
    loop {
        let own = state.address().clone();
        sweeper.sweep(own.url(), begin, &state.swept).await;
        sweeper.pause().await;
        begin = Begin::by_chance();
    }
}

/// Where the queue comes from.
enum Source {
    Own(OwnQueue),
    Given(GivenQueue),
}

impl Source {
    async fn open(&self) -> Result<Queue, StartError> {
        match self {
            Self::Own(own) => own.make().await,
            Self::Given(given) => given.take().await,
        }
    }

    /// Gives signs of life. Returns only when the queue belongs to another, with its name.
    async fn keep_alive(&self, queue: &Queue) -> String {
        match self {
            Self::Own(own) => own.keep_alive(queue).await,
            Self::Given(given) => given.keep_alive(queue).await,
        }
    }

    async fn close(&self, queue: &Queue) {
        match self {
            Self::Own(own) => own.delete(queue).await,
            Self::Given(given) => given.release(queue).await,
        }
    }

    /// Whether another may wait for replies on it.
    fn may_be_shared(&self) -> bool {
        matches!(self, Self::Given(_))
    }
}

/// Keeps the queue, and finds another when it is lost.
struct Keeper {
    source: Source,
    polling: Polling,
    waiters: Arc<Waiters>,
    state: Arc<State>,
    stopping: CancellationToken,
}

impl Keeper {
    async fn run(self, mut queue: Queue) {
        loop {
            let pollers = ReplyPollers::start(&queue, &self.waiters, &self.polling);
            tokio::select! {
                () = self.stopping.cancelled() => {
                    pollers.stop().await;
                    self.source.close(&queue).await;
                    return;
                }
                () = pollers.queue_gone() => tracing::error!(queue = queue.url(), "the reply queue is gone"),
                holder = self.source.keep_alive(&queue) => {
                    tracing::error!(queue = queue.url(), holder, "another has taken the reply queue over");
                }
            }
            self.state.address().lost.cancel();
            self.state.times_lost.fetch_add(1, Ordering::Relaxed);
            drop(pollers);
            match self.reopen().await {
                Some(another) => queue = another,
                None => return,
            }
            *self.state.address() = ReplyAddress::of(&queue);
        }
    }

    /// Tries until it has a queue, or the requester stops.
    async fn reopen(&self) -> Option<Queue> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
        loop {
            // Not cut short, so that no queue is left that nobody knows of.
            match self.source.open().await {
                Ok(queue) => return Some(queue),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "still without a reply queue"),
            }
            self.stopping.run_until_cancelled(backoff.pause()).await?;
        }
    }
}

//! The working side: takes requests, has a service work them, replies.

mod journal;
mod last_delivery;
mod outbox;
mod pollers;
mod visibility;
mod work;

use std::fmt;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

pub use self::journal::{Answer, Journal, NoJournal, Operation, WorkTimes};
use self::outbox::Outbox;
use self::visibility::Visibility;
use crate::batch::Batcher;
use crate::clock::SqsClock;
use crate::deletes::DeleteMessages;
use crate::failure::Failure;
use crate::queue::{MAX_BATCH, Queue, Sqs};
use crate::request::{AllowedReplyQueues, Request, account_and_name};
use crate::settings::{StartError, check_prefix, check_range, reply_queue_name_prefix};

/// How many requests to SQS delete messages at once.
const DELETE_SLOTS: usize = 4;

/// How long a poll that has a place waits for others to be free, so that quick work fills polls. Work that keeps its place for long
/// is not held up by it.
const GATHERING: Duration = Duration::from_millis(2);

/// How a [`Responder`] works. Start from [`ResponderConfig::new`].
#[derive(Debug, Clone)]
pub struct ResponderConfig {
    /// Name or URL of the queue that requests come from.
    pub request_queue: String,
    /// What the names of this system's queues start with. Replies go only to queues of the request queue's account whose names
    /// start with `<prefix>-replies`.
    pub prefix: String,
    /// What replies name as their responder: 1 to 256 characters.
    pub worker_id: String,
    /// How many requests the service works on at once: 1 to 10,000.
    pub concurrency: usize,
    /// How many more may have been worked without being settled yet (replied, recorded, deleted): 0 to 100,000. At the bound no
    /// further ones are received, so that a journal that cannot be written stops the intake, not the replies under way.
    pub max_unsettled: usize,
    /// How long a message stays invisible to other responders after the last sign of life from this one: 2 s to 12 h in whole
    /// seconds. It is extended while the message is worked, so it is no bound on the work.
    pub visibility: Duration,
    /// Whether to drop requests unworked that nobody waits for any more. Off only to show what happens then.
    pub shed: bool,
    /// How long one poll waits for messages: 1 to 20 s. A stop waits for the polls under way.
    pub poll_wait: Duration,
}

impl ResponderConfig {
    /// The defaults: prefix `compute`, a random worker id, 32 requests at once and 1,000 unsettled, visibility 10 s, polls of 20 s.
    pub fn new(request_queue: impl Into<String>) -> Self {
        Self {
            request_queue: request_queue.into(),
            prefix: "compute".to_owned(),
            worker_id: format!("worker-{}", uuid::Uuid::new_v4()),
            concurrency: 32,
            max_unsettled: 1_000,
            visibility: Duration::from_secs(10),
            shed: true,
            poll_wait: Duration::from_secs(20),
        }
    }
}

/// What a [`Responder`] has counted since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponderStats {
    /// Messages received.
    pub received: u64,
    /// Requests answered with a result.
    pub succeeded: u64,
    /// Requests answered with an error.
    pub failed: u64,
    /// Requests dropped unworked because nobody waited any more.
    pub shed: u64,
    /// Messages that cannot be answered, left to the dead-letter queue.
    pub deferred: u64,
    /// Messages given back unstarted at the end.
    pub given_back: u64,
    /// Panics of the service.
    pub panics: u64,
    /// Attempts of the journal that failed.
    pub journal_failures: u64,
}

/// Works requests with a [`tower::Service`] and records each operation in a [`Journal`].
pub struct Responder<S, J> {
    shared: Arc<Shared<S, J>>,
    pollers: usize,
}

impl<S, J> fmt::Debug for Responder<S, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").field("request_queue", &self.shared.queue.url()).finish_non_exhaustive()
    }
}

/// Reads the counters of a responder, also while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters(Arc<Mutex<ResponderStats>>);

impl Counters {
    fn count(&self, change: impl FnOnce(&mut ResponderStats)) {
        change(&mut self.0.lock().expect("no code panics while it holds the lock"));
    }

    fn read(&self) -> ResponderStats {
        *self.0.lock().expect("no code panics while it holds the lock")
    }
}

struct Shared<S, J> {
    queue: Queue,
    allowed_reply_queues: AllowedReplyQueues,
    worker_id: Arc<str>,
    service: S,
    journal: J,
    slots: Slots,
    visibility: Visibility,
    outbox: Outbox,
    deletes: Batcher<DeleteMessages>,
    clock: Arc<SqsClock>,
    shed: bool,
    poll_wait: Duration,
    visibility_timeout: Duration,
    /// How often a message is received before it goes to the dead-letter queue, if it ever does.
    max_receive_count: Option<u32>,
    counters: Counters,
    /// Pollers and deliveries; none is left when the responder has stopped.
    tasks: TaskTracker,
    /// No further messages are to be received.
    stopping: CancellationToken,
    /// The drain limit has passed: what is not settled is left to be delivered again.
    abandoning: CancellationToken,
}

impl<S, J, T> Responder<S, J>
where
    S: Service<Request, Response = Answer<T>, Error = Failure> + Clone + Send + Sync + 'static,
    S::Future: Send,
    J: Journal<T>,
    T: Send + Sync + 'static,
{
    /// Finds the request queue. Nothing is received until [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// When a setting is out of range, or the queue does not exist.
    pub async fn new(aws: &SdkConfig, config: ResponderConfig, service: S, journal: J) -> Result<Self, StartError> {
        check(&config)?;
        let sqs = Sqs::new(aws);
        let queue = sqs.queue(&config.request_queue).await;
        let queue = queue.map_err(|source| StartError::Queue { role: "request", source })?;
        let max_receive_count = last_delivery::max_receive_count(&queue).await;
        let (account, _name) = account_and_name(queue.url()).unwrap_or_default();
        let allowed_reply_queues =
            AllowedReplyQueues { account: account.to_owned(), name_prefix: reply_queue_name_prefix(&config.prefix) };
        let shared = Shared {
            allowed_reply_queues,
            worker_id: config.worker_id.into(),
            service,
            journal,
            slots: Slots::new(config.concurrency, config.max_unsettled),
            visibility: Visibility::start(queue.clone(), config.visibility),
            clock: sqs.clock().clone(),
            outbox: Outbox::new(sqs),
            deletes: Batcher::start(DeleteMessages { queue: queue.clone() }, DELETE_SLOTS),
            shed: config.shed,
            poll_wait: config.poll_wait,
            visibility_timeout: config.visibility,
            max_receive_count,
            counters: Counters::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            abandoning: CancellationToken::new(),
            queue,
        };
        // As many as can each bring 10 messages: a smaller one beside them would split a batch that a larger one takes whole.
        let pollers = (config.concurrency / MAX_BATCH).clamp(1, 8);
        Ok(Self { shared: Arc::new(shared), pollers })
    }

    /// A function that reads the counters, also while the responder runs.
    pub fn stats(&self) -> impl Fn() -> ResponderStats + Send + Sync + 'static + use<S, J, T> {
        let counters = self.shared.counters.clone();
        move || counters.read()
    }

    /// Works requests until `shutdown` is ready, then stops: lets the polls under way come home and gives back at once what
    /// they bring, finishes what was started, and returns. What is not settled `drain_limit` after the signal is left alone; it
    /// will be delivered again.
    pub async fn run(self, shutdown: impl Future<Output = ()>, drain_limit: Duration) {
        let shared = self.shared;
        for _ in 0..self.pollers {
            shared.tasks.spawn(pollers::poll(shared.clone()));
        }
        shutdown.await;
        shared.stopping.cancel();
        shared.tasks.close();
        if tokio::time::timeout(drain_limit, shared.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = shared.tasks.len(), "leaving unsettled requests behind at the drain limit");
        }
        shared.abandoning.cancel();
        shared.outbox.close().await;
        shared.deletes.close().await;
        shared.visibility.stop().await;
    }
}

/// The places for requests at work, and for those that are worked but not settled.
struct Slots {
    concurrency: u32,
    work: Arc<Semaphore>,
    unsettled: Arc<Semaphore>,
    /// Slots whose service runs: not those that a poll has reserved.
    busy: Arc<AtomicU32>,
    /// Held by the poll that takes its places.
    gathering: tokio::sync::Mutex<()>,
}

/// A place for one message.
struct Slot {
    /// Given back when the service is done.
    work: OwnedSemaphorePermit,
    /// Given back when the message is settled.
    unsettled: OwnedSemaphorePermit,
}

impl Slots {
    fn new(concurrency: usize, max_unsettled: usize) -> Self {
        Self {
            concurrency: u32::try_from(concurrency).unwrap_or(u32::MAX),
            work: Arc::new(Semaphore::new(concurrency)),
            unsettled: Arc::new(Semaphore::new(concurrency + max_unsettled)),
            busy: Arc::default(),
            gathering: tokio::sync::Mutex::default(),
        }
    }

    /// Waits for a place, and takes others that are free or become so at once: up to `most` together.
    async fn take(&self, most: usize) -> Vec<Slot> {
        // One at a time gathers, so that two do not share what would fill one poll.
        let _turn = self.gathering.lock().await;
        let mut slots = vec![self.take_one().await];
        let others = async {
            while slots.len() < most {
                slots.push(self.take_one().await);
            }
        };
        // Places that are free are there at the first look, before time counts.
        drop(tokio::time::timeout(GATHERING, others).await);
        slots
    }

    async fn take_one(&self) -> Slot {
        const NEVER: &str = "the semaphores are never closed";
        let unsettled = self.unsettled.clone().acquire_owned().await.expect(NEVER);
        let work = self.work.clone().acquire_owned().await.expect(NEVER);
        Slot { work, unsettled }
    }
}

fn check(config: &ResponderConfig) -> Result<(), StartError> {
    check_prefix(&config.prefix)?;
    check_range("length of worker_id", config.worker_id.len() as u64, 1..=256)?;
    check_range("concurrency", config.concurrency as u64, 1..=10_000)?;
    check_range("max_unsettled", config.max_unsettled as u64, 0..=100_000)?;
    check_range("visibility in seconds", config.visibility.as_secs(), 2..=43_200)?;
    check_range("poll_wait in seconds", config.poll_wait.as_secs(), 1..=20)
}

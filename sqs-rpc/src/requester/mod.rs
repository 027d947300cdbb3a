//! The calling side: sends requests, waits for replies.

mod admission;
mod call;
mod pollers;
mod waiters;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::QueueAttributeName;
use tokio::time::Instant;
use uuid::Uuid;

pub use self::call::{Call, CallError, CallTiming, Reply};
use self::pollers::ReplyPollers;
pub use self::waiters::RequesterStats;
use self::waiters::{Limits, Waiters};
use crate::batch::{BatchOperation, Batcher, SubmitError};
use crate::clock::SqsClock;
use crate::message::MAX_MESSAGE_BYTES;
use crate::queue::{Queue, QueueError, Sqs};
use crate::request::{self, OutgoingRequest};
use crate::settings::{StartError, check_prefix, check_range, reply_queue_name_prefix};

/// How long SQS keeps a reply that nobody fetches, in seconds: the queue of a process that died empties itself.
const REPLY_RETENTION_SECONDS: &str = "300";

/// How a [`Requester`] works. Start from [`RequesterConfig::new`].
#[derive(Debug, Clone)]
pub struct RequesterConfig {
    /// Name or URL of the queue that requests are sent to.
    pub request_queue: String,
    /// Name or URL of an existing queue to get replies on, which no other requester may use. Its name must start with
    /// `<prefix>-replies`, since responders send nowhere else. Absent: a queue `<prefix>-replies-<uuid>` is made at the start
    /// and deleted at the end.
    pub reply_queue: Option<String>,
    /// What the names of this system's queues start with: 1 to 35 letters, digits, hyphens and underscores.
    pub prefix: String,
    /// The most calls that wait at once. More are refused.
    pub max_in_flight: usize,
    /// The most calls that wait at once of one tenant. More are refused. Calls without a tenant are not counted.
    pub max_in_flight_per_tenant: usize,
    /// Whether to refuse calls at once that cannot be answered in time: because the wait for a responder would be too long, or
    /// because none is heard from. See [`CallError::Overloaded`] and [`CallError::NoWorker`].
    pub refuse_hopeless: bool,
    /// How long calls may go unanswered before further ones are refused with [`CallError::NoWorker`], but for a trickle: 100 ms
    /// to 1 day.
    pub no_worker_after: Duration,
    /// How many requests to SQS send messages at once; each takes what is waiting.
    pub send_slots: usize,
    /// How many long polls of the reply queue run at once; each brings up to 10 replies.
    pub pollers: usize,
    /// How long one poll waits for replies: 1 to 20 s.
    pub poll_wait: Duration,
}

impl RequesterConfig {
    /// The defaults: prefix `compute`; 10,000 calls in flight, of one tenant too; hopeless calls refused, without a worker after
    /// 10 s; 4 send slots; 2 pollers that wait 20 s; a reply queue of its own.
    pub fn new(request_queue: impl Into<String>) -> Self {
        Self {
            request_queue: request_queue.into(),
            reply_queue: None,
            prefix: "compute".to_owned(),
            max_in_flight: 10_000,
            max_in_flight_per_tenant: 10_000,
            refuse_hopeless: true,
            no_worker_after: Duration::from_secs(10),
            send_slots: 4,
            pollers: 2,
            poll_wait: Duration::from_secs(20),
        }
    }
}

/// Sends requests and waits for their replies. Clones share everything.
#[derive(Clone)]
pub struct Requester {
    shared: Arc<Shared>,
}

struct Shared {
    reply_queue: Queue,
    owns_reply_queue: bool,
    waiters: Arc<Waiters>,
    sends: Batcher<SendRequests>,
    pollers: ReplyPollers,
}

impl fmt::Debug for Requester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester").field("reply_queue", &self.reply_queue_url()).finish_non_exhaustive()
    }
}

impl Requester {
    /// Finds the request queue, makes or finds the reply queue, and starts to poll it.
    ///
    /// # Errors
    ///
    /// When a setting is out of range, or a queue does not exist or cannot be made.
    pub async fn start(aws: &SdkConfig, config: RequesterConfig) -> Result<Self, StartError> {
        check(&config)?;
        let sqs = Sqs::new(aws);
        let request_queue = sqs.queue(&config.request_queue).await;
        let request_queue = request_queue.map_err(|source| StartError::Queue { role: "request", source })?;
        let reply_queue = open_reply_queue(&sqs, &config).await?;

        let limits = Limits { all: config.max_in_flight, per_tenant: config.max_in_flight_per_tenant };
        let no_worker_after = config.refuse_hopeless.then_some(config.no_worker_after);
        let (waiters, clock) = (Arc::new(Waiters::new(limits, no_worker_after)), sqs.clock());
        let pollers = ReplyPollers::start(&reply_queue, &waiters, &clock, config.pollers, config.poll_wait);
        let sends = Batcher::start(SendRequests { queue: request_queue, clock }, config.send_slots);
        let owns_reply_queue = config.reply_queue.is_none();
        Ok(Self { shared: Arc::new(Shared { reply_queue, owns_reply_queue, waiters, sends, pollers }) })
    }

    /// Sends a request and waits for its reply. Dropping the future gives the call up: a request that was not sent yet is not
    /// sent any more, one that was is worked unless its responder sheds it.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. After [`CallError::DeadlineExceeded`] and [`CallError::Unavailable`] the request may have been sent,
    /// and may be worked.
    pub async fn call(&self, call: Call) -> Result<Reply, CallError> {
        let called = Instant::now();
        let deadline = call.deadline;
        let request = self.outgoing(call);
        let size = request.size();
        if size > MAX_MESSAGE_BYTES {
            return Err(CallError::TooLarge { size, limit: MAX_MESSAGE_BYTES });
        }
        // In the table before the request can reach anyone; taken out when the waiter is dropped, whichever way this ends.
        let mut waiter =
            self.shared.waiters.register(request.id, &request.digest, request.tenant.as_deref(), deadline)?;
        let exchange = async {
            tokio::select! {
                biased;
                reply = waiter.reply() => reply,
                error = self.send_failure(request) => Err(error),
            }
        };
        let reply = tokio::time::timeout_at(deadline, exchange).await.map_err(|_| CallError::DeadlineExceeded)??;
        Reply::new(reply, called.elapsed())
    }

    /// The number of calls that wait now.
    pub fn in_flight(&self) -> usize {
        self.shared.waiters.in_flight()
    }

    /// What has been counted since the start.
    pub fn stats(&self) -> RequesterStats {
        self.shared.waiters.stats()
    }

    /// The URL of the queue that replies come to.
    pub fn reply_queue_url(&self) -> &str {
        self.shared.reply_queue.url()
    }

    /// Stops: refuses new calls, waits up to `limit` for those that wait, fails the rest with [`CallError::ShuttingDown`], and
    /// deletes the reply queue if it is its own. Pollers go on until no call waits any more.
    pub async fn shutdown(&self, limit: Duration) {
        let shared = &self.shared;
        shared.waiters.refuse_new();
        if tokio::time::timeout(limit, shared.waiters.emptied()).await.is_err() {
            tracing::warn!(in_flight = self.in_flight(), "calls still wait at the drain limit");
        }
        shared.waiters.fail_all();
        shared.sends.close().await;
        shared.pollers.stop().await;
        if shared.owns_reply_queue {
            match shared.reply_queue.delete_queue().await {
                Ok(()) => tracing::info!(queue = shared.reply_queue.url(), "deleted the reply queue"),
                Err(error) => tracing::warn!(%error, "the reply queue stays behind"),
            }
        }
    }

    fn outgoing(&self, call: Call) -> OutgoingRequest {
        OutgoingRequest {
            id: call.id,
            reply_to: self.reply_queue_url().to_owned(),
            method: call.method,
            digest: request::digest(&call.body),
            body: call.body,
            deadline: (!call.finish_late).then_some(call.deadline),
            tenant: call.tenant,
            traceparent: call.traceparent,
        }
    }

    /// Sends, and returns only if that failed. SQS may have taken the message even so, but nothing says that.
    async fn send_failure(&self, request: OutgoingRequest) -> CallError {
        match self.shared.sends.submit(request).await {
            Ok(()) => std::future::pending().await,
            Err(SubmitError::Closed) => CallError::ShuttingDown,
            Err(SubmitError::Queue(error)) => CallError::Unavailable(error.into()),
        }
    }
}

fn check(config: &RequesterConfig) -> Result<(), StartError> {
    check_prefix(&config.prefix)?;
    check_range("max_in_flight", config.max_in_flight as u64, 1..=10_000_000)?;
    check_range("max_in_flight_per_tenant", config.max_in_flight_per_tenant as u64, 1..=10_000_000)?;
    check_range("no_worker_after in milliseconds", whole_ms(config.no_worker_after), 100..=86_400_000)?;
    check_range("send_slots", config.send_slots as u64, 1..=1_000)?;
    check_range("pollers", config.pollers as u64, 1..=1_000)?;
    check_range("poll_wait in seconds", config.poll_wait.as_secs(), 1..=20)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn open_reply_queue(sqs: &Sqs, config: &RequesterConfig) -> Result<Queue, StartError> {
    let name_prefix = reply_queue_name_prefix(&config.prefix);
    let error = |source| StartError::Queue { role: "reply", source };
    let Some(name_or_url) = &config.reply_queue else {
        let name = format!("{name_prefix}-{}", Uuid::new_v4());
        let attributes = [(QueueAttributeName::MessageRetentionPeriod, REPLY_RETENTION_SECONDS)];
        let queue = sqs.create_queue(&name, &attributes).await.map_err(error)?;
        tracing::info!(queue = queue.url(), "made the reply queue");
        return Ok(queue);
    };
    let queue = sqs.queue(name_or_url).await.map_err(error)?;
    let is_allowed =
        request::account_and_name(queue.url()).is_some_and(|(_account, name)| name.starts_with(&name_prefix));
    if !is_allowed {
        let expected = format!("a queue whose name starts with {name_prefix}, where workers may reply to");
        return Err(StartError::Setting { setting: "reply_queue", value: name_or_url.clone(), expected });
    }
    Ok(queue)
}

/// `SendMessageBatch` on the request queue.
struct SendRequests {
    queue: Queue,
    clock: Arc<SqsClock>,
}

impl BatchOperation for SendRequests {
    type Entry = OutgoingRequest;

    fn size(&self, request: &OutgoingRequest) -> usize {
        request.size()
    }

    async fn perform(&self, requests: &[OutgoingRequest]) -> Vec<Result<(), QueueError>> {
        self.queue.send_batch(requests.iter().map(|request| request.to_message(&self.clock)).collect()).await
    }
}

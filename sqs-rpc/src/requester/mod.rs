//! The calling side: sends requests, waits for replies.

mod admission;
mod call;
mod pollers;
mod reply_queue;
mod retention;
mod waiters;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

pub use self::call::{Call, CallError, CallTiming, Reply};
pub use self::reply_queue::ReplyQueueUpkeep;
use self::reply_queue::{ReplyAddress, ReplyQueue, ReplyQueueLost};
use self::retention::Retention;
pub use self::waiters::RequesterStats;
use self::waiters::{Limits, Waiter, Waiters};
use crate::batch::{BatchOperation, Batcher, SubmitError, Submitted};
use crate::clock::SqsClock;
use crate::message::MAX_MESSAGE_BYTES;
use crate::queue::{BatchCounters, Queue, QueueError, SharedInterceptor, Sqs};
use crate::request::{self, OutgoingRequest};
use crate::settings::{StartError, check_prefix, check_range};
use crate::trace::{self, TraceContext};

/// How a [`Requester`] works. Start from [`RequesterConfig::new`].
#[derive(Debug, Clone)]
pub struct RequesterConfig {
    /// Name or URL of the queue that requests are sent to.
    pub request_queue: String,
    /// Name or URL of an existing queue to get replies on, in which `{instance}` stands for [`instance`](Self::instance). Its
    /// name must start with `<prefix>-replies`, since responders send nowhere else. It belongs to one requester at a time, which
    /// says so in its tags. Absent: a queue `<prefix>-replies-<uuid>` is made at the start and deleted at the end.
    pub reply_queue: Option<String>,
    /// What tells this requester from others that run at the same time, for the lease on a given reply queue: one that crashed
    /// gets its queue back at once under the same name. Characters that a queue's name cannot have become hyphens.
    pub instance: String,
    /// How the reply queue is kept, and those of dead requesters found.
    pub reply_queue_upkeep: ReplyQueueUpkeep,
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
    /// Is shown the requests to SQS and the responses, for instance to count them.
    pub interceptor: Option<SharedInterceptor>,
}

impl RequesterConfig {
    /// The defaults: prefix `compute`; 10,000 calls in flight, of one tenant too; hopeless calls refused, without a worker after
    /// 10 s; 4 send slots; 2 pollers that wait 20 s; a reply queue of its own. The
    /// instance is the name of the host.
    pub fn new(request_queue: impl Into<String>) -> Self {
        Self {
            request_queue: request_queue.into(),
            reply_queue: None,
            instance: gethostname::gethostname().to_string_lossy().into_owned(),
            reply_queue_upkeep: ReplyQueueUpkeep::default(),
            prefix: "compute".to_owned(),
            max_in_flight: 10_000,
            max_in_flight_per_tenant: 10_000,
            refuse_hopeless: true,
            no_worker_after: Duration::from_secs(10),
            send_slots: 4,
            pollers: 2,
            poll_wait: Duration::from_secs(20),
            interceptor: None,
        }
    }
}

impl RequesterConfig {
    /// The name or URL of the reply queue that this instance is given, if it is given one.
    pub fn given_reply_queue(&self) -> Option<String> {
        self.reply_queue.as_ref().map(|given| reply_queue::of_instance(given, &self.instance))
    }
}

/// Sends requests and waits for their replies. Clones share everything.
#[derive(Clone)]
pub struct Requester {
    shared: Arc<Shared>,
}

struct Shared {
    reply_queue: ReplyQueue,
    waiters: Arc<Waiters>,
    sends: Batcher<SendRequests>,
    /// The name of the request queue.
    request_queue: Box<str>,
    retention: Retention,
    batches: Arc<BatchCounters>,
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
    /// When a setting is out of range, a queue does not exist or cannot be made, or a given reply queue belongs to another.
    pub async fn start(aws: &SdkConfig, config: RequesterConfig) -> Result<Self, StartError> {
        check(&config)?;
        let sqs = Sqs::watched(aws, config.interceptor.clone());
        let request_queue = sqs.queue(&config.request_queue).await;
        let request_queue = request_queue.map_err(|source| StartError::Queue { role: "request", source })?;

        let limits = Limits { all: config.max_in_flight, per_tenant: config.max_in_flight_per_tenant };
        let no_worker_after = config.refuse_hopeless.then_some(config.no_worker_after);
        let waiters = Arc::new(Waiters::new(limits, no_worker_after));
        let reply_queue = ReplyQueue::open(&sqs, &config, &waiters).await?;
        let retention = Retention::of(request_queue.clone());
        let request_queue_name = request_queue.name().into();
        let sends = SendRequests { queue: request_queue, clock: sqs.clock().clone() };
        let sends = Batcher::start(sends, config.send_slots);
        let batches = sqs.batches().clone();
        let request_queue = request_queue_name;
        Ok(Self { shared: Arc::new(Shared { reply_queue, waiters, sends, request_queue, retention, batches }) })
    }

    /// Sends a request and waits for its reply. The request is on its way when this returns; the future waits. Dropping it gives
    /// the call up: a request that was not sent yet is not sent any more, one that was is worked unless its responder sheds it.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. After [`CallError::DeadlineExceeded`] and [`CallError::Unavailable`] the request may have been sent,
    /// and may be worked.
    pub fn call(&self, call: Call) -> impl Future<Output = Result<Reply, CallError>> + Send + use<> {
        let waiting = self.begin(call);
        async move { waiting?.await }
    }

    /// Like [`call`](Self::call), for callers who must know whether the request may have been sent: it was not, for certain, if
    /// there is no future.
    ///
    /// # Errors
    ///
    /// Why the call is refused. The errors of the future are those of [`call`](Self::call).
    pub fn begin(
        &self,
        call: Call,
    ) -> Result<impl Future<Output = Result<Reply, CallError>> + Send + use<>, CallError> {
        self.begin_holding(call, ())
    }

    /// Like [`begin`](Self::begin). `held` is dropped as soon as nothing of the request is held any more, because SQS has it or
    /// it will not be sent: it may stand for the memory that the request takes.
    ///
    /// # Errors
    ///
    /// Those of [`begin`](Self::begin).
    pub fn begin_holding<H: Send + Sync + 'static>(
        &self,
        call: Call,
        held: H,
    ) -> Result<impl Future<Output = Result<Reply, CallError>> + Send + use<H>, CallError> {
        let (called, deadline) = (Instant::now(), call.deadline);
        // Done here and not in the future, so that a call that waits keeps nothing of its request: very many may wait.
        let Exchange { mut waiter, sent, reply_to } = self.exchange(call, Box::new(held))?;
        Ok(async move {
            tokio::select! {
                biased;
                reply = waiter.reply() => Reply::new(*reply?, called.elapsed()),
                () = reply_to.lost() => Err(CallError::Unavailable(ReplyQueueLost.into())),
                error = sent.failure() => Err(not_sent(error)),
                () = tokio::time::sleep_until(deadline) => Err(CallError::DeadlineExceeded),
            }
        })
    }

    /// The most bytes that the attributes of a call's message have: with those of its body, they make the size of the message.
    pub fn attributes_size(&self, method: &str, content_type: Option<&str>) -> usize {
        // The digest is in hex.
        let (reply_to, digest) = (self.shared.reply_queue.address(), 2 * Sha256::output_size());
        // Of a trace context only the length counts, and all have the same.
        let traceparent = "0".repeat(TraceContext::LENGTH);
        request::attributes_size(method, digest, [Some(reply_to.url()), content_type, Some(&traceparent)])
    }

    /// Sends a request that nobody waits for. Returns as soon as SQS has it; it is worked however long that takes.
    ///
    /// # Errors
    ///
    /// [`CallError::TooLarge`]; [`CallError::Unavailable`], [`CallError::ShuttingDown`] and, when SQS has not taken it by then,
    /// [`CallError::DeadlineExceeded`]: after these it may have been sent, and may be worked.
    pub async fn submit(&self, call: Call) -> Result<(), CallError> {
        self.begin_submission(call, ())?.await
    }

    /// Like [`submit`](Self::submit), for callers who must know whether the request may have been sent: it was not, for certain,
    /// if there is no future. `held` is dropped as soon as nothing of the request is held any more.
    ///
    /// # Errors
    ///
    /// Why the request is refused. The errors of the future are those of [`submit`](Self::submit).
    pub fn begin_submission<H: Send + Sync + 'static>(
        &self,
        call: Call,
        held: H,
    ) -> Result<impl Future<Output = Result<(), CallError>> + Send + use<H>, CallError> {
        let deadline = call.deadline;
        let request = OutgoingRequest { _held: Some(Box::new(held)), ..self.outgoing(call, None) };
        check_size(&request)?;
        let sent = self.shared.sends.submit(request);
        Ok(async move {
            tokio::select! {
                biased;
                sent = sent => sent.map_err(not_sent),
                () = tokio::time::sleep_until(deadline) => Err(CallError::DeadlineExceeded),
            }
        })
    }

    fn exchange(&self, call: Call, held: Box<dyn Any + Send + Sync>) -> Result<Exchange, CallError> {
        let deadline = call.deadline;
        let reply_to = self.shared.reply_queue.address();
        let request = OutgoingRequest { _held: Some(held), ..self.outgoing(call, Some(&reply_to)) };
        check_size(&request)?;
        if reply_to.is_lost() {
            return Err(CallError::Unavailable(ReplyQueueLost.into()));
        }
        // In the table before the request can reach anyone; taken out when the waiter is dropped, whichever way this ends.
        let waiter = self.shared.waiters.register(request.id, &request.digest, request.tenant.as_deref(), deadline)?;
        Ok(Exchange { waiter, sent: self.shared.sends.submit(request), reply_to })
    }

    /// Without an address for replies nobody waits, so the request has no deadline either.
    fn outgoing(&self, call: Call, reply_to: Option<&ReplyAddress>) -> OutgoingRequest {
        let (body, payload_in_s3) = call.body.into_message();
        let span = trace::send(&self.shared.request_queue, call.id, body.len());
        OutgoingRequest {
            id: call.id,
            reply_to: reply_to.map(|address| address.url().to_owned()),
            method: call.method,
            digest: call.digest.unwrap_or_else(|| request::digest(&body)),
            body,
            payload_in_s3,
            content_type: call.content_type,
            deadline: (reply_to.is_some() && !call.finish_late).then_some(call.deadline),
            tenant: call.tenant,
            traceparent: TraceContext::of(&span).map(|context| context.to_string()).or(call.traceparent),
            span,
            _held: None,
        }
    }

    /// How long a request can wait on the request queue before SQS drops it. SQS is asked at the first use, and again every
    /// hour; while it does not tell, or may not be asked, this is what it told before, or 4 days.
    pub async fn retention(&self) -> Duration {
        self.shared.retention.get().await
    }

    /// The number of calls that wait now.
    pub fn in_flight(&self) -> usize {
        self.shared.waiters.in_flight()
    }

    /// What has been counted since the start.
    pub fn stats(&self) -> RequesterStats {
        let reply_queue = &self.shared.reply_queue;
        RequesterStats {
            reply_queue_lost: reply_queue.times_lost(),
            reply_queues_swept: reply_queue.swept(),
            batches: self.shared.batches.fill(),
            ..self.shared.waiters.stats()
        }
    }

    /// The URL of the queue that replies come to. It changes when the queue is lost and another takes its place.
    pub fn reply_queue_url(&self) -> String {
        self.shared.reply_queue.address().url().to_owned()
    }

    /// Stops: refuses new calls, waits up to `limit` for those that wait, fails the rest with [`CallError::ShuttingDown`], and
    /// deletes the reply queue if it is its own, or gives a given one back. Pollers go on until no call waits any more.
    pub async fn shutdown(&self, limit: Duration) {
        let shared = &self.shared;
        shared.waiters.refuse_new();
        if tokio::time::timeout(limit, shared.waiters.emptied()).await.is_err() {
            tracing::warn!(in_flight = self.in_flight(), "calls still wait at the drain limit");
        }
        shared.waiters.fail_all();
        shared.sends.close().await;
        shared.reply_queue.close().await;
    }
}

/// What a call that waits has.
struct Exchange {
    waiter: Waiter,
    sent: Submitted,
    reply_to: ReplyAddress,
}

/// SQS may have taken the message even so, but nothing says that.
fn not_sent(error: SubmitError) -> CallError {
    match error {
        SubmitError::Closed => CallError::ShuttingDown,
        SubmitError::Queue(error) => CallError::Unavailable(error.into()),
    }
}

fn check_size(request: &OutgoingRequest) -> Result<(), CallError> {
    let size = request.size();
    if size > MAX_MESSAGE_BYTES {
        return Err(CallError::TooLarge { size, limit: MAX_MESSAGE_BYTES });
    }
    Ok(())
}

fn check(config: &RequesterConfig) -> Result<(), StartError> {
    check_prefix(&config.prefix)?;
    check_range("max_in_flight", config.max_in_flight as u64, 1..=10_000_000)?;
    check_range("max_in_flight_per_tenant", config.max_in_flight_per_tenant as u64, 1..=10_000_000)?;
    check_range("no_worker_after in milliseconds", whole_ms(config.no_worker_after), 100..=86_400_000)?;
    check_range("send_slots", config.send_slots as u64, 1..=1_000)?;
    check_range("pollers", config.pollers as u64, 1..=1_000)?;
    check_range("poll_wait in seconds", config.poll_wait.as_secs(), 1..=20)?;
    config.reply_queue_upkeep.check()
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
        let messages: Vec<_> = requests.iter().map(|request| request.to_message(&self.clock)).collect();
        let sent = self.queue.send_batch(messages.iter()).await;
        for (request, sent) in requests.iter().zip(&sent) {
            // An entry that has failed alone is sent again.
            if sent.as_ref().is_err_and(|error| !error.is_entry_failure()) {
                request.span.record("otel.status_code", "ERROR");
            }
        }
        sent
    }
}

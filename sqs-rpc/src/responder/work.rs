//! The life of one delivery: read, shed or work, reply, record, delete.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tower::{Service, ServiceExt as _};
use tracing::{Instrument as _, Span};

use super::{Answer, Journal, Operation, Shared, Slot, WorkTimes};
use crate::backoff::Backoff;
use crate::batch::SubmitError;
use crate::body::Body;
use crate::clock;
use crate::failure::Failure;
use crate::message::{MAX_MESSAGE_BYTES, Outgoing, Received};
use crate::reply::{OutgoingReply, ReplyTiming};
use crate::request::{Rejected, Request};
use crate::trace::{self, TraceContext};

/// gRPC's RESOURCE_EXHAUSTED.
const RESOURCE_EXHAUSTED: i32 = 8;

/// The pauses after a reply could not be sent.
const REPLY_BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// The pauses after a message could not be deleted, and how often that is tried.
const DELETE_BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
const DELETE_ATTEMPTS: u32 = 5;

/// The pauses after the journal failed.
const JOURNAL_BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// How long a message that cannot be answered stays invisible after its first receipt; it doubles with each further one, so
/// that poison costs little until it reaches the dead-letter queue.
const DEFERRAL: Duration = Duration::from_secs(1);
const MAX_DEFERRAL: Duration = Duration::from_secs(900);

/// Works one message. The message is deleted at the end, or left to be delivered again; nothing else happens to it.
pub(super) async fn work<S, J, T>(shared: Arc<Shared<S, J>>, mut message: Received, slot: Slot)
where
    S: Service<Request, Response = Answer<T>, Error = Failure> + Clone + Send + Sync + 'static,
    S::Future: Send,
    J: Journal<T>,
    T: Send + Sync + 'static,
{
    let receipt = std::mem::take(&mut message.receipt);
    let hold = shared.visibility.hold(receipt.clone(), message.arrived);
    let (receive_count, message_id) = (message.receive_count, std::mem::take(&mut message.message_id));
    message.set_clock(&shared.clock);

    let (request, rejection) = match Request::read(message, &shared.allowed_reply_queues) {
        Ok(request) => (request, None),
        Err(Rejected::Answerable(request, failure)) => (*request, Some(failure)),
        Err(Rejected::Unanswerable(reason)) => {
            drop(hold);
            return Box::pin(shared.defer(receipt, receive_count, &reason)).await;
        }
    };
    let span = trace::delivery(shared.queue.name(), &request, &message_id);
    let settled = async {
        if shared.shed && request.may_be_shed() {
            shared.counters.shed.add(1);
            Span::current().record("shed", true);
            tracing::info!("dropped unworked, nobody waits any more");
            shared.delete(receipt).await;
            return;
        }
        shared.note_last_delivery(&request).await;
        let operation = shared.operate(request, rejection).await;
        drop(slot.work);
        if shared.reply(&operation).await {
            shared.record(&operation).await;
            shared.delete(receipt).await;
        }
        drop((hold, slot.unsettled));
    };
    span.around(settled).await;
}

impl<S, J> Shared<S, J> {
    /// Has the service work the request, unless it was rejected already.
    async fn operate<T>(&self, request: Request, rejection: Option<Failure>) -> Operation<T>
    where
        S: Service<Request, Response = Answer<T>, Error = Failure> + Clone,
    {
        let started = clock::unix_ms();
        let outcome = match rejection {
            Some(failure) => Err(failure),
            None => self.call_service(request.clone()).await,
        };
        trace::record_code(outcome.as_ref().map_or_else(|failure| failure.code, |_answer| 0));
        match &outcome {
            Ok(_) => self.counters.succeeded.add(1),
            Err(_) => self.counters.failed.add(1),
        }
        let times = WorkTimes { started, finished: clock::unix_ms() };
        Operation { request, worker: self.worker_id.clone(), times, outcome }
    }

    async fn call_service<T>(&self, request: Request) -> Result<Answer<T>, Failure>
    where
        S: Service<Request, Response = Answer<T>, Error = Failure> + Clone,
    {
        let _busy = Busy::new(&self.slots.busy);
        let mut service = self.service.clone();
        let call = async { service.ready().await?.call(request).await };
        // The service's state is a clone of its own that goes with the panic.
        AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_panic| {
            self.counters.panics.add(1);
            tracing::error!("the service panicked");
            Err(Failure::internal())
        })
    }

    /// Sends the reply, if somebody waits for it. False: it could not be sent, so that the message has to come again.
    async fn reply<T>(&self, operation: &Operation<T>) -> bool {
        let request = &operation.request;
        let Some(reply_to) = request.reply_to.as_deref().filter(|_| request.is_awaited(&self.clock)) else {
            return true;
        };
        let outcome = match &operation.outcome {
            Ok(answer) => Ok(answer.body.clone()),
            Err(failure) => Err(failure.clone()),
        };
        let span = trace::reply(reply_to, request.id);
        let context = || request.traceparent.as_deref().and_then(TraceContext::parse);
        let trace = TraceContext::of(&span).or_else(context);
        let mut message = self.outgoing_reply(operation, trace, outcome).into_message();
        if message.size() > MAX_MESSAGE_BYTES {
            let text = format!("the reply has {} bytes, SQS takes at most {MAX_MESSAGE_BYTES}", message.size());
            message = self.outgoing_reply(operation, trace, Err(Failure::new(RESOURCE_EXHAUSTED, text))).into_message();
        }
        let sent = self.send_reply(reply_to, message, request).instrument(span.clone()).await;
        if !sent {
            span.record("otel.status_code", "ERROR");
        }
        sent
    }

    /// Sends a reply, over and over while somebody waits for it: giving up would have the request worked anew.
    async fn send_reply(&self, reply_to: &str, message: Outgoing<'static>, request: &Request) -> bool {
        let (mut backoff, message) = (REPLY_BACKOFF, Arc::new(message));
        loop {
            let error = match self.outbox.send(reply_to, message.clone()).await {
                Ok(()) => return true,
                Err(SubmitError::Queue(error)) if error.is_no_such_queue() => {
                    tracing::info!("the reply queue is gone, nobody waits");
                    return true;
                }
                Err(error) => error,
            };
            if error.is_final() || !request.is_awaited(&self.clock) {
                tracing::warn!(%error, "cannot reply, the message will come again");
                return false;
            }
            tracing::debug!(%error, "cannot reply, trying again");
            backoff.pause().await;
        }
    }

    fn outgoing_reply<T>(
        &self,
        operation: &Operation<T>,
        trace: Option<TraceContext>,
        outcome: Result<Body, Failure>,
    ) -> OutgoingReply {
        let (request, times) = (&operation.request, operation.times);
        OutgoingReply {
            id: request.id,
            digest: request.digest.clone(),
            worker: self.worker_id.to_string(),
            timing: ReplyTiming {
                sent: request.times.sent,
                first_received: request.times.first_received,
                started: Some(times.started),
                finished: Some(times.finished),
                slots: Some(self.slots.concurrency),
                busy: Some(self.slots.busy.load(Ordering::Relaxed)),
            },
            trace,
            outcome,
        }
    }

    /// Records the operation, however long that takes: the message stays held meanwhile.
    async fn record<T>(&self, operation: &Operation<T>)
    where
        J: Journal<T>,
    {
        let mut backoff = JOURNAL_BACKOFF;
        while let Err(error) = self.journal.record(operation).await {
            self.counters.journal_failures.add(1);
            tracing::warn!(error, "cannot record the operation, trying again");
            backoff.pause().await;
        }
    }

    /// Deletes a settled message. If that fails for good it comes again, and leads to the same reply and the same record.
    async fn delete(&self, receipt: String) {
        let mut backoff = DELETE_BACKOFF;
        for attempt in 1.. {
            match self.deletes.submit(receipt.clone()).await {
                Ok(()) => return,
                Err(error) if error.is_final() || attempt == DELETE_ATTEMPTS => {
                    tracing::warn!(%error, "cannot delete a settled message, it will come again");
                    return;
                }
                Err(error) => tracing::debug!(%error, "cannot delete a settled message, trying again"),
            }
            backoff.pause().await;
        }
    }

    /// Leaves a message that cannot be answered to the dead-letter queue.
    async fn defer(&self, receipt: String, receive_count: u32, reason: &str) {
        self.counters.deferred.add(1);
        let pause = DEFERRAL.saturating_mul(2_u32.saturating_pow(receive_count.saturating_sub(1))).min(MAX_DEFERRAL);
        tracing::warn!(reason, receive_count, "a message that cannot be answered");
        for result in self.queue.change_visibility_batch(&[receipt], pause).await {
            if let Err(error) = result {
                tracing::debug!(%error, "it comes back at its visibility timeout");
            }
        }
    }
}

/// Counts one slot as busy until it is dropped.
struct Busy<'a>(&'a AtomicU32);

impl<'a> Busy<'a> {
    fn new(busy: &'a AtomicU32) -> Self {
        busy.fetch_add(1, Ordering::Relaxed);
        Self(busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

//! An exchange with a worker: a request on the queue, its reply, the answer.

use std::sync::Arc;

use compute_operations::BucketError;
use compute_operations::payload::{Stored, Unsent};
use compute_proto::COMPUTE_METHOD;
use compute_proto::v1::{ComputeRequest, ComputeResponse, Statistics};
use compute_proto::wire::{self, WireError};
use sqs_rpc::{Body, Call, CallError, Reply, Requester};
use tokio::time::timeout_at;
use tonic::Status;

use crate::blocking::{LARGE, off_thread_if};
use crate::calls::{Admitted, CallMemory};
use crate::claim_check::{Checked, ClaimCheck, ReplyError};
use crate::digest::Digest;
use crate::latency::Latencies;
use crate::operations::{Answers, description};
use crate::status;
use crate::stream;
use crate::timing::timing;

/// What a call's metadata says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) tenant: Option<String>,
    pub(crate) traceparent: Option<String>,
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    body: Body,
    /// That of the payload.
    pub(crate) digest: Digest,
    /// The media type of the payload; absent: `application/json`.
    content_type: Option<&'static str>,
    pub(crate) finish_late: bool,
    /// The payload, if it lies in S3. It is deleted unless the message may have been sent.
    payload: Option<Unsent>,
    /// What the request takes of the gateway's memory until SQS has it.
    memory: CallMemory,
}

/// What is to be known of a request when its reply comes.
#[derive(Debug)]
struct Sent {
    admitted: Admitted,
    tenant: Option<Box<str>>,
    digest: Digest,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    LargeReply(#[from] ReplyError),
    #[error(transparent)]
    Reply(#[from] WireError),
}

impl Failed {
    pub(crate) fn into_status(self, operation: status::Operation) -> Status {
        match self {
            Self::Call(error) => status::from_call_error(error, operation),
            Self::LargeReply(ReplyError::Bucket(error)) => status::payload_unavailable(&error, operation),
            Self::LargeReply(error) => status::malformed_reply(&error, operation),
            Self::Reply(error) => status::malformed_reply(&error, operation),
        }
    }
}

/// Sends requests to workers. Clones share everything, and are small, since each call that waits has one.
#[derive(Debug, Clone)]
pub(crate) struct Exchange(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    requester: Requester,
    claim_check: ClaimCheck,
    answers: Arc<Answers>,
    latencies: Latencies,
}

impl Exchange {
    /// Sends through this requester, what is too large for a message through S3, and has the answers kept there.
    pub(crate) fn new(
        requester: Requester,
        claim_check: ClaimCheck,
        answers: Arc<Answers>,
        latencies: Latencies,
    ) -> Self {
        Self(Arc::new(Parts { requester, claim_check, answers, latencies }))
    }

    /// The number of calls that wait for replies.
    pub(crate) fn in_flight(&self) -> usize {
        self.0.requester.in_flight()
    }

    /// Makes a request what stands on the queue, and in S3 if it is too large for that.
    ///
    /// # Errors
    ///
    /// When S3 does not take it.
    pub(crate) async fn prepare(&self, request: ComputeRequest, memory: CallMemory) -> Result<Prepared, BucketError> {
        let finish_late = request.finish_late;
        let attributes = self.0.requester.attributes_size(COMPUTE_METHOD, None);
        let Checked { body, digest, payload } = self.0.claim_check.request(request, attributes).await?;
        let left = match &body {
            Body::Text(text) => text.len() as u64,
            Body::InS3 { .. } => 0,
        };
        memory.reduce_to(left);
        Ok(Prepared { body, digest, content_type: None, finish_late, payload, memory })
    }

    /// The same of a request that lies in S3 already, as the `stream` has put it there. `options` is the request without its
    /// values.
    pub(crate) fn prepare_stored(
        &self,
        options: &ComputeRequest,
        stored: &Stored,
        payload: Unsent,
        memory: CallMemory,
    ) -> Prepared {
        let Checked { body, digest, payload } = self.0.claim_check.stored(stored, payload);
        let content_type = Some(stream::MEDIA_TYPE);
        Prepared { body, digest, content_type, finish_late: options.finish_late, payload, memory }
    }

    /// Sends a request; the future waits for its reply, and keeps the answer. Very many may wait, so it holds little: the rest of
    /// the request is on its way when this returns, and what comes after the wait is in a box of its own.
    pub(crate) fn answer(
        &self,
        admitted: Admitted,
        caller: Caller,
        prepared: Prepared,
    ) -> impl Future<Output = Result<ComputeResponse, Failed>> + Send + use<> {
        let (exchange, tenant) = (self.clone(), caller.tenant.as_deref().map(Box::from));
        let sent = Sent { admitted, tenant, digest: prepared.digest };
        let (call, payload, memory) = call(admitted, caller, prepared);
        // In a box too: what awaits it would else have room for it twice.
        let waiting = self.0.requester.begin_holding(call, memory).map(Box::pin);
        if let (Ok(_), Some(payload)) = (&waiting, payload) {
            payload.sent();
        }
        async move {
            let reply = waiting?.await;
            Box::pin(exchange.receive(sent, reply)).await
        }
    }

    /// Sends a request that nobody waits for.
    pub(crate) async fn submit(&self, admitted: Admitted, caller: Caller, prepared: Prepared) -> Result<(), CallError> {
        let (call, payload, memory) = call(admitted, caller, prepared);
        let sent = self.0.requester.begin_submission(call, memory)?;
        if let Some(payload) = payload {
            payload.sent();
        }
        sent.await
    }

    /// Reads a reply and keeps the answer.
    async fn receive(&self, sent: Sent, reply: Result<Reply, CallError>) -> Result<ComputeResponse, Failed> {
        match reply {
            Ok(reply) => {
                let read = timeout_at(sent.admitted.deadline, self.read(&sent, reply)).await;
                read.map_err(|_elapsed| CallError::DeadlineExceeded)?
            }
            Err(CallError::Failed(failure)) => {
                let answer = description::failed(status::operation_error(failure.code), sent.digest);
                self.0.answers.keep(sent.admitted.id, sent.tenant.as_deref(), &answer);
                Err(CallError::Failed(failure).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn read(&self, sent: &Sent, reply: Reply) -> Result<ComputeResponse, Failed> {
        let Admitted { id, arrived, .. } = sent.admitted;
        let body = self.0.claim_check.reply(reply.body, reply.payload_in_s3).await?;
        let statistics = from_json(body).await?;
        let worker = reply.worker.unwrap_or_default();
        let answer = description::replied(&reply.reported, &worker, &statistics, sent.digest);
        self.0.answers.keep(id, sent.tenant.as_deref(), &answer);
        let timing = timing(arrived.elapsed(), &reply.timing);
        self.0.latencies.observe(&timing);
        Ok(ComputeResponse { operation_id: id.to_string(), statistics: Some(statistics), timing: Some(timing), worker })
    }
}

/// What to send, and what goes along until it is sent.
fn call(admitted: Admitted, caller: Caller, prepared: Prepared) -> (Call, Option<Unsent>, CallMemory) {
    let Prepared { body, digest, content_type, finish_late, payload, memory } = prepared;
    let call = Call {
        id: admitted.id,
        method: COMPUTE_METHOD.to_owned(),
        body,
        digest: Some(digest.to_hex()),
        content_type: content_type.map(str::to_owned),
        deadline: admitted.deadline,
        finish_late,
        tenant: caller.tenant,
        traceparent: caller.traceparent,
    };
    (call, payload, memory)
}

async fn from_json(body: String) -> Result<Statistics, WireError> {
    let is_large = body.len() >= LARGE;
    off_thread_if(is_large, move || wire::statistics_from_json(&body)).await
}

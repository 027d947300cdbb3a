//! An exchange with a worker: a request on the queue, its reply, the answer.

use std::panic::resume_unwind;
use std::sync::Arc;

use compute_proto::COMPUTE_METHOD;
use compute_proto::v1::{ComputeRequest, ComputeResponse, Statistics};
use compute_proto::wire::{self, WireError};
use sqs_rpc::{Body, Call, CallError, Reply, Requester};
use tokio::time::timeout_at;
use tonic::Status;

use crate::calls::Admitted;
use crate::digest::Digest;
use crate::operations::{Answers, description};
use crate::status;
use crate::timing::timing;

/// JSON from this size on, in bytes, is written and read off the threads that serve all calls. Below, that takes well under a
/// millisecond, and a hop to another thread is not worth it.
const LARGE: usize = 64 * 1024;

/// What a call's metadata says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    pub(crate) tenant: Option<String>,
    pub(crate) traceparent: Option<String>,
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) body: Body,
    /// That of the payload.
    pub(crate) digest: Digest,
    /// The media type of the payload; absent: `application/json`.
    pub(crate) content_type: Option<String>,
    pub(crate) finish_late: bool,
}

/// What is to be known of a request when its reply comes.
#[derive(Debug)]
pub(crate) struct Sent {
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
    Reply(#[from] WireError),
}

impl Failed {
    pub(crate) fn into_status(self, operation: status::Operation) -> Status {
        match self {
            Self::Call(error) => status::from_call_error(error, operation),
            Self::Reply(error) => status::malformed_reply(&error, operation),
        }
    }
}

/// Makes a request what stands on the queue.
pub(crate) async fn prepare(request: ComputeRequest) -> Prepared {
    let is_large = request.values.len() >= LARGE / size_of::<i64>();
    let finish_late = request.finish_late;
    let write = move || {
        let body = wire::request_to_json(&request);
        let digest = Digest::of(body.as_bytes());
        (body, digest)
    };
    let (body, digest) = off_thread_if(is_large, write).await;
    Prepared { body: body.into(), digest, content_type: None, finish_late }
}

/// Sends requests to workers. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    requester: Requester,
    answers: Arc<Answers>,
}

impl Exchange {
    /// Sends through this requester, and has the answers kept there.
    pub(crate) fn new(requester: Requester, answers: Arc<Answers>) -> Self {
        Self { requester, answers }
    }

    /// Sends a request, waits for its reply, and keeps the answer.
    pub(crate) async fn answer(
        &self,
        admitted: Admitted,
        caller: Caller,
        prepared: Prepared,
    ) -> Result<ComputeResponse, Failed> {
        let (sent, reply) = self.send(admitted, caller, prepared);
        let reply = reply.await;
        Box::pin(self.receive(sent, reply)).await
    }

    /// Has a request sent, and gives back the wait for its reply. Very many calls may wait, so that has little to keep.
    pub(crate) fn send(
        &self,
        admitted: Admitted,
        caller: Caller,
        prepared: Prepared,
    ) -> (Sent, impl Future<Output = Result<Reply, CallError>> + Send + use<>) {
        let tenant = caller.tenant.as_deref().map(Box::from);
        let sent = Sent { admitted, tenant, digest: prepared.digest };
        (sent, self.requester.call(call(admitted, caller, prepared)))
    }

    /// Reads a reply and keeps the answer.
    pub(crate) async fn receive(&self, sent: Sent, reply: Result<Reply, CallError>) -> Result<ComputeResponse, Failed> {
        match reply {
            Ok(reply) => {
                let read = timeout_at(sent.admitted.deadline, self.read(&sent, reply));
                read.await.map_err(|_elapsed| CallError::DeadlineExceeded)?
            }
            Err(CallError::Failed(failure)) => {
                let answer = description::failed(status::operation_error(failure.code), sent.digest);
                self.answers.keep(sent.admitted.id, sent.tenant.as_deref(), &answer);
                Err(CallError::Failed(failure).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a request that nobody waits for.
    pub(crate) async fn submit(&self, admitted: Admitted, caller: Caller, prepared: Prepared) -> Result<(), CallError> {
        self.requester.submit(call(admitted, caller, prepared)).await
    }

    async fn read(&self, sent: &Sent, reply: Reply) -> Result<ComputeResponse, Failed> {
        let Admitted { id, arrived, .. } = sent.admitted;
        let statistics = from_json(reply.body).await?;
        let worker = reply.worker.unwrap_or_default();
        let answer = description::replied(&reply.reported, &worker, &statistics, sent.digest);
        self.answers.keep(id, sent.tenant.as_deref(), &answer);
        Ok(ComputeResponse {
            operation_id: id.to_string(),
            statistics: Some(statistics),
            timing: Some(timing(arrived.elapsed(), &reply.timing)),
            worker,
        })
    }
}

fn call(admitted: Admitted, caller: Caller, prepared: Prepared) -> Call {
    Call {
        id: admitted.id,
        method: COMPUTE_METHOD.to_owned(),
        body: prepared.body,
        digest: Some(prepared.digest.to_hex()),
        content_type: prepared.content_type,
        deadline: admitted.deadline,
        finish_late: prepared.finish_late,
        tenant: caller.tenant,
        traceparent: caller.traceparent,
    }
}

async fn from_json(body: String) -> Result<Statistics, WireError> {
    let is_large = body.len() >= LARGE;
    off_thread_if(is_large, move || wire::statistics_from_json(&body)).await
}

async fn off_thread_if<T: Send + 'static>(is_large: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if !is_large {
        return work();
    }
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

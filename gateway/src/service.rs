//! The compute service: a call in, a request on the queue, its reply out.

use compute_operations::BucketError;
use compute_proto::COMPUTE_METHOD;
use compute_proto::v1::compute_service_server::ComputeService;
use compute_proto::v1::{
    ComputeRequest, ComputeResponse, ComputeStreamRequest, GetOperationRequest, ListOperationsRequest,
    ListOperationsResponse, Operation, Statistics, SubmitOperationRequest, WaitOperationRequest,
};
use compute_proto::validate::{FieldViolation, validate};
use compute_proto::wire::{self, WireError};
use http::HeaderName;
use sqs_rpc::{Call, CallError, Reply, Requester};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::blocking::{LARGE, off_thread_if};
use crate::calls::{Admitted, CallMemory};
use crate::claim_check::{ClaimCheck, Prepared, ReplyError};
use crate::config::Config;
use crate::status;
use crate::stream::{Received, Streams};
use crate::tenant::tenant;
use crate::timing::timing;
use crate::traceparent;

/// Answers calls with what workers reply.
pub(crate) struct Compute {
    requester: Requester,
    claim_check: ClaimCheck,
    streams: Streams,
    max_in_flight: usize,
    /// The metadata entry that names the tenant, if one is trusted to.
    tenant_metadata: Option<HeaderName>,
}

/// What a call's metadata says.
struct Caller {
    tenant: Option<String>,
    traceparent: Option<String>,
}

impl Compute {
    pub(crate) fn new(requester: Requester, claim_check: ClaimCheck, streams: Streams, config: &Config) -> Self {
        let Config { max_in_flight, tenant_metadata, .. } = config;
        let (max_in_flight, tenant_metadata) = (*max_in_flight, tenant_metadata.clone());
        Self { requester, claim_check, streams, max_in_flight, tenant_metadata }
    }

    fn caller(&self, metadata: &MetadataMap) -> Result<Caller, FieldViolation> {
        let tenant = tenant(metadata, self.tenant_metadata.as_ref())?;
        let traceparent = metadata.get(traceparent::KEY).and_then(|value| traceparent::parse(value.to_str().ok()?));
        Ok(Caller { tenant, traceparent })
    }

    async fn answer(
        &self,
        admitted: Admitted,
        request: ComputeRequest,
        memory: CallMemory,
        caller: Caller,
    ) -> Result<ComputeResponse, Failed> {
        // What comes before and after the wait is boxed, so that a call that waits has no room for it: very many may wait. A large
        // list makes it long, so it is held to the deadline as well, as the requester holds the wait.
        let late = |_elapsed| Failed::Call(CallError::DeadlineExceeded);
        let sending = self.send(admitted, request, memory, caller);
        let waiting = Box::pin(timeout_at(admitted.deadline, sending)).await.map_err(late)??;
        let reply = waiting.await?;
        Box::pin(timeout_at(admitted.deadline, self.receive(admitted, reply))).await.map_err(late)?
    }

    /// Like [`answer`](Self::answer), of a request that is ready to be sent.
    async fn answer_prepared(
        &self,
        admitted: Admitted,
        prepared: Prepared,
        finish_late: bool,
        caller: Caller,
    ) -> Result<ComputeResponse, Failed> {
        let late = |_elapsed| Failed::Call(CallError::DeadlineExceeded);
        let reply = self.send_prepared(admitted, prepared, finish_late, None, caller)?.await?;
        timeout_at(admitted.deadline, self.receive(admitted, reply)).await.map_err(late)?
    }

    /// Has the request sent, and gives back the wait for its reply.
    async fn send(
        &self,
        admitted: Admitted,
        request: ComputeRequest,
        memory: CallMemory,
        caller: Caller,
    ) -> Result<impl Future<Output = Result<Reply, CallError>> + Send + use<>, Failed> {
        let finish_late = request.finish_late;
        let attributes = self.requester.attributes_size(COMPUTE_METHOD, None, caller.traceparent.as_deref());
        let prepared = self.claim_check.request(request, attributes).await?;
        memory.reduce_to(prepared.size() as u64);
        Ok(self.send_prepared(admitted, prepared, finish_late, Some(memory), caller)?)
    }

    /// Has a request sent that is ready for it. Its payload is deleted if that is refused; `memory` is held until it is sent.
    fn send_prepared(
        &self,
        admitted: Admitted,
        prepared: Prepared,
        finish_late: bool,
        memory: Option<CallMemory>,
        caller: Caller,
    ) -> Result<impl Future<Output = Result<Reply, CallError>> + Send + use<>, CallError> {
        let Prepared { body, digest, content_type, payload } = prepared;
        let call = Call {
            id: admitted.id,
            method: COMPUTE_METHOD.to_owned(),
            body,
            digest: Some(digest),
            content_type: content_type.map(str::to_owned),
            deadline: admitted.deadline,
            finish_late,
            tenant: caller.tenant,
            traceparent: caller.traceparent,
        };
        let waiting = self.requester.begin_holding(call, memory)?;
        if let Some(payload) = payload {
            payload.sent();
        }
        Ok(waiting)
    }

    async fn receive(&self, admitted: Admitted, reply: Reply) -> Result<ComputeResponse, Failed> {
        let body = self.claim_check.reply(reply.body, reply.payload_in_s3).await?;
        Ok(ComputeResponse {
            operation_id: admitted.id.to_string(),
            statistics: Some(from_json(body).await?),
            timing: Some(timing(admitted.arrived.elapsed(), &reply.timing)),
            worker: reply.worker.unwrap_or_default(),
        })
    }
}

#[async_trait]
impl ComputeService for Compute {
    async fn compute(&self, mut request: Request<ComputeRequest>) -> Result<Response<ComputeResponse>, Status> {
        let admitted = *request.extensions().get::<Admitted>().expect("the service stands behind `Calls`");
        let operation = status::Operation { id: admitted.id, finish_late: Some(request.get_ref().finish_late) };
        validate(request.get_ref()).map_err(|violations| status::invalid_request(violations, operation))?;
        let caller =
            self.caller(request.metadata()).map_err(|violation| status::invalid_request(vec![violation], operation))?;
        let memory = request.extensions_mut().remove::<CallMemory>().expect("the service stands behind `Calls`");
        // Metadata and extensions go here: a call that waits would else keep them, a good part of its memory.
        let request = request.into_inner();
        let answer = self.answer(admitted, request, memory, caller).await;
        answer.map(Response::new).map_err(|error| error.into_status(operation))
    }

    async fn compute_stream(
        &self,
        request: Request<Streaming<ComputeStreamRequest>>,
    ) -> Result<Response<ComputeResponse>, Status> {
        let admitted = *request.extensions().get::<Admitted>().expect("the service stands behind `Calls`");
        let mut operation = status::Operation { id: admitted.id, finish_late: None };
        let caller =
            self.caller(request.metadata()).map_err(|violation| status::invalid_request(vec![violation], operation))?;
        // What could not be sent when it has come need not come.
        if self.requester.in_flight() >= self.max_in_flight {
            let error = CallError::TooManyInFlight { limit: self.max_in_flight };
            return Err(status::from_call_error(error, operation));
        }
        let opened = self.streams.open(request.into_inner(), admitted.deadline).await;
        let opened = opened.map_err(|error| status::from_stream_error(error, operation))?;
        operation.finish_late = Some(opened.options().finish_late);
        let received = self.streams.receive(opened, admitted.deadline).await;
        let received = received.map_err(|error| status::from_stream_error(error, operation))?;
        let answer = match received {
            Received::Message { request, memory } => {
                self.answer(admitted, request, CallMemory::new(memory), caller).await
            }
            Received::Payload { options, prepared } => {
                self.answer_prepared(admitted, prepared, options.finish_late, caller).await
            }
        };
        answer.map(Response::new).map_err(|error| error.into_status(operation))
    }

    async fn submit_operation(&self, _request: Request<SubmitOperationRequest>) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented("being built"))
    }

    async fn get_operation(&self, _request: Request<GetOperationRequest>) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented("being built"))
    }

    async fn wait_operation(&self, _request: Request<WaitOperationRequest>) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented("being built"))
    }

    async fn list_operations(
        &self,
        _request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        Err(Status::unimplemented("being built"))
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Call(#[from] CallError),
    /// The request's payload could not be put into S3.
    #[error(transparent)]
    Payload(#[from] BucketError),
    #[error(transparent)]
    LargeReply(#[from] ReplyError),
    #[error(transparent)]
    Reply(#[from] WireError),
}

impl Failed {
    fn into_status(self, operation: status::Operation) -> Status {
        match self {
            Self::Call(error) => status::from_call_error(error, operation),
            Self::Payload(error) | Self::LargeReply(ReplyError::Bucket(error)) => {
                status::payload_unavailable(&error, operation)
            }
            Self::LargeReply(error) => status::malformed_reply(&error, operation),
            Self::Reply(error) => status::malformed_reply(&error, operation),
        }
    }
}

async fn from_json(body: String) -> Result<Statistics, WireError> {
    let is_large = body.len() >= LARGE;
    off_thread_if(is_large, move || wire::statistics_from_json(&body)).await
}

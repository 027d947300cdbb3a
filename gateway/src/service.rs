//! The compute service: a call in, a request on the queue, its reply out.

use std::panic::resume_unwind;

use compute_operations::payload::{Stored, Unsent};
use compute_proto::COMPUTE_METHOD;
use compute_proto::v1::compute_service_server::ComputeService;
use compute_proto::v1::{
    ComputeRequest, ComputeResponse, ComputeStreamRequest, GetOperationRequest, ListOperationsRequest,
    ListOperationsResponse, Operation, Statistics, SubmitOperationRequest, WaitOperationRequest,
};
use compute_proto::validate::{FieldViolation, validate};
use compute_proto::wire::{self, WireError};
use http::HeaderName;
use sqs_rpc::{Body, Call, CallError, Pointer, Reply, Requester};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::calls::{Admitted, CallMemory};
use crate::config::Config;
use crate::status;
use crate::stream::{self, Received, Streams};
use crate::tenant::tenant;
use crate::timing::timing;
use crate::traceparent;

/// JSON from this size on, in bytes, is written and read off the threads that serve all calls. Below, that takes well under a
/// millisecond, and a hop to another thread is not worth it.
const LARGE: usize = 64 * 1024;

/// Answers calls with what workers reply.
pub(crate) struct Compute {
    requester: Requester,
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
    pub(crate) fn new(requester: Requester, streams: Streams, config: &Config) -> Self {
        let Config { max_in_flight, tenant_metadata, .. } = config;
        Self { requester, streams, max_in_flight: *max_in_flight, tenant_metadata: tenant_metadata.clone() }
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
        memory: Option<CallMemory>,
        caller: Caller,
    ) -> Result<ComputeResponse, Failed> {
        // What comes before and after the wait is boxed, so that a call that waits has no room for it: very many may wait. A large
        // list makes it long, so it is held to the deadline as well, as the requester holds the wait.
        let late = |_elapsed| Failed::Call(CallError::DeadlineExceeded);
        let waiting =
            Box::pin(timeout_at(admitted.deadline, self.send(admitted, request, caller))).await.map_err(late)?;
        drop(memory);
        let reply = waiting.await?;
        Box::pin(timeout_at(admitted.deadline, receive(admitted, reply))).await.map_err(late)?
    }

    /// Like [`answer`](Self::answer), of a request that lies in S3. It is deleted there if no message can point to it.
    async fn answer_payload(
        &self,
        admitted: Admitted,
        options: &ComputeRequest,
        stored: Stored,
        payload: Unsent,
        caller: Caller,
    ) -> Result<ComputeResponse, Failed> {
        let waiting = self.requester.begin(Call {
            id: admitted.id,
            method: COMPUTE_METHOD.to_owned(),
            body: Body::InS3 { pointer: Pointer::new(self.streams.bucket(), stored.id), size: stored.size },
            digest: Some(stored.digest),
            content_type: Some(stream::MEDIA_TYPE.to_owned()),
            deadline: admitted.deadline,
            finish_late: options.finish_late,
            tenant: caller.tenant,
            traceparent: caller.traceparent,
        })?;
        payload.sent();
        let reply = waiting.await?;
        let late = |_elapsed| Failed::Call(CallError::DeadlineExceeded);
        timeout_at(admitted.deadline, receive(admitted, reply)).await.map_err(late)?
    }

    /// Has the request sent, and gives back the wait for its reply.
    async fn send(
        &self,
        admitted: Admitted,
        request: ComputeRequest,
        caller: Caller,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send + use<> {
        let finish_late = request.finish_late;
        let body = to_json(request).await;
        self.requester.call(Call {
            id: admitted.id,
            method: COMPUTE_METHOD.to_owned(),
            body: body.into(),
            digest: None,
            content_type: None,
            deadline: admitted.deadline,
            finish_late,
            tenant: caller.tenant,
            traceparent: caller.traceparent,
        })
    }
}

async fn receive(admitted: Admitted, reply: Reply) -> Result<ComputeResponse, Failed> {
    let statistics = from_json(reply.body).await?;
    Ok(ComputeResponse {
        operation_id: admitted.id.to_string(),
        statistics: Some(statistics),
        timing: Some(timing(admitted.arrived.elapsed(), &reply.timing)),
        worker: reply.worker.unwrap_or_default(),
    })
}

#[async_trait]
impl ComputeService for Compute {
    async fn compute(&self, mut request: Request<ComputeRequest>) -> Result<Response<ComputeResponse>, Status> {
        let admitted = *request.extensions().get::<Admitted>().expect("the service stands behind `Calls`");
        let operation = status::Operation { id: admitted.id, finish_late: Some(request.get_ref().finish_late) };
        validate(request.get_ref()).map_err(|violations| status::invalid_request(violations, operation))?;
        let caller =
            self.caller(request.metadata()).map_err(|violation| status::invalid_request(vec![violation], operation))?;
        let memory = request.extensions_mut().remove::<CallMemory>();
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
            Received::Message(request) => self.answer(admitted, request, None, caller).await,
            Received::Payload { options, stored, payload } => {
                self.answer_payload(admitted, &options, stored, payload, caller).await
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
    #[error(transparent)]
    Reply(#[from] WireError),
}

impl Failed {
    fn into_status(self, operation: status::Operation) -> Status {
        match self {
            Self::Call(error) => status::from_call_error(error, operation),
            Self::Reply(error) => status::malformed_reply(&error, operation),
        }
    }
}

async fn to_json(request: ComputeRequest) -> String {
    let is_large = request.values.len() >= LARGE / size_of::<i64>();
    off_thread_if(is_large, move || wire::request_to_json(&request)).await
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

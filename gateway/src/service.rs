//! The compute service: what each call takes from its message and metadata, and who answers it.

use std::pin::Pin;
use std::time::Duration;

use compute_proto::v1::{
    ComputeRequest, ComputeResponse, GetOperationRequest, ListOperationsRequest, ListOperationsResponse, Operation,
    SubmitOperationRequest, WaitOperationRequest,
};
use compute_proto::validate::{FieldViolation, validate};
use futures_util::TryFutureExt as _;
use http::HeaderName;
use sqs_rpc::{CallError, CallSpan, TraceContext};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming, async_trait};
use uuid::Uuid;

use crate::api::compute_service_server::ComputeService;
use crate::calls::{Admitted, CallMemory, name_operation};
use crate::config::Config;
use crate::edge::authentication::Tenant;
use crate::exchange::{Caller, Exchange, Prepared};
use crate::operations::{Chosen, Operations, name};
use crate::status;
use crate::stream::{PackedRequest, Received, Streams};
use crate::tenant::tenant;
use crate::trace;

/// The field of a request in which its caller may choose the operation id.
const OPERATION_ID: &str = "operation_id";

/// Answers calls with what workers reply, and with what is known of operations.
pub(crate) struct Compute {
    exchange: Exchange,
    streams: Streams,
    operations: Operations,
    max_in_flight: usize,
    /// The metadata entry that names the tenant, if one is trusted to.
    tenant_metadata: Option<HeaderName>,
}

/// A call whose metadata has been read.
struct Opened<T> {
    admitted: Admitted,
    caller: Caller,
    memory: CallMemory,
    /// To be told of another id than that the call was let in with.
    span: CallSpan,
    message: T,
}

/// A call that can be sent.
struct Ready {
    admitted: Admitted,
    caller: Caller,
    prepared: Prepared,
    /// Whether its caller chose the id.
    is_chosen: bool,
}

impl Compute {
    pub(crate) fn new(exchange: Exchange, streams: Streams, operations: Operations, config: &Config) -> Self {
        let Config { max_in_flight, tenant_metadata, .. } = config;
        Self { exchange, streams, operations, max_in_flight: *max_in_flight, tenant_metadata: tenant_metadata.clone() }
    }

    /// Who calls: the tenant that a trusted metadata entry names, or else the token or the client certificate.
    fn caller(&self, metadata: &MetadataMap, Tenant(known): Tenant) -> Result<Caller, FieldViolation> {
        let tenant = match &self.tenant_metadata {
            Some(key) => tenant(metadata, Some(key))?,
            None => known.map(|tenant| tenant.to_string()),
        };
        let traceparent = metadata.get(trace::KEY).and_then(|value| TraceContext::parse(value.to_str().ok()?));
        let traceparent = traceparent.map(|context| context.to_string());
        Ok(Caller { tenant, traceparent })
    }

    /// Takes a call apart. Its metadata and extensions go: a call that waits would else keep them, a good part of its memory.
    fn open<T>(&self, mut request: Request<T>) -> Result<Opened<T>, Status> {
        let admitted = *request.extensions().get::<Admitted>().expect("the service stands behind `Calls`");
        let tenant = request.extensions_mut().remove::<Tenant>().expect("the service stands behind `Calls`");
        let caller = self.caller(request.metadata(), tenant);
        let caller = caller.map_err(|violation| invalid(admitted, vec![violation]))?;
        let memory = request.extensions_mut().remove::<CallMemory>().expect("the service stands behind `Calls`");
        let span = request.extensions_mut().remove::<CallSpan>().expect("the service stands behind `Calls`");
        Ok(Opened { admitted, caller, memory, span, message: request.into_inner() })
    }

    /// Makes a request ready to be sent. A large list makes that long, so it is held to the deadline.
    async fn prepare(
        &self,
        admitted: Admitted,
        request: ComputeRequest,
        memory: CallMemory,
    ) -> Result<Prepared, Status> {
        let operation = status::Operation { id: admitted.id, finish_late: Some(request.finish_late) };
        let prepared = timeout_at(admitted.deadline, self.exchange.prepare(request, memory)).await;
        let prepared = prepared.map_err(|_elapsed| status::deadline_exceeded(operation))?;
        prepared.map_err(|error| status::payload_unavailable(&error, operation))
    }

    /// All that comes before a call is sent.
    async fn ready(&self, request: Request<ComputeRequest>) -> Result<Ready, Status> {
        let Opened { admitted, caller, memory, span, message } = self.open(request)?;
        let chosen = checked(&message, "").map_err(|violations| invalid(admitted, violations))?;
        let admitted = under(chosen, admitted, span);
        let prepared = self.prepare(admitted, message, memory).await?;
        Ok(Ready { admitted, caller, prepared, is_chosen: chosen.is_some() })
    }

    /// Answers a call whose id the gateway has made.
    fn answer(
        &self,
        admitted: Admitted,
        caller: Caller,
        prepared: Prepared,
    ) -> impl Future<Output = Result<ComputeResponse, Status>> + Send + use<> {
        let operation = status::Operation { id: admitted.id, finish_late: Some(prepared.finish_late) };
        self.exchange.answer(admitted, caller, prepared).map_err(move |failed| failed.into_status(operation))
    }

    /// Answers a call whose id its caller chose.
    async fn answer_chosen(
        &self,
        admitted: Admitted,
        caller: Caller,
        prepared: Prepared,
    ) -> Result<Response<ComputeResponse>, Status> {
        let chosen = Chosen {
            admitted,
            tenant: caller.tenant.clone(),
            digest: prepared.digest,
            finish_late: prepared.finish_late,
            field: OPERATION_ID,
        };
        let exchange = self.exchange.clone();
        let send = async move { exchange.answer(admitted, caller, prepared).await };
        let answer = self.operations.answer_chosen(chosen, send).await?;
        Ok(about(admitted.id, answer))
    }
}

#[async_trait]
impl ComputeService for Compute {
    // Written out, since what the attribute makes of an `async fn` has room for the request, twice, as long as the call waits: very
    // many may.
    fn compute<'call, 'future>(
        &'call self,
        request: Request<ComputeRequest>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<ComputeResponse>, Status>> + Send + 'future>>
    where
        'call: 'future,
        Self: 'future,
    {
        let ready = Box::pin(self.ready(request));
        Box::pin(async move {
            let Ready { admitted, caller, prepared, is_chosen } = ready.await?;
            if is_chosen {
                return Box::pin(self.answer_chosen(admitted, caller, prepared)).await;
            }
            self.answer(admitted, caller, prepared).await.map(Response::new)
        })
    }

    async fn compute_stream(
        &self,
        request: Request<Streaming<PackedRequest>>,
    ) -> Result<Response<ComputeResponse>, Status> {
        let Opened { admitted, caller, memory, span, message } = self.open(request)?;
        let operation = status::Operation { id: admitted.id, finish_late: None };
        // What could not be sent when it has come need not come.
        if self.exchange.in_flight() >= self.max_in_flight {
            let error = CallError::TooManyInFlight { limit: self.max_in_flight };
            return Err(status::from_call_error(error, operation));
        }
        let opened = self.streams.open(message, admitted.deadline).await;
        let opened = opened.map_err(|error| status::from_stream_error(error, operation))?;
        let chosen = chosen(opened.options(), OPERATION_ID).map_err(|violation| invalid(admitted, vec![violation]))?;
        let admitted = under(chosen, admitted, span);
        let operation = status::Operation { id: admitted.id, finish_late: Some(opened.options().finish_late) };
        let received = Box::pin(self.streams.receive(opened, admitted.deadline)).await;
        let prepared = match received.map_err(|error| status::from_stream_error(error, operation))? {
            Received::Message { request, memory } => {
                Box::pin(self.prepare(admitted, request, CallMemory::new(memory))).await?
            }
            Received::Payload { options, stored, payload } => {
                self.exchange.prepare_stored(&options, &stored, payload, memory)
            }
        };
        match chosen {
            None => self.answer(admitted, caller, prepared).await.map(Response::new),
            Some(_) => Box::pin(self.answer_chosen(admitted, caller, prepared)).await,
        }
    }

    async fn submit_operation(&self, request: Request<SubmitOperationRequest>) -> Result<Response<Operation>, Status> {
        let Opened { admitted, caller, memory, span, message: SubmitOperationRequest { request } } =
            self.open(request)?;
        let missing = || vec![violation("request", "it is missing")];
        let request = request.ok_or_else(|| invalid(admitted, missing()))?;
        let chosen = checked(&request, "request.").map_err(|violations| invalid(admitted, violations))?;
        let (admitted, chosen_in) = (under(chosen, admitted, span), chosen.map(|_| "request.operation_id"));
        let submitted = self.operations.submit(&self.exchange, admitted, caller, request, memory, chosen_in).await?;
        Ok(about(admitted.id, submitted))
    }

    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Result<Response<Operation>, Status> {
        let Opened { admitted, caller, span, message: GetOperationRequest { name }, .. } = self.open(request)?;
        let id = name::id_in(&name).map_err(|violation| invalid(admitted, vec![violation]))?;
        span.name_operation(id);
        let operation = self.operations.get(caller.tenant.as_deref(), id, admitted.deadline).await?;
        Ok(about(id, operation))
    }

    async fn wait_operation(&self, request: Request<WaitOperationRequest>) -> Result<Response<Operation>, Status> {
        let Opened { admitted, caller, span, message: WaitOperationRequest { name, timeout }, .. } =
            self.open(request)?;
        let (id, timeout) = match (name::id_in(&name), duration(timeout)) {
            (Ok(id), Ok(timeout)) => (id, timeout),
            (id, timeout) => return Err(invalid(admitted, id.err().into_iter().chain(timeout.err()).collect())),
        };
        span.name_operation(id);
        let until = timeout.and_then(|timeout| admitted.arrived.checked_add(timeout)).unwrap_or(admitted.deadline);
        let operation = self.operations.wait(caller.tenant.as_deref(), id, until, admitted.deadline).await?;
        Ok(about(id, operation))
    }

    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        let Opened { admitted, caller, message: request, .. } = self.open(request)?;
        self.operations.list(admitted, caller.tenant.as_deref(), &request).await.map(Response::new)
    }
}

/// Checks a request, whose fields are in `prefix`, and gives the operation id that its caller chose, if it did.
fn checked(request: &ComputeRequest, prefix: &str) -> Result<Option<Uuid>, Vec<FieldViolation>> {
    let mut violations = validate(request).err().unwrap_or_default();
    for violation in &mut violations {
        violation.field.insert_str(0, prefix);
    }
    match chosen(request, &format!("{prefix}{OPERATION_ID}")) {
        Ok(id) if violations.is_empty() => Ok(id),
        id => {
            violations.extend(id.err());
            Err(violations)
        }
    }
}

/// A call under the id that its caller chose, if it did. Its log lines then have that from here on.
fn under(chosen: Option<Uuid>, admitted: Admitted, span: CallSpan) -> Admitted {
    let Some(id) = chosen else { return admitted };
    span.name_operation(id);
    Admitted { id, ..admitted }
}

/// The operation id that a caller chose, if it did; `field` has it.
fn chosen(request: &ComputeRequest, field: &str) -> Result<Option<Uuid>, FieldViolation> {
    (!request.operation_id.is_empty()).then(|| name::chosen(&request.operation_id, field)).transpose()
}

fn violation(field: &str, description: &str) -> FieldViolation {
    FieldViolation { field: field.to_owned(), description: description.to_owned() }
}

fn invalid(admitted: Admitted, violations: Vec<FieldViolation>) -> Status {
    status::invalid_request(violations, status::Operation { id: admitted.id, finish_late: None })
}

/// An answer about an operation that the call itself did not make.
fn about<T>(id: Uuid, answer: T) -> Response<T> {
    let mut response = Response::new(answer);
    name_operation(response.metadata_mut(), id);
    response
}

/// How long a caller wants to wait, if it says so. prost's own conversion panics on some durations.
fn duration(timeout: Option<prost_types::Duration>) -> Result<Option<Duration>, FieldViolation> {
    let duration = |prost_types::Duration { seconds, nanos }| {
        let (seconds, nanos) = (u64::try_from(seconds).ok()?, u32::try_from(nanos).ok()?);
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
    };
    let allowed =
        |timeout| duration(timeout).ok_or_else(|| violation("timeout", "a duration of 0 s or more is wanted"));
    timeout.map(allowed).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_as_long_as_its_caller_says_and_never_negative() {
        let seconds = |seconds, nanos| duration(Some(prost_types::Duration { seconds, nanos }));
        assert_eq!(duration(None), Ok(None));
        assert_eq!(seconds(0, 0), Ok(Some(Duration::ZERO)));
        assert_eq!(seconds(1, 500_000_000), Ok(Some(Duration::from_millis(1_500))));
        assert!(seconds(i64::MAX, 0).is_ok());
        for (s, n) in [(-1, 0), (0, -1), (1, -1), (0, 1_000_000_000), (i64::MIN, 0), (i64::MIN, i32::MIN)] {
            assert_eq!(seconds(s, n).expect_err("refused").field, "timeout", "{s} s {n} ns");
        }
    }

    #[test]
    fn every_violation_is_named_by_its_path() {
        let request = ComputeRequest { operation_id: "7".to_owned(), quantiles: vec![2.0], ..Default::default() };
        let fields = |prefix| {
            let violations = checked(&request, prefix).expect_err("refused");
            violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(""), ["values", "quantiles[0]", "operation_id"]);
        assert_eq!(fields("request."), ["request.values", "request.quantiles[0]", "request.operation_id"]);
    }
}

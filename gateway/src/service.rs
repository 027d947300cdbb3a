//! The compute service: what each call takes from its message and metadata, and who answers it.

use std::time::Duration;

use compute_proto::v1::compute_service_server::ComputeService;
use compute_proto::v1::{
    ComputeRequest, ComputeResponse, ComputeStreamRequest, GetOperationRequest, ListOperationsRequest,
    ListOperationsResponse, Operation, SubmitOperationRequest, WaitOperationRequest,
};
use compute_proto::validate::{FieldViolation, validate};
use http::HeaderName;
use sqs_rpc::CallError;
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming, async_trait};
use uuid::Uuid;

use crate::calls::{Admitted, name_operation};
use crate::exchange::{Caller, Exchange, Failed, prepare};
use crate::operations::{Chosen, Operations, name};
use crate::status;
use crate::tenant::tenant;
use crate::traceparent;

/// Answers calls with what workers reply, and with what is known of operations.
pub(crate) struct Compute {
    exchange: Exchange,
    operations: Operations,
    /// The metadata entry that names the tenant, if one is trusted to.
    tenant_metadata: Option<HeaderName>,
}

impl Compute {
    pub(crate) fn new(exchange: Exchange, operations: Operations, tenant_metadata: Option<HeaderName>) -> Self {
        Self { exchange, operations, tenant_metadata }
    }

    fn caller(&self, metadata: &MetadataMap) -> Result<Caller, FieldViolation> {
        let tenant = tenant(metadata, self.tenant_metadata.as_ref())?;
        let traceparent = metadata.get(traceparent::KEY).and_then(|value| traceparent::parse(value.to_str().ok()?));
        Ok(Caller { tenant, traceparent })
    }

    /// Takes a call apart. Its metadata and extensions go: a call that waits would else keep them, a good part of its memory.
    fn open<T>(&self, request: Request<T>) -> Result<(Admitted, Caller, T), Status> {
        let admitted = *request.extensions().get::<Admitted>().expect("the service stands behind `Calls`");
        let operation = status::Operation { id: admitted.id, finish_late: None };
        let caller =
            self.caller(request.metadata()).map_err(|violation| status::invalid_request(vec![violation], operation))?;
        Ok((admitted, caller, request.into_inner()))
    }

    async fn answer(
        &self,
        admitted: Admitted,
        caller: Caller,
        request: ComputeRequest,
    ) -> Result<ComputeResponse, Failed> {
        // What comes before and after the wait is boxed, so that a call that waits has no room for it: very many may wait. A large
        // list makes it long, so it is held to the deadline as well, as the requester holds the wait.
        let send = async { self.exchange.send(admitted, caller, prepare(request).await) };
        let sent = Box::pin(timeout_at(admitted.deadline, send)).await;
        let (sent, reply) = sent.map_err(|_elapsed| CallError::DeadlineExceeded)?;
        let reply = reply.await;
        Box::pin(self.exchange.receive(sent, reply)).await
    }

    /// Answers a call whose id its caller chose.
    async fn answer_chosen(
        &self,
        admitted: Admitted,
        caller: Caller,
        request: ComputeRequest,
    ) -> Result<ComputeResponse, Status> {
        let operation = status::Operation { id: admitted.id, finish_late: Some(request.finish_late) };
        let prepared = timeout_at(admitted.deadline, prepare(request)).await;
        let prepared = prepared.map_err(|_elapsed| status::deadline_exceeded(operation))?;
        let chosen = Chosen {
            admitted,
            tenant: caller.tenant.clone(),
            digest: prepared.digest,
            finish_late: prepared.finish_late,
            field: "operation_id",
        };
        let exchange = self.exchange.clone();
        let send = async move { exchange.answer(admitted, caller, prepared).await };
        self.operations.answer_chosen(chosen, send).await
    }
}

#[async_trait]
impl ComputeService for Compute {
    async fn compute(&self, request: Request<ComputeRequest>) -> Result<Response<ComputeResponse>, Status> {
        let (admitted, caller, request) = self.open(request)?;
        match checked(&request, "").map_err(|violations| invalid(admitted, violations))? {
            None => {
                let operation = status::Operation { id: admitted.id, finish_late: Some(request.finish_late) };
                let answer = self.answer(admitted, caller, request).await;
                answer.map(Response::new).map_err(|failed| failed.into_status(operation))
            }
            Some(id) => {
                let response = Box::pin(self.answer_chosen(Admitted { id, ..admitted }, caller, request)).await?;
                Ok(about(id, response))
            }
        }
    }

    async fn compute_stream(
        &self,
        _request: Request<Streaming<ComputeStreamRequest>>,
    ) -> Result<Response<ComputeResponse>, Status> {
        Err(Status::unimplemented("being built"))
    }

    async fn submit_operation(&self, request: Request<SubmitOperationRequest>) -> Result<Response<Operation>, Status> {
        let (admitted, caller, SubmitOperationRequest { request }) = self.open(request)?;
        let missing = || vec![violation("request", "it is missing")];
        let request = request.ok_or_else(|| invalid(admitted, missing()))?;
        let chosen = checked(&request, "request.").map_err(|violations| invalid(admitted, violations))?;
        let (id, chosen_in) = (chosen.unwrap_or(admitted.id), chosen.map(|_| "request.operation_id"));
        let admitted = Admitted { id, ..admitted };
        let submitted = self.operations.submit(&self.exchange, admitted, caller, request, chosen_in).await?;
        Ok(about(id, submitted))
    }

    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Result<Response<Operation>, Status> {
        let (admitted, caller, GetOperationRequest { name }) = self.open(request)?;
        let id = name::id_in(&name).map_err(|violation| invalid(admitted, vec![violation]))?;
        let operation = self.operations.get(caller.tenant.as_deref(), id, admitted.deadline).await?;
        Ok(about(id, operation))
    }

    async fn wait_operation(&self, request: Request<WaitOperationRequest>) -> Result<Response<Operation>, Status> {
        let (admitted, caller, WaitOperationRequest { name, timeout }) = self.open(request)?;
        let (id, timeout) = match (name::id_in(&name), duration(timeout)) {
            (Ok(id), Ok(timeout)) => (id, timeout),
            (id, timeout) => return Err(invalid(admitted, id.err().into_iter().chain(timeout.err()).collect())),
        };
        let until = timeout.and_then(|timeout| admitted.arrived.checked_add(timeout)).unwrap_or(admitted.deadline);
        let operation = self.operations.wait(caller.tenant.as_deref(), id, until, admitted.deadline).await?;
        Ok(about(id, operation))
    }

    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        let (admitted, caller, request) = self.open(request)?;
        self.operations.list(admitted, caller.tenant.as_deref(), &request).await.map(Response::new)
    }
}

/// Checks a request, whose fields are in `prefix`, and gives the operation id that its caller chose, if it did.
fn checked(request: &ComputeRequest, prefix: &str) -> Result<Option<Uuid>, Vec<FieldViolation>> {
    let mut violations = validate(request).err().unwrap_or_default();
    for violation in &mut violations {
        violation.field.insert_str(0, prefix);
    }
    let field = format!("{prefix}operation_id");
    let id = (!request.operation_id.is_empty()).then(|| name::chosen(&request.operation_id, &field));
    match id.transpose() {
        Ok(id) if violations.is_empty() => Ok(id),
        id => {
            violations.extend(id.err());
            Err(violations)
        }
    }
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

//! Requests in, statistics out: the service that the queue's requests are handed to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use compute_operations::key;
use compute_proto::validate::{self, FieldViolation};
use compute_proto::{COMPUTE_METHOD, v1, wire};
use sqs_rpc::{Answer, Failure, Pointer, Request, code};
use tower::Service;

use crate::statistics;

/// Bodies above this many bytes are worked on a thread for blocking work: a tenth of a millisecond of an async thread at most.
const INLINE_BYTES: usize = 64 * 1024;

/// The media type of request bodies.
const JSON: &str = "application/json";

/// Computes the statistics that requests of the method [`COMPUTE_METHOD`] ask for.
#[derive(Debug, Clone)]
pub struct ComputeService {
    payload_bucket: Arc<str>,
}

/// What was computed, for the log.
#[derive(Debug, Clone)]
pub struct Computed {
    /// The request's values.
    pub values: Vec<i64>,
    /// The statistics over them.
    pub statistics: v1::Statistics,
}

impl ComputeService {
    /// A service for requests whose payloads, when too large for the queue, lie in this bucket.
    pub fn new(payload_bucket: &str) -> Self {
        Self { payload_bucket: payload_bucket.into() }
    }
}

impl Service<Request> for ComputeService {
    type Response = Answer<Computed>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<Computed>, Failure>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let bucket = Arc::clone(&self.payload_bucket);
        Box::pin(async move {
            if request.body.len() <= INLINE_BYTES {
                return compute(&request, &bucket);
            }
            match tokio::task::spawn_blocking(move || compute(&request, &bucket)).await {
                Ok(outcome) => outcome,
                // Goes on as the panic of this service, which the responder answers and counts.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        })
    }
}

fn compute(request: &Request, payload_bucket: &str) -> Result<Answer<Computed>, Failure> {
    if request.method != COMPUTE_METHOD {
        let method: String = request.method.chars().take(128).collect();
        return Err(Failure::new(code::UNIMPLEMENTED, format!("unknown method {method:?}")));
    }
    if request.payload_in_s3.is_some() {
        Pointer::read(&request.body, payload_bucket).map_err(|error| invalid(error.to_string()))?;
        return Err(Failure::new(code::UNIMPLEMENTED, "this worker does not read payloads in S3 yet"));
    }
    if request.content_type.as_deref().is_some_and(|given| given != JSON) {
        return Err(invalid(format!("this worker reads bodies of the content type {JSON} only")));
    }
    // What has no place in the log is not worked: it would leave no trace.
    key::record(request.tenant.as_deref(), request.id).map_err(|error| invalid(error.to_string()))?;
    let compute_request = wire::request_from_json(&request.body).map_err(|error| unreadable(&error))?;
    let statistics = statistics::compute(&compute_request).map_err(|violations| violating(&violations))?;
    let body = wire::statistics_to_json(&statistics);
    Ok(Answer { body: body.into(), context: Computed { values: compute_request.values, statistics } })
}

fn unreadable(error: &wire::WireError) -> Failure {
    match error.field() {
        Some(field) => violating(&[FieldViolation { field: field.to_owned(), description: error.to_string() }]),
        None => invalid(format!("the body is not a request: {error}")),
    }
}

fn violating(violations: &[FieldViolation]) -> Failure {
    Failure { details: vec![validate::bad_request_detail(violations)], ..invalid("the request is not valid") }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(code::INVALID_ARGUMENT, message)
}

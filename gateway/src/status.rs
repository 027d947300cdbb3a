//! What a caller is told when a call does not succeed: the one place where failures become gRPC codes.
//!
//! Every error carries `google.rpc` details. `ErrorInfo` has the domain `compute.v1`, one of the reasons below, and the id of
//! the operation in its metadata.
//!
//! | reason | code | when | further details |
//! | --- | --- | --- | --- |
//! | `TOKEN_MISSING` | UNAUTHENTICATED | the call has no bearer token, or more than one | |
//! | `TOKEN_UNKNOWN` | UNAUTHENTICATED | nobody has this token | |
//! | `TOKEN_IN_PLAINTEXT` | UNAUTHENTICATED | a token came from another host without TLS | |
//! | `RATE_LIMITED` | RESOURCE_EXHAUSTED | the tenant makes more calls a second than it may | `RetryInfo`, metadata `rate` |
//! | `HEADERS_TOO_LARGE` | RESOURCE_EXHAUSTED | the metadata of the call is larger than is taken | metadata `size`, `limit`, in bytes |
//! | `COMPRESSION_UNSUPPORTED` | UNIMPLEMENTED | the messages of the call are compressed | |
//! | `INVALID_REQUEST` | INVALID_ARGUMENT | a field or metadata entry is not what it must be | `BadRequest` |
//! | `MALFORMED_MESSAGE` | INVALID_ARGUMENT | the bytes are not a message of the method | |
//! | `MESSAGE_TOO_LARGE` | RESOURCE_EXHAUSTED | gateway or SQS does not take a message of that size | metadata `size`, `limit`, in bytes |
//! | `MEMORY_EXHAUSTED` | RESOURCE_EXHAUSTED | there is no memory for a message of that size now | `RetryInfo` |
//! | `TOO_MANY_IN_FLIGHT` | RESOURCE_EXHAUSTED | as many calls wait as may | `RetryInfo`, metadata `limit` |
//! | `TOO_MANY_OF_TENANT` | RESOURCE_EXHAUSTED | as many calls of this tenant wait as may | `RetryInfo`, metadata `limit` |
//! | `OVERLOADED` | RESOURCE_EXHAUSTED | the wait for a worker would be too long for the call | `RetryInfo`, metadata `wait_ms` |
//! | `TOO_MANY_VALUES` | RESOURCE_EXHAUSTED | the list is longer than the worker takes | metadata `limit` |
//! | `WORKER_EXHAUSTED` | RESOURCE_EXHAUSTED | the worker has no room for the request now | `RetryInfo` |
//! | `OPERATION_ID_TAKEN` | ALREADY_EXISTS | the operation id belongs to another request | |
//! | `NOT_RECORDED_YET` | NOT_FOUND | nothing is known of the operation yet | `RetryInfo` |
//! | `OPERATION_NOT_FOUND` | NOT_FOUND | there is no such operation | |
//! | `DEADLINE_EXCEEDED` | DEADLINE_EXCEEDED | no answer in time | metadata `finish_late`, once the request was read |
//! | `STREAM_STALLED` | DEADLINE_EXCEEDED | nothing came of the request for too long | metadata `idle_timeout_ms` |
//! | `PAYLOAD_UNAVAILABLE` | UNAVAILABLE | S3, where large requests and replies lie, cannot be reached | `RetryInfo` |
//! | `QUEUE_UNAVAILABLE` | UNAVAILABLE | SQS does not take the request, or the reply queue is lost | `RetryInfo` |
//! | `LOG_UNAVAILABLE` | UNAVAILABLE | S3 cannot be asked for the log, or whose an operation id is | `RetryInfo` |
//! | `OPERATION_ID_BUSY` | UNAVAILABLE | another tenant has a call in flight with the same id | `RetryInfo` |
//! | `NO_WORKER` | UNAVAILABLE | no worker has answered for some time | `RetryInfo` |
//! | `WORKER_UNAVAILABLE` | UNAVAILABLE | the worker says so | `RetryInfo` |
//! | `SHUTTING_DOWN` | UNAVAILABLE | this gateway drains | `RetryInfo` |
//! | `METHOD_UNKNOWN_TO_WORKER` | UNIMPLEMENTED | the worker does not know the method | |
//! | `PAYLOAD_LOST` | DATA_LOSS | the request was gone from S3 before a worker could read it | |
//! | `WORKER_FAILED` | INTERNAL | any other failure of the worker | |
//! | `MALFORMED_REPLY` | INTERNAL | the worker's reply cannot be read | |
//! | `RECORD_UNREADABLE` | DATA_LOSS | the log's record of the operation is damaged | |
//! | `GATEWAY_FAILED` | INTERNAL | a fault of the gateway itself | |

mod edge;

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use compute_operations::BucketError;
use compute_operations::claim::ClaimError;
use compute_operations::log::LogError;
use compute_proto::v1::OperationError;
use compute_proto::validate::{DOMAIN, FieldViolation, limit_from_details, violations_from_details};
use sqs_rpc::{CallError, Failure};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use uuid::Uuid;

pub(crate) use self::edge::{compression_unsupported, from_unauthenticated, headers_too_large};
use crate::calls::name_operation;
use crate::memory::Exhausted;
use crate::stream::{ListError, StreamError};

/// The metadata of every `ErrorInfo`.
const OPERATION_ID: &str = "operation_id";

/// When a caller may try again. Other gateways, or this one a moment later, can well answer.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What a status says of the call that it answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    /// Whether the work goes on after the deadline, as far as that is known.
    pub(crate) finish_late: Option<bool>,
}

/// Answers a call that was made and did not bring a result.
pub(crate) fn from_call_error(error: CallError, operation: Operation) -> Status {
    match error {
        CallError::TooLarge { size, limit } => message_too_large(size, limit, operation),
        CallError::TooManyInFlight { limit } => answer(Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT", operation)
            .with("limit", &limit)
            .retry()
            .says(format!("{limit} calls are in flight already, which is the limit")),
        CallError::TooManyOfTenant { limit } => too_many_of_tenant(limit, operation),
        CallError::Overloaded { wait, retry_after } => answer(Code::ResourceExhausted, "OVERLOADED", operation)
            .with("wait_ms", &wait.as_millis())
            .retry_in(retry_after)
            .says("the wait for a worker would be longer than this call can wait"),
        CallError::NoWorker { unanswered } => answer(Code::Unavailable, "NO_WORKER", operation)
            .retry()
            .says(format!("no worker has answered for {} s", unanswered.as_secs())),
        CallError::DeadlineExceeded => deadline_exceeded(operation),
        CallError::Unavailable(source) => {
            tracing::warn!(error = &*source as &(dyn Error + 'static), "SQS cannot carry the call");
            answer(Code::Unavailable, "QUEUE_UNAVAILABLE", operation).retry().says("the request could not be queued")
        }
        CallError::ShuttingDown => shutting_down(operation),
        CallError::Failed(failure) => from_failure(&failure, operation),
        // Ids that gateways make are unique, and a caller's own calls with one id share one request. So another tenant has
        // chosen the same id, by an odd chance or because it was told.
        CallError::DuplicateId => {
            tracing::warn!("two tenants have calls in flight with one operation id");
            answer(Code::Unavailable, "OPERATION_ID_BUSY", operation)
                .retry()
                .says("the operation id cannot be used now")
        }
    }
}

fn too_many_of_tenant(limit: usize, operation: Operation) -> Status {
    answer(Code::ResourceExhausted, "TOO_MANY_OF_TENANT", operation)
        .with("limit", &limit)
        .retry()
        .says(format!("{limit} calls of this tenant are in flight already, which is the limit"))
}

/// Answers a call that the worker failed. The worker's words stay inside but for the violations of an invalid request, which
/// are written for the caller.
fn from_failure(failure: &Failure, operation: Operation) -> Status {
    tracing::info!(code = failure.code, error = failure.message, "the worker answered with an error");
    let told = WorkerFailure::of(failure.code);
    match told.code {
        Code::InvalidArgument => invalid_request(violations_from_details(&failure.details), operation),
        Code::DeadlineExceeded => deadline_exceeded(operation),
        code => match limit_from_details(&failure.details) {
            Some(limit) if code == Code::ResourceExhausted => answer(code, "TOO_MANY_VALUES", operation)
                .with("limit", &limit)
                .says(format!("the list holds more than the {limit} values that the worker takes")),
            _ => {
                let answer = answer(code, told.reason, operation);
                let answer = if told.is_to_retry { answer.retry() } else { answer };
                answer.says(told.message)
            }
        },
    }
}

/// What callers are told of a worker's failure.
struct WorkerFailure {
    code: Code,
    reason: &'static str,
    message: &'static str,
    is_to_retry: bool,
}

impl WorkerFailure {
    fn of(code: i32) -> Self {
        let of = |code, reason, message, is_to_retry| Self { code, reason, message, is_to_retry };
        match Code::from(code) {
            code @ Code::InvalidArgument => of(code, "INVALID_REQUEST", "the request is invalid", false),
            code @ Code::DeadlineExceeded => of(code, "DEADLINE_EXCEEDED", "no answer before the deadline", false),
            code @ Code::ResourceExhausted => {
                of(code, "WORKER_EXHAUSTED", "the worker has no room for this request", true)
            }
            code @ Code::Unimplemented => {
                of(code, "METHOD_UNKNOWN_TO_WORKER", "the worker does not know this method", false)
            }
            code @ Code::Unavailable => of(code, "WORKER_UNAVAILABLE", "the worker is unavailable", true),
            code @ Code::DataLoss => {
                of(code, "PAYLOAD_LOST", "the request was gone from S3 before a worker could read it", false)
            }
            // `Unknown` is also what `Code::from` makes of a number that is no code, and `Ok` what a worker has no business to
            // fail with. The others would tell the caller something that only the gateway can know.
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Internal
            | Code::Unauthenticated => of(Code::Internal, "WORKER_FAILED", "the worker failed", false),
        }
    }
}

/// What callers are told of an operation that the log has with this code.
pub(crate) fn operation_error(code: i32) -> OperationError {
    let WorkerFailure { code, message, .. } = WorkerFailure::of(code);
    OperationError { code: code as i32, message: message.to_owned() }
}

/// What callers are told of an operation that went to the dead letters, or is about to.
pub(crate) fn unfinished_operation() -> OperationError {
    OperationError { code: Code::Internal as i32, message: "no worker has finished this operation".to_owned() }
}

/// Answers a call that repeats one that failed, as that was answered. There is no point in trying again: the operation is done.
pub(crate) fn failed_before(error: OperationError, operation: Operation) -> Status {
    let told = WorkerFailure::of(error.code);
    answer(told.code, told.reason, operation).says(error.message)
}

/// Answers a call whose reply cannot be read.
pub(crate) fn malformed_reply(error: &(dyn Error + 'static), operation: Operation) -> Status {
    tracing::error!(error, "the worker's reply cannot be read");
    answer(Code::Internal, "MALFORMED_REPLY", operation).says("the worker's reply cannot be read")
}

/// Answers a call whose request cannot be put into S3, or whose reply cannot be read from there.
pub(crate) fn payload_unavailable(error: &(dyn Error + 'static), operation: Operation) -> Status {
    tracing::warn!(error, "S3 cannot carry the call");
    answer(Code::Unavailable, "PAYLOAD_UNAVAILABLE", operation).retry().says("S3 cannot carry the call")
}

/// Answers a request with fields, or metadata entries, that are not what they must be.
pub(crate) fn invalid_request(violations: Vec<FieldViolation>, operation: Operation) -> Status {
    let message = match violations.as_slice() {
        [] => "the request is invalid".to_owned(),
        [only] => format!("{}: {}", only.field, only.description),
        [first, others @ ..] => format!("{}: {} (and {} more)", first.field, first.description, others.len()),
    };
    let mut answer = answer(Code::InvalidArgument, "INVALID_REQUEST", operation);
    for FieldViolation { field, description } in violations {
        answer.details.add_bad_request_violation(field, description);
    }
    answer.says(message)
}

/// Answers bytes that are not a message of the method; `reason` is the decoder's.
pub(crate) fn malformed_message(reason: &str, operation: Operation) -> Status {
    answer(Code::InvalidArgument, "MALFORMED_MESSAGE", operation).says(format!("the message cannot be read: {reason}"))
}

/// Answers a message of `size` bytes where at most `limit` are taken.
pub(crate) fn message_too_large(size: usize, limit: usize, operation: Operation) -> Status {
    answer(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", operation)
        .with("size", &size)
        .with("limit", &limit)
        .says(format!("the message has {size} bytes, at most {limit} are taken"))
}

/// Answers a message that there is no memory for now, while other calls have what they need.
pub(crate) fn memory_exhausted(full: Exhausted, operation: Operation) -> Status {
    answer(Code::ResourceExhausted, "MEMORY_EXHAUSTED", operation).retry().says(full.to_string())
}

/// Answers a request of which nothing has come for `idle_timeout`.
pub(crate) fn stream_stalled(idle_timeout: Duration, operation: Operation) -> Status {
    answer(Code::DeadlineExceeded, "STREAM_STALLED", operation)
        .with("idle_timeout_ms", &idle_timeout.as_millis())
        .says(format!("nothing has come of the request for {} s", idle_timeout.as_secs_f64()))
}

/// Answers a stream that did not bring a request.
pub(crate) fn from_stream_error(error: StreamError, operation: Operation) -> Status {
    match error {
        StreamError::ShuttingDown => shutting_down(operation),
        StreamError::DeadlineExceeded => deadline_exceeded(operation),
        StreamError::Message(status) => stream_failed(&status, operation),
        StreamError::Fields(violations) => invalid_request(violations, operation),
        StreamError::List(ListError::Count(violation)) => invalid_request(vec![violation], operation),
        StreamError::List(ListError::Memory(full)) => memory_exhausted(full, operation),
        StreamError::List(ListError::Payload(error)) => payload_unavailable(&error, operation),
    }
}

/// Answers a stream that failed with `status`: one of ours, made when the id of the operation was not known yet, or tonic's, for
/// bytes that are no message.
fn stream_failed(status: &Status, operation: Operation) -> Status {
    let mut details = status.get_error_details();
    let Some(info) = details.error_info() else { return malformed_message(status.message(), operation) };
    let mut info = info.clone();
    info.metadata.insert(OPERATION_ID.to_owned(), operation.id.to_string());
    details.set_error_info(info.reason, info.domain, info.metadata);
    let mut status = Status::with_error_details(status.code(), status.message(), details);
    name_operation(status.metadata_mut(), operation.id);
    status
}

/// Answers a call that did not get its answer in time.
pub(crate) fn deadline_exceeded(operation: Operation) -> Status {
    let mut answer = answer(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", operation);
    if let Some(finish_late) = operation.finish_late {
        answer = answer.with("finish_late", &finish_late);
    }
    answer.says("no answer before the deadline")
}

/// Answers a call for an operation of which nothing is known yet.
pub(crate) fn not_recorded_yet(operation: Operation) -> Status {
    let answer = answer(Code::NotFound, "NOT_RECORDED_YET", operation).retry();
    answer.says("nothing is known of this operation yet")
}

/// Answers a call for an operation that does not exist.
pub(crate) fn operation_not_found(operation: Operation) -> Status {
    answer(Code::NotFound, "OPERATION_NOT_FOUND", operation).says("there is no such operation")
}

/// Answers a call with the id of another request.
pub(crate) fn operation_id_taken(operation: Operation) -> Status {
    answer(Code::AlreadyExists, "OPERATION_ID_TAKEN", operation).says("the operation id belongs to another request")
}

/// Answers a request that SQS has not taken in the time that its caller had.
pub(crate) fn not_queued_in_time(operation: Operation) -> Status {
    let answer = answer(Code::Unavailable, "QUEUE_UNAVAILABLE", operation).retry();
    answer.says("the request could not be queued before the deadline")
}

/// Answers a call that needs the log.
pub(crate) fn from_log_error(error: &LogError, operation: Operation) -> Status {
    match error {
        LogError::Bucket(error) => log_unavailable(error, operation),
        LogError::Content { .. } => {
            tracing::error!(%error, "a record cannot be read");
            answer(Code::DataLoss, "RECORD_UNREADABLE", operation).says("the record of the operation cannot be read")
        }
        LogError::Key(_) | LogError::Ended => gateway_failed(error, operation),
    }
}

/// Answers a call that needs to know whose its id is.
pub(crate) fn from_claim_error(error: &ClaimError, operation: Operation) -> Status {
    match error {
        ClaimError::Bucket(error) => log_unavailable(error, operation),
        ClaimError::Key(_) => gateway_failed(error, operation),
    }
}

fn log_unavailable(error: &BucketError, operation: Operation) -> Status {
    tracing::warn!(%error, "the log of operations cannot be asked");
    answer(Code::Unavailable, "LOG_UNAVAILABLE", operation).retry().says("the log of operations cannot be asked")
}

/// Answers where the gateway itself is at fault.
fn gateway_failed(error: &(dyn Error + 'static), operation: Operation) -> Status {
    tracing::error!(error, "the gateway failed");
    answer(Code::Internal, "GATEWAY_FAILED", operation).says("the gateway failed")
}

/// Answers a call that comes while the gateway drains, or is not done when it must end.
pub(crate) fn shutting_down(operation: Operation) -> Status {
    answer(Code::Unavailable, "SHUTTING_DOWN", operation).retry().says("the gateway is shutting down")
}

fn answer(code: Code, reason: &'static str, operation: Operation) -> Answer {
    let metadata = HashMap::from([(OPERATION_ID.to_owned(), operation.id.to_string())]);
    Answer { code, reason, operation: operation.id, metadata, details: ErrorDetails::new() }
}

struct Answer {
    code: Code,
    reason: &'static str,
    operation: Uuid,
    metadata: HashMap<String, String>,
    details: ErrorDetails,
}

impl Answer {
    fn with(mut self, key: &str, value: &impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn retry(self) -> Self {
        self.retry_in(RETRY_DELAY)
    }

    fn retry_in(mut self, delay: Duration) -> Self {
        self.details.set_retry_info(Some(delay));
        self
    }

    fn says(mut self, message: impl Into<String>) -> Status {
        self.details.set_error_info(self.reason, DOMAIN, self.metadata);
        let mut status = Status::with_error_details(self.code, message, self.details);
        name_operation(status.metadata_mut(), self.operation);
        status
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;

//! What a request that cannot be worked is answered with.

use compute_proto::validate::{self, FieldViolation};
use compute_proto::wire::WireError;
use sqs_rpc::{Failure, code};

/// gRPC's RESOURCE_EXHAUSTED: this worker has not room enough, another one may.
const RESOURCE_EXHAUSTED: i32 = 8;

/// gRPC's DATA_LOSS.
const DATA_LOSS: i32 = 15;

/// A request that is wrong, whoever works it.
pub(crate) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(code::INVALID_ARGUMENT, message)
}

/// A request with these fields out of their range.
pub(crate) fn violating(violations: &[FieldViolation]) -> Failure {
    Failure { details: vec![validate::bad_request_detail(violations)], ..invalid("the request is not valid") }
}

/// A body that is not the JSON of a request.
pub(crate) fn unreadable(error: &WireError) -> Failure {
    match error.field() {
        Some(field) => violating(&[FieldViolation { field: field.to_owned(), description: error.to_string() }]),
        None => invalid(format!("the body is not a request: {error}")),
    }
}

/// A list that is longer than any worker takes.
pub(crate) fn too_long(limit: usize) -> Failure {
    let description = format!("the list holds more than the {limit} values that are allowed");
    violating(&[FieldViolation { field: "values".to_owned(), description }])
}

/// A list that is longer than this worker takes.
pub(crate) fn too_many_values(limit: usize) -> Failure {
    let message = format!("the list holds more than the {limit} values that this worker takes");
    Failure { details: vec![validate::limit_detail(limit)], ..Failure::new(RESOURCE_EXHAUSTED, message) }
}

/// A payload that is not there, or not any more. Nothing will bring it back, but the caller can send the request again.
pub(crate) fn payload_lost() -> Failure {
    Failure::new(DATA_LOSS, "the payload of the request is gone")
}

/// A request that this worker cannot work for reasons that are for its own log.
pub(crate) fn failed() -> Failure {
    Failure::new(code::INTERNAL, "the worker failed")
}

//! Doors for the fuzz targets in `fuzz/` to what reads headers, replies, names, page tokens, files of
//! tokens and messages of streams. Not in any other build.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use compute_proto::v1;
use compute_proto::validate::FieldViolation;
use http::{HeaderMap, HeaderValue};
use prost::{DecodeError, Message as _};
use sqs_rpc::{CallError, CallTiming};
use tokio::time::Instant;
use tonic::Status;
use uuid::Uuid;

use crate::deadline::{DeadlineLimits, GRPC_TIMEOUT, grpc_timeout};
use crate::edge::tokens;
use crate::operations::name;
use crate::operations::page_token::{self, Of};
use crate::status::{Operation, from_call_error};
use crate::stream::PackedRequest;
use crate::timing;

/// Reads the header `grpc-timeout`; absent when malformed.
pub fn timeout(value: HeaderValue) -> Option<Duration> {
    let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, value)]);
    grpc_timeout(&headers).ok().map(|timeout| timeout.expect("the header is there"))
}

/// The time that a call gets whose caller gives it that long, with these limits of the gateway.
pub fn time(timeout: Option<Duration>, default: Duration, max: Duration) -> Duration {
    let arrived = Instant::now();
    DeadlineLimits { default, max }.deadline(arrived, timeout) - arrived
}

/// Reads the metadata entry `traceparent`; absent when malformed.
pub fn traceparent(value: &str) -> Option<String> {
    sqs_rpc::TraceContext::parse(value).map(|context| context.to_string())
}

/// What the caller is told when its call does not succeed.
pub fn status(error: CallError, id: Uuid) -> Status {
    from_call_error(error, Operation { id, finish_late: Some(false) })
}

/// What the caller is told of where the time of its call went.
pub fn timing(total: Duration, call: &CallTiming) -> v1::Timing {
    timing::timing(total, call)
}

/// The id in the name of an operation.
pub fn operation_id(name: &str) -> Result<Uuid, FieldViolation> {
    name::id_in(name)
}

/// The name of an operation.
pub fn operation_name(id: Uuid) -> String {
    name::name(id)
}

/// The id that a caller chose, in the field of this name.
pub fn chosen_id(id: &str, field: &str) -> Result<Uuid, FieldViolation> {
    name::chosen(id, field)
}

/// The id after which a token's page of a listing begins.
pub fn read_page_token(token: &str, tenant: Option<&str>, day: &str) -> Result<Uuid, FieldViolation> {
    page_token::read(token, Of { tenant, day })
}

/// The token of the page of a listing that begins after this id.
pub fn write_page_token(before: Uuid, tenant: Option<&str>, day: &str) -> String {
    page_token::write(before, Of { tenant, day })
}

/// Reads a file of tokens; gives how many there are, or everything that is wrong with it.
pub fn tokens(file: &[u8]) -> Result<usize, Vec<String>> {
    tokens::examine(file)
}

/// Whose a token is, and the limits that a file of tokens gives that tenant: calls in a second, calls in flight. `None` for a
/// stranger's, an error for a file that is not taken.
pub fn holder(file: &[u8], token: &[u8]) -> Result<Option<(String, Option<u32>, Option<usize>)>, String> {
    let holder = |held: &tokens::Tokens| {
        let tokens::Holder { tenant, limits, .. } = held.holder(token)?;
        Some((tenant.to_string(), limits.rate.map(NonZeroU32::get), limits.in_flight))
    };
    tokens::read(file).map(|read| holder(&read)).map_err(|problem| problem.to_string())
}

/// Reads a message of a stream as the gateway does, and writes it again: its values as they stand in the payload, and the whole.
pub fn packed_request(bytes: Bytes) -> Result<(Vec<u8>, Vec<u8>), DecodeError> {
    let read = PackedRequest::decode(bytes)?;
    Ok((read.packed_values().to_vec(), read.encode_to_vec()))
}

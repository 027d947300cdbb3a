//! What callers are told that are not let in.

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use super::{Operation, answer, too_many_of_tenant};
use crate::edge::allowance::Exceeded;
use crate::edge::authentication::Unauthenticated;

/// Answers a call whose caller is not known, or may not call now. Nothing is said of the token.
pub(crate) fn from_unauthenticated(why: Unauthenticated, operation: Operation) -> Status {
    let unauthenticated = |reason, message: &str| answer(Code::Unauthenticated, reason, operation).says(message);
    match why {
        Unauthenticated::TokenMissing => {
            unauthenticated("TOKEN_MISSING", "a token is wanted, once, in the metadata: authorization: Bearer <token>")
        }
        Unauthenticated::TokenUnknown => unauthenticated("TOKEN_UNKNOWN", "the token is not known here"),
        Unauthenticated::TokenInPlaintext => unauthenticated(
            "TOKEN_IN_PLAINTEXT",
            "the token came without TLS, so others may have read it: call with TLS, and have the token replaced",
        ),
        Unauthenticated::Exceeded(Exceeded::Rate { rate, retry_after }) => {
            answer(Code::ResourceExhausted, "RATE_LIMITED", operation)
                .with("rate", &rate)
                .retry_in(retry_after)
                .says(format!("this tenant makes more than its {rate} calls a second"))
        }
        Unauthenticated::Exceeded(Exceeded::InFlight { limit }) => too_many_of_tenant(limit, operation),
    }
}

/// Answers a call with `size` bytes of headers where at most `limit` are taken.
pub(crate) fn headers_too_large(size: usize, limit: usize, operation: Operation) -> Status {
    answer(Code::ResourceExhausted, "HEADERS_TOO_LARGE", operation)
        .with("size", &size)
        .with("limit", &limit)
        .says(format!("the headers have {size} bytes, at most {limit} are taken"))
}

/// Answers a call whose messages are compressed in this way, and names what is taken, as gRPC wants it.
pub(crate) fn compression_unsupported(encoding: &str, operation: Operation) -> Status {
    let message = format!("messages compressed with {} are not taken", encoding.escape_default());
    let mut status = answer(Code::Unimplemented, "COMPRESSION_UNSUPPORTED", operation).says(message);
    status.metadata_mut().insert("grpc-accept-encoding", MetadataValue::from_static("identity"));
    status
}

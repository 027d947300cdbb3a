//! A call, and the ways it ends.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::BoxError;
use crate::body::Body;
use crate::clock;
use crate::failure::Failure;
use crate::reply::{IncomingReply, ReplyTiming};

/// A request to make.
#[derive(Debug, Clone)]
pub struct Call {
    /// Identifies the call; no other call that waits may have the same. A UUIDv7 by the wire contract.
    pub id: Uuid,
    /// What to do, for example `compute.v1.ComputeService/Compute`.
    pub method: String,
    /// The payload.
    pub body: Body,
    /// Hex SHA-256 of the payload. Absent: it is computed of the text of the body.
    pub digest: Option<String>,
    /// The media type of the payload; absent: `application/json`.
    pub content_type: Option<String>,
    /// When the caller gives up.
    pub deadline: Instant,
    /// Whether to work the request even when the deadline has passed. False: it may be dropped then.
    pub finish_late: bool,
    /// Who asks: 1 to 128 characters. SQS shares the request queue fairly between tenants.
    pub tenant: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The payload, or a [`Pointer`](crate::Pointer) to it when `payload_in_s3` is there.
    pub body: String,
    /// The bytes of a payload that lies in S3, by the responder's word; absent: the body is the payload.
    pub payload_in_s3: Option<u64>,
    /// The id of the responder that answered.
    pub worker: Option<String>,
    /// Where the time went.
    pub timing: CallTiming,
    /// What the responder said of itself.
    pub reported: ReplyTiming,
}

/// Where the time of a call went. No part compares two clocks; what the responder did not report is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallTiming {
    /// From the call to its answer, on this process's monotonic clock.
    pub total: Duration,
    /// From SQS's acceptance of the request to its first receipt, on SQS's clock, in whole milliseconds.
    pub request_queue: Option<Duration>,
    /// From the first receipt of the request to SQS's acceptance of the reply, on SQS's clock, in whole milliseconds.
    pub work: Option<Duration>,
    /// From SQS's acceptance of the reply to its receipt, on SQS's clock, in whole milliseconds.
    pub reply_queue: Option<Duration>,
    /// The part of `work` that the service took, on the responder's clock, in whole milliseconds.
    pub compute: Option<Duration>,
}

/// How a call ends that gets no answer, or an answer that is an error.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The message would be larger than SQS takes. It was not sent.
    #[error("the message has {size} bytes, SQS takes at most {limit}")]
    TooLarge {
        /// Bytes of body and attributes.
        size: usize,
        /// The most that SQS takes.
        limit: usize,
    },
    /// As many calls wait as may. It was not sent.
    #[error("{limit} calls wait already, which is the most")]
    TooManyInFlight {
        /// The bound.
        limit: usize,
    },
    /// As many calls of this tenant wait as may. It was not sent.
    #[error("{limit} calls of this tenant wait already, which is the most")]
    TooManyOfTenant {
        /// The bound.
        limit: usize,
    },
    /// The call would wait longer than it can. It was not sent.
    #[error("the wait would be {wait:?}, which is too long for this call")]
    Overloaded {
        /// The wait expected.
        wait: Duration,
        /// When it may be worth another try.
        retry_after: Duration,
    },
    /// No responder was heard from for some time, though calls waited. It was not sent.
    #[error("no worker has answered for {unanswered:?}")]
    NoWorker {
        /// For how long calls have gone unanswered.
        unanswered: Duration,
    },
    /// A call with the same id waits already. It was not sent.
    #[error("a call with this id waits already")]
    DuplicateId,
    /// The deadline passed.
    #[error("no answer before the deadline")]
    DeadlineExceeded,
    /// SQS did not take the message, retries included; or the reply queue is lost, so that no reply can come.
    #[error("SQS cannot carry the call")]
    Unavailable(#[source] BoxError),
    /// The requester is shutting down.
    #[error("the requester is shutting down")]
    ShuttingDown,
    /// The answer is an error.
    #[error("the answer is an error")]
    Failed(#[source] Failure),
}

impl Reply {
    pub(crate) fn new(reply: IncomingReply, total: Duration) -> Result<Self, CallError> {
        let reported = reply.timing;
        let between = |start: Option<i64>, end: Option<i64>| Some(clock::between(start?, end?));
        let timing = CallTiming {
            total,
            request_queue: between(reported.sent, reported.first_received),
            work: between(reported.first_received, reply.sent),
            reply_queue: between(reply.sent, reply.received),
            compute: between(reported.started, reported.finished),
        };
        let body = reply.outcome.map_err(CallError::Failed)?;
        Ok(Self { body, payload_in_s3: reply.payload_in_s3, worker: reply.worker, timing, reported })
    }
}

//! Requests that come as a stream of messages.
//!
//! The values pass through to S3 as they come, and are never all in memory. Nothing is read ahead: while S3 does not take
//! more, the stream is not read, HTTP/2 grants its sender no more room, and the sender waits. So a stream has in memory, at
//! most, 1 MiB that has come and was not asked for (the stream's HTTP/2 window), the message that is being read, with a copy of
//! its values if they are spelled in an unusual way, and 25 MiB on the way to S3.
//!
//! The values stay the bytes that they came as: no integer is decoded on its way to S3.
//!
//! A list that turns out short goes into a message, in the very form in which `Compute` sends it.
//!
//! - `message`: the messages as they are read;
//! - `varint`: what the bytes of their values show;
//! - `list`: where the values go, and how many there may be;
//! - `form`: the bytes of a request in S3;
//! - `text`: how long a list is as JSON, which decides whether it is short.

mod form;
mod list;
mod message;
mod text;
mod varint;

use compute_operations::payload::{Payloads, Stored, Unsent};
use compute_proto::v1::{ComputeRequest, ComputeStreamRequest};
use compute_proto::validate::{FieldViolation, MAX_STREAMED_VALUES, option_violations};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

pub(crate) use self::form::MEDIA_TYPE;
use self::list::List;
pub(crate) use self::list::ListError;
pub(crate) use self::message::PackedRequest;
use self::message::PackedValues;
use crate::calls::Calls;
use crate::memory::{MemoryBudget, Taken};

/// What all streams share.
#[derive(Debug)]
pub(crate) struct Streams {
    payloads: Payloads,
    memory: MemoryBudget,
    max_values: usize,
    ended: CancellationToken,
}

/// A stream whose first message has come, and says what can be computed.
pub(crate) struct Opened {
    /// The request without its values.
    options: ComputeRequest,
    first: PackedValues,
    rest: Streaming<PackedRequest>,
}

/// A request that has come whole.
#[derive(Debug)]
pub(crate) enum Received {
    /// It is short enough for a message.
    Message {
        /// The request.
        request: ComputeRequest,
        /// What it takes until it is sent.
        memory: Taken,
    },
    /// It lies in S3.
    Payload {
        /// The request without its values.
        options: ComputeRequest,
        /// The request, as protobuf.
        stored: Stored,
        /// Keeps it in S3 as soon as it is said to be sent.
        payload: Unsent,
    },
}

/// Why a stream does not bring a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The gateway is shutting down.
    #[error("the gateway is shutting down")]
    ShuttingDown,
    /// The deadline has passed.
    #[error("the stream has not ended before the deadline")]
    DeadlineExceeded,
    /// Some message cannot be read, or does not come.
    #[error(transparent)]
    Message(#[from] Status),
    /// Some message has what it may not have.
    #[error("a message of the stream is invalid")]
    Fields(Vec<FieldViolation>),
    /// There are too many values or none, or there is no place for them.
    #[error(transparent)]
    List(#[from] ListError),
}

impl Streams {
    /// Streams of these calls, into these payloads.
    pub(crate) fn new(payloads: Payloads, calls: &Calls) -> Self {
        let (memory, ended) = (calls.memory().clone(), calls.ended().clone());
        Self { payloads, memory, max_values: MAX_STREAMED_VALUES, ended }
    }

    /// Reads the first message of a stream. Nothing is put into S3 before what it wants computed is found right.
    pub(crate) async fn open(
        &self,
        messages: Streaming<PackedRequest>,
        deadline: Instant,
    ) -> Result<Opened, StreamError> {
        self.until(deadline, Opened::read(messages)).await
    }

    /// Reads the rest of a stream. When that fails, or is given up by dropping it, nothing of the stream is left in S3.
    pub(crate) async fn receive(&self, opened: Opened, deadline: Instant) -> Result<Received, StreamError> {
        self.until(deadline, self.read(opened)).await
    }

    async fn read(&self, opened: Opened) -> Result<Received, StreamError> {
        let Opened { options, first, mut rest, .. } = opened;
        let mut list = List::new(self, options);
        list.extend(&first).await?;
        let mut number = 1;
        while let Some(message) = rest.message().await? {
            number += 1;
            list.extend(&only_values(message, number)?).await?;
        }
        Ok(list.complete().await?)
    }

    async fn until<T>(
        &self,
        deadline: Instant,
        reading: impl Future<Output = Result<T, StreamError>>,
    ) -> Result<T, StreamError> {
        tokio::select! {
            biased;
            () = self.ended.cancelled() => Err(StreamError::ShuttingDown),
            read = timeout_at(deadline, reading) => read.unwrap_or(Err(StreamError::DeadlineExceeded)),
        }
    }
}

impl Opened {
    async fn read(mut messages: Streaming<PackedRequest>) -> Result<Self, StreamError> {
        let message = messages.message().await?.unwrap_or_default();
        let PackedRequest { values, rest } = message;
        let ComputeStreamRequest { values: _, quantiles, histogram, finish_late, operation_id } = rest;
        let violations = option_violations(&quantiles, histogram);
        if !violations.is_empty() {
            return Err(StreamError::Fields(violations));
        }
        let options = ComputeRequest { values: Vec::new(), quantiles, histogram, finish_late, operation_id };
        Ok(Self { options, first: values, rest: messages })
    }

    /// The request without its values.
    pub(crate) fn options(&self) -> &ComputeRequest {
        &self.options
    }
}

/// The values of a message, the one of that number, that is not the first.
fn only_values(message: PackedRequest, number: u64) -> Result<PackedValues, StreamError> {
    let PackedRequest { values, rest } = message;
    let ComputeStreamRequest { values: _, quantiles, histogram, finish_late, operation_id } = rest;
    let given = [
        ("quantiles", !quantiles.is_empty()),
        ("histogram", histogram.is_some()),
        ("finish_late", finish_late),
        ("operation_id", !operation_id.is_empty()),
    ];
    let violations: Vec<_> = given
        .into_iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(field, _)| FieldViolation {
            field: field.to_owned(),
            description: format!("message {number} of the stream has it, and only the first one may"),
        })
        .collect();
    if violations.is_empty() { Ok(values) } else { Err(StreamError::Fields(violations)) }
}

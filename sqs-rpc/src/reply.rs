//! A reply, as it is sent and as it is received.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::body::Body;
use crate::clock;
use crate::failure::Failure;
use crate::message::{Attribute, AttributeError, Outgoing, Received, attribute};
use crate::trace::TraceContext;

/// The attribute `Timing` of a reply: when things happened, and how busy the responder is. All of it is the responder's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplyTiming {
    /// When SQS took the request: Unix milliseconds on SQS's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<i64>,
    /// When the request was first received by anyone: Unix milliseconds on SQS's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_received: Option<i64>,
    /// When the work started: Unix milliseconds on the responder's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// When the work was finished: Unix milliseconds on the responder's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<i64>,
    /// How many requests the responder works on at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// How many of its slots were in use when it replied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy: Option<u32>,
}

/// A reply on its way out.
#[derive(Debug)]
pub(crate) struct OutgoingReply {
    pub(crate) id: Uuid,
    pub(crate) digest: String,
    pub(crate) worker: String,
    pub(crate) timing: ReplyTiming,
    /// The trace it is a part of.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) outcome: Result<Body, Failure>,
}

impl OutgoingReply {
    pub(crate) fn into_message(self) -> Outgoing<'static> {
        let (status, (body, payload_in_s3)) = match self.outcome {
            Ok(body) => (0, body.into_message()),
            Err(failure) => (failure.code, (failure.to_json(), None)),
        };
        let mut attributes = vec![
            Attribute::string(attribute::CORRELATION_ID, self.id.to_string()),
            Attribute::number(attribute::STATUS, status),
            Attribute::string(attribute::DIGEST, self.digest),
            Attribute::string(attribute::WORKER, self.worker),
            Attribute::string(
                attribute::TIMING,
                serde_json::to_string(&self.timing).expect("a struct of numbers serializes"),
            ),
        ];
        if let Some(size) = payload_in_s3 {
            attributes.push(Attribute::number(attribute::EXTENDED_PAYLOAD_SIZE, size));
        }
        Outgoing { body: body.into(), attributes, group: None, trace: self.trace }
    }
}

/// A reply received.
#[derive(Debug, PartialEq)]
pub(crate) struct IncomingReply {
    pub(crate) id: Uuid,
    pub(crate) digest: String,
    pub(crate) worker: Option<String>,
    pub(crate) timing: ReplyTiming,
    /// When SQS took the reply: Unix milliseconds on SQS's clock.
    pub(crate) sent: Option<i64>,
    /// When the reply was first received: Unix milliseconds on SQS's clock.
    pub(crate) received: Option<i64>,
    /// The bytes of a payload in S3, to which the body is a pointer.
    pub(crate) payload_in_s3: Option<u64>,
    pub(crate) outcome: Result<String, Failure>,
}

/// A message on the reply queue that is not a reply.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum MalformedReply {
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    #[error("message attribute CorrelationId is not a UUID")]
    Id,
}

impl IncomingReply {
    /// How long the request stood in its queue, if the responder says so.
    pub(crate) fn queue_wait(&self) -> Option<Duration> {
        Some(clock::between(self.timing.sent?, self.timing.first_received?))
    }

    pub(crate) fn read(mut message: Received) -> Result<Self, MalformedReply> {
        let id = message.required_string(attribute::CORRELATION_ID)?;
        let id = Uuid::try_parse(id).map_err(|_| MalformedReply::Id)?;
        let status =
            message.number::<i32>(attribute::STATUS)?.ok_or(AttributeError::Missing { name: attribute::STATUS })?;
        // Timing is for people and for balancing load: a reply is not refused because of it.
        let timing = message.string(attribute::TIMING).ok().flatten();
        let timing = timing.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let digest = message.take_required_string(attribute::DIGEST)?;
        let worker = message.take_string(attribute::WORKER)?;
        let (sent, received) = (message.sent_ms, message.first_received_ms);
        let payload_in_s3 = message.number(attribute::EXTENDED_PAYLOAD_SIZE)?;
        let outcome = match status {
            0 => Ok(message.body),
            code => Err(read_failure(code, &message.body)),
        };
        Ok(Self { id, digest, worker, timing, sent, received, payload_in_s3, outcome })
    }
}

/// The status attribute decides; the body adds to it what can be read.
fn read_failure(code: i32, body: &str) -> Failure {
    let failure = serde_json::from_str(body).unwrap_or_else(|_| Failure::new(code, ""));
    Failure { code, ..failure }
}

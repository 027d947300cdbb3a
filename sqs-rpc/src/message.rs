//! Messages as the wire contract sees them: a body, a few typed attributes, and what SQS itself says about them.

#[cfg(any(test, fuzzing))]
mod from_sdk;
mod received;

use std::borrow::Cow;

pub(crate) use self::received::{AttributeError, AttributeValue, Received, ReceivedAttribute};
use crate::trace::TraceContext;

/// The most that SQS takes as one message, and as one batch of messages: body plus names, types and values of attributes.
pub const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// Names of message attributes, version 1 of the wire contract.
pub(crate) mod attribute {
    pub(crate) const CORRELATION_ID: &str = "CorrelationId";
    pub(crate) const REPLY_TO: &str = "ReplyTo";
    pub(crate) const METHOD: &str = "Method";
    pub(crate) const TIMEOUT_MS: &str = "TimeoutMs";
    pub(crate) const DEADLINE: &str = "Deadline";
    pub(crate) const DIGEST: &str = "Digest";
    pub(crate) const CONTENT_TYPE: &str = "ContentType";
    pub(crate) const TRACEPARENT: &str = "traceparent";
    pub(crate) const EXTENDED_PAYLOAD_SIZE: &str = "ExtendedPayloadSize";
    pub(crate) const STATUS: &str = "Status";
    pub(crate) const WORKER: &str = "Worker";
    pub(crate) const TIMING: &str = "Timing";

    pub(crate) const ALL: [&str; 12] = [
        CORRELATION_ID,
        REPLY_TO,
        METHOD,
        TIMEOUT_MS,
        DEADLINE,
        DIGEST,
        CONTENT_TYPE,
        TRACEPARENT,
        EXTENDED_PAYLOAD_SIZE,
        STATUS,
        WORKER,
        TIMING,
    ];
}

pub(crate) const STRING: &str = "String";
pub(crate) const NUMBER: &str = "Number";

/// A message to send. What it is made of is borrowed where that outlives it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outgoing<'a> {
    pub(crate) body: Cow<'a, str>,
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// `MessageGroupId`.
    pub(crate) group: Option<&'a str>,
    /// The trace it is a part of: `AWSTraceHeader`.
    pub(crate) trace: Option<TraceContext>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: &'static str,
    pub(crate) data_type: &'static str,
    pub(crate) value: Cow<'a, str>,
}

impl<'a> Attribute<'a> {
    pub(crate) fn string(name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name, data_type: STRING, value: value.into() }
    }

    pub(crate) fn number(name: &'static str, value: impl ToString + Copy) -> Self {
        Self { name, data_type: NUMBER, value: value.to_string().into() }
    }

    fn size(&self) -> usize {
        self.name.len() + self.data_type.len() + self.value.len()
    }
}

impl Outgoing<'_> {
    /// The size that SQS counts against [`MAX_MESSAGE_BYTES`].
    pub(crate) fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(Attribute::size).sum::<usize>()
    }
}

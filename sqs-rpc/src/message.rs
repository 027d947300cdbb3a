//! Messages as the wire contract sees them: a body, a few typed attributes, and what SQS itself says about them.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName as System, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use tokio::time::Instant;

use crate::clock::SqsClock;
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
}

const STRING: &str = "String";
const NUMBER: &str = "Number";

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) body: String,
    pub(crate) attributes: Vec<Attribute>,
    /// `MessageGroupId`.
    pub(crate) group: Option<String>,
    /// The trace it is a part of: `AWSTraceHeader`.
    pub(crate) trace: Option<TraceContext>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) data_type: &'static str,
    pub(crate) value: String,
}

impl Attribute {
    pub(crate) fn string(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, data_type: STRING, value: value.into() }
    }

    pub(crate) fn number(name: &'static str, value: impl ToString + Copy) -> Self {
        Self { name, data_type: NUMBER, value: value.to_string() }
    }

    fn size(&self) -> usize {
        self.name.len() + self.data_type.len() + self.value.len()
    }
}

impl Outgoing {
    /// The size that SQS counts against [`MAX_MESSAGE_BYTES`].
    pub(crate) fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(Attribute::size).sum::<usize>()
    }

    pub(crate) fn into_batch_entry(self, id: String) -> SendMessageBatchRequestEntry {
        let system = self.trace.map(|trace| {
            let value = MessageSystemAttributeValue::builder().data_type(STRING).string_value(trace.x_ray());
            let value = value.build().expect("a data type was given");
            HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)])
        });
        let attributes = self.attributes.into_iter().map(|attribute| {
            let value = MessageAttributeValue::builder()
                .data_type(attribute.data_type)
                .string_value(attribute.value)
                .build()
                .expect("a data type was given");
            (attribute.name.to_owned(), value)
        });
        SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(self.body)
            .set_message_attributes(Some(attributes.collect()))
            .set_message_system_attributes(system)
            .set_message_group_id(self.group)
            .build()
            .expect("an id and a body were given")
    }
}

/// A message received, with what SQS says about it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) body: String,
    pub(crate) receipt: String,
    /// `MessageId`, SQS's own.
    pub(crate) message_id: String,
    attributes: HashMap<String, MessageAttributeValue>,
    /// `SentTimestamp`, Unix milliseconds on SQS's clock.
    pub(crate) sent_ms: Option<i64>,
    /// `ApproximateFirstReceiveTimestamp`, Unix milliseconds on SQS's clock.
    pub(crate) first_received_ms: Option<i64>,
    /// `ApproximateReceiveCount`, 1 at the first receipt.
    pub(crate) receive_count: u32,
    /// `MessageGroupId`.
    pub(crate) group: Option<String>,
    /// `DeadLetterQueueSourceArn`, of a message that SQS has moved to a dead-letter queue.
    pub(crate) dead_letter_source: Option<String>,
    /// When this process got it.
    pub(crate) arrived: Instant,
}

/// An attribute that is there, but not as the wire contract has it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum AttributeError {
    #[error("message attribute {name} is missing")]
    Missing { name: &'static str },
    #[error("message attribute {name} is a {actual}, expected a {expected}")]
    Type { name: &'static str, actual: String, expected: &'static str },
    #[error("message attribute {name} has the value {value:?}, expected {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
}

impl Received {
    /// The attributes of SQS itself to ask for when receiving.
    pub(crate) const SYSTEM_ATTRIBUTES: [System; 5] = [
        System::SentTimestamp,
        System::ApproximateFirstReceiveTimestamp,
        System::ApproximateReceiveCount,
        System::MessageGroupId,
        System::DeadLetterQueueSourceArn,
    ];

    pub(crate) fn new(message: Message, arrived: Instant) -> Self {
        let mut system = message.attributes.unwrap_or_default();
        let number = |value: Option<&String>| value.and_then(|value| value.parse().ok());
        Self {
            sent_ms: number(system.get(&System::SentTimestamp)),
            first_received_ms: number(system.get(&System::ApproximateFirstReceiveTimestamp)),
            receive_count: number(system.get(&System::ApproximateReceiveCount))
                .map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX)),
            group: system.remove(&System::MessageGroupId),
            dead_letter_source: system.remove(&System::DeadLetterQueueSourceArn),
            body: message.body.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            message_id: message.message_id.unwrap_or_default(),
            attributes: message.message_attributes.unwrap_or_default(),
            arrived,
        }
    }

    pub(crate) fn string(&self, name: &'static str) -> Result<Option<&str>, AttributeError> {
        self.value(name, STRING)
    }

    pub(crate) fn required_string(&self, name: &'static str) -> Result<&str, AttributeError> {
        self.string(name)?.ok_or(AttributeError::Missing { name })
    }

    /// A whole number that fits `T`.
    pub(crate) fn number<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, AttributeError> {
        self.value(name, NUMBER)?
            .map(|value| {
                value.parse().map_err(|_| AttributeError::Value {
                    name,
                    value: value.chars().take(64).collect(),
                    expected: "a whole number in range",
                })
            })
            .transpose()
    }

    /// All attributes in the order of their names: name, type, and value. A binary value is in hex.
    pub(crate) fn attributes(&self) -> Vec<(String, String, String)> {
        let mut attributes: Vec<_> = self
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let binary = || attribute.binary_value().map(hex::encode).unwrap_or_default();
                let value = attribute.string_value().map_or_else(binary, str::to_owned);
                (name.clone(), attribute.data_type().to_owned(), value)
            })
            .collect();
        attributes.sort();
        attributes
    }

    /// SQS lets a type carry a label after a dot, as in `Number.int`; the label is ignored.
    fn value(&self, name: &'static str, expected: &'static str) -> Result<Option<&str>, AttributeError> {
        let Some(attribute) = self.attributes.get(name) else { return Ok(None) };
        let data_type = attribute.data_type();
        match attribute.string_value() {
            Some(value) if data_type.split('.').next() == Some(expected) => Ok(Some(value)),
            _ => Err(AttributeError::Type { name, actual: data_type.chars().take(64).collect(), expected }),
        }
    }

    /// Tells the time by this message, if SQS handed it out for the first time just now.
    pub(crate) fn set_clock(&self, clock: &SqsClock) {
        if let (1, Some(first_received)) = (self.receive_count, self.first_received_ms) {
            clock.observe(first_received);
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(message: Message) -> Self {
        Self::new(message, Instant::now())
    }
}

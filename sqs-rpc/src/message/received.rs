//! Messages that were received.

use std::borrow::Cow;
use std::str::FromStr;

use aws_sdk_sqs::types::MessageSystemAttributeName as System;
use tokio::time::Instant;

use super::{NUMBER, STRING};
use crate::clock::SqsClock;

/// A message received, with what SQS says about it.
#[derive(Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) body: String,
    pub(crate) receipt: String,
    /// `MessageId`, SQS's own.
    pub(crate) message_id: String,
    /// At most ten, so they are looked through.
    pub(crate) attributes: Vec<ReceivedAttribute>,
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

/// A message attribute.
#[derive(Debug, PartialEq)]
pub(crate) struct ReceivedAttribute {
    pub(crate) name: Cow<'static, str>,
    /// SQS lets it carry a label after a dot, as in `Number.int`.
    pub(crate) data_type: Cow<'static, str>,
    pub(crate) value: AttributeValue,
}

/// The value of a message attribute.
#[derive(Debug, PartialEq)]
pub(crate) enum AttributeValue {
    Text(String),
    Binary(Vec<u8>),
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

    pub(crate) fn string(&self, name: &'static str) -> Result<Option<&str>, AttributeError> {
        self.value(name, STRING)
    }

    pub(crate) fn required_string(&self, name: &'static str) -> Result<&str, AttributeError> {
        self.string(name)?.ok_or(AttributeError::Missing { name })
    }

    /// Takes a text out of the message.
    pub(crate) fn take_string(&mut self, name: &'static str) -> Result<Option<String>, AttributeError> {
        self.string(name)?;
        let found = self.attributes.iter().position(|attribute| attribute.name == name);
        Ok(found.and_then(|index| match self.attributes.swap_remove(index).value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Binary(_) => None,
        }))
    }

    /// Takes a text out of the message that must be there.
    pub(crate) fn take_required_string(&mut self, name: &'static str) -> Result<String, AttributeError> {
        self.take_string(name)?.ok_or(AttributeError::Missing { name })
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
        let text = |value: &AttributeValue| match value {
            AttributeValue::Text(text) => text.clone(),
            AttributeValue::Binary(bytes) => hex::encode(bytes),
        };
        let all = self.attributes.iter();
        let mut all: Vec<_> = all.map(|a| (a.name.to_string(), a.data_type.to_string(), text(&a.value))).collect();
        all.sort();
        all
    }

    /// The label of a type is ignored.
    fn value(&self, name: &'static str, expected: &'static str) -> Result<Option<&str>, AttributeError> {
        let Some(attribute) = self.attributes.iter().find(|attribute| attribute.name == name) else { return Ok(None) };
        let data_type = &*attribute.data_type;
        match &attribute.value {
            AttributeValue::Text(text) if data_type.split('.').next() == Some(expected) => Ok(Some(text)),
            _ => Err(AttributeError::Type { name, actual: data_type.chars().take(64).collect(), expected }),
        }
    }

    /// Tells the time by this message, if SQS handed it out for the first time just now.
    pub(crate) fn set_clock(&self, clock: &SqsClock) {
        if let (1, Some(first_received)) = (self.receive_count, self.first_received_ms) {
            clock.observe(first_received);
        }
    }
}

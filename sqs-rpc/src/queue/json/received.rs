//! What is received: messages, and what became of the entries of a batch.

use std::borrow::Cow;
use std::fmt;

use aws_sdk_sqs::types::MessageSystemAttributeName as System;
use aws_smithy_types::base64;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use crate::message::{AttributeValue, NUMBER, Received, ReceivedAttribute, STRING, attribute};

/// What the answer to a batch says of its entries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::queue) struct Results {
    pub(in crate::queue) successful: Option<Vec<Done>>,
    pub(in crate::queue) failed: Option<Vec<Failed>>,
}

/// An entry that was done. What else SQS says of it, checksums, nobody compares.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::queue) struct Done {
    pub(in crate::queue) id: String,
}

/// An entry that was not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::queue) struct Failed {
    pub(in crate::queue) id: String,
    #[serde(default)]
    pub(in crate::queue) code: String,
    pub(in crate::queue) message: Option<String>,
    /// Whether the same entry would be refused again.
    #[serde(default)]
    pub(in crate::queue) sender_fault: bool,
}

/// Reads JSON. As text, since that is checked once to be UTF-8, and not string by string.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        // This tells where it is none.
        Err(_) => serde_json::from_slice(body),
    }
}

/// The messages of an answer, which came at this moment.
pub(super) fn messages(body: &[u8]) -> serde_json::Result<Vec<Received>> {
    let Messages { messages } = parse(body)?;
    let arrived = Instant::now();
    Ok(messages.unwrap_or_default().into_iter().map(|message| message.into_received(arrived)).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Messages {
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_id: Option<String>,
    receipt_handle: Option<String>,
    body: Option<String>,
    attributes: Option<SystemAttributes>,
    message_attributes: Option<Attributes>,
}

impl Message {
    fn into_received(self, arrived: Instant) -> Received {
        let system = self.attributes.unwrap_or_default();
        Received {
            body: self.body.unwrap_or_default(),
            receipt: self.receipt_handle.unwrap_or_default(),
            message_id: self.message_id.unwrap_or_default(),
            attributes: self.message_attributes.map(|Attributes(attributes)| attributes).unwrap_or_default(),
            sent_ms: system.sent_ms,
            first_received_ms: system.first_received_ms,
            receive_count: system.receive_count.map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX)),
            group: system.group,
            dead_letter_source: system.dead_letter_source,
            arrived,
        }
    }
}

/// The attributes that SQS sets, those of [`Received::SYSTEM_ATTRIBUTES`]. A number that is none counts as absent.
#[derive(Default)]
struct SystemAttributes {
    sent_ms: Option<i64>,
    first_received_ms: Option<i64>,
    receive_count: Option<i64>,
    group: Option<String>,
    dead_letter_source: Option<String>,
}

struct Attributes(Vec<ReceivedAttribute>);

/// A string of the answer, borrowed from it unless something in it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value<'a> {
    #[serde(borrow)]
    data_type: Text<'a>,
    string_value: Option<String>,
    binary_value: Option<String>,
}

impl<'de> Deserialize<'de> for SystemAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(Self::default(), |all, Text(name), Text(value)| {
            let number = || value.parse().ok();
            match System::from(&*name) {
                System::SentTimestamp => all.sent_ms = number(),
                System::ApproximateFirstReceiveTimestamp => all.first_received_ms = number(),
                System::ApproximateReceiveCount => all.receive_count = number(),
                System::MessageGroupId => all.group = Some(value.into_owned()),
                System::DeadLetterQueueSourceArn => all.dead_letter_source = Some(value.into_owned()),
                _ => {}
            }
            Ok(())
        }))
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Nearly as many as a message may have.
        let none = Self(Vec::with_capacity(9));
        deserializer.deserialize_map(Entries(none, |Self(all), Text(name), value: Value<'de>| {
            let Text(data_type) = value.data_type;
            let value = match (value.string_value, value.binary_value) {
                (Some(text), _) => AttributeValue::Text(text),
                (None, bytes) => AttributeValue::Binary(base64::decode(bytes.unwrap_or_default())?),
            };
            let (name, data_type) = (known(name, &attribute::ALL), known(data_type, &[STRING, NUMBER]));
            all.push(ReceivedAttribute { name, data_type, value });
            Ok(())
        }))
    }
}

/// One of these words, or a copy of another.
fn known(word: Cow<'_, str>, words: &[&'static str]) -> Cow<'static, str> {
    match words.iter().find(|known| **known == word) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(word.into_owned()),
    }
}

/// Reads an object entry by entry: what they become, and how one is added to it.
struct Entries<T, V>(T, fn(&mut T, Text<'_>, V) -> Result<(), base64::DecodeError>);

impl<'de, T, V: Deserialize<'de>> Visitor<'de> for Entries<T, V> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<T, A::Error> {
        while let Some((name, value)) = map.next_entry()? {
            self.1(&mut self.0, name, value).map_err(A::Error::custom)?;
        }
        Ok(self.0)
    }
}

//! What is sent.

use std::collections::HashMap;

use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use aws_smithy_types::base64;
use serde::{Serialize, Serializer};

/// The body of the request.
pub(super) fn to_json(input: &SendMessageBatchInput) -> Vec<u8> {
    let entries = input.entries().iter().map(Entry::of).collect();
    let batch = Batch { queue_url: input.queue_url(), entries };
    serde_json::to_vec(&batch).expect("a form with string keys, written to memory, cannot fail")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_url: Option<&'a str>,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    id: &'a str,
    message_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_attributes: Option<Attributes<'a, String, MessageAttributeValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_system_attributes: Option<Attributes<'a, MessageSystemAttributeNameForSends, MessageSystemAttributeValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_deduplication_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(entry: &'a SendMessageBatchRequestEntry) -> Self {
        Self {
            id: entry.id(),
            message_body: entry.message_body(),
            delay_seconds: entry.delay_seconds,
            message_attributes: entry.message_attributes().map(Attributes),
            message_system_attributes: entry.message_system_attributes().map(Attributes),
            message_deduplication_id: entry.message_deduplication_id(),
            message_group_id: entry.message_group_id(),
        }
    }
}

struct Attributes<'a, N, V>(&'a HashMap<N, V>);

impl<N: Name, V: Value> Serialize for Attributes<'_, N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name.as_str(), Attribute::of(value))))
    }
}

/// An attribute. SQS does not take lists, and nothing here makes them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    data_type: &'a str,
}

impl<'a> Attribute<'a> {
    fn of(value: &'a impl Value) -> Self {
        let (data_type, string_value, binary_value) = value.parts();
        Self { string_value, binary_value: binary_value.map(base64::encode), data_type }
    }
}

trait Name {
    fn as_str(&self) -> &str;
}

impl Name for String {
    fn as_str(&self) -> &str {
        self
    }
}

impl Name for MessageSystemAttributeNameForSends {
    fn as_str(&self) -> &str {
        self.as_str()
    }
}

trait Value {
    /// Type, text and bytes.
    fn parts(&self) -> (&str, Option<&str>, Option<&Blob>);
}

impl Value for MessageAttributeValue {
    fn parts(&self) -> (&str, Option<&str>, Option<&Blob>) {
        (self.data_type(), self.string_value(), self.binary_value())
    }
}

impl Value for MessageSystemAttributeValue {
    fn parts(&self) -> (&str, Option<&str>, Option<&Blob>) {
        (self.data_type(), self.string_value(), self.binary_value())
    }
}

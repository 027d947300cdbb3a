//! What is sent: the entries of a batch.

use serde::{Serialize, Serializer};

use crate::message::{Attribute, Outgoing, STRING};
use crate::queue::MAX_BATCH;

/// The ids of the entries of a batch: their places in it.
const IDS: [&str; MAX_BATCH] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The body of a request with these entries, at most [`MAX_BATCH`].
pub(in crate::queue) fn batch<E: Serialize>(queue_url: &str, entries: impl Iterator<Item = E>) -> Vec<u8> {
    let entries = IDS.into_iter().zip(entries).map(|(id, entry)| Entry { id, entry }).collect();
    serde_json::to_vec(&Batch { queue_url, entries }).expect("a form with string keys, written to memory, cannot fail")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a, E> {
    queue_url: &'a str,
    entries: Vec<Entry<E>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<E> {
    id: &'static str,
    #[serde(flatten)]
    entry: E,
}

/// A message that has been received, in another batch than one of messages.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::queue) struct Receipt<'a> {
    pub(in crate::queue) receipt_handle: &'a str,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::queue) visibility_timeout: Option<i32>,
}

/// A message to send.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::queue) struct Message<'a> {
    message_body: &'a str,
    message_attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_system_attributes: Option<SystemAttributes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_group_id: Option<&'a str>,
}

impl<'a> From<&'a Outgoing<'_>> for Message<'a> {
    fn from(message: &'a Outgoing<'_>) -> Self {
        Self {
            message_body: &message.body,
            message_attributes: Attributes(&message.attributes),
            message_system_attributes: message
                .trace
                .map(|trace| SystemAttributes { trace: Value { string_value: trace.x_ray(), data_type: STRING } }),
            message_group_id: message.group,
        }
    }
}

struct Attributes<'a>(&'a [Attribute<'a>]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self
            .0
            .iter()
            .map(|Attribute { name, data_type, value }| (name, Value { string_value: &**value, data_type }));
        serializer.collect_map(entries)
    }
}

#[derive(Serialize)]
struct SystemAttributes {
    #[serde(rename = "AWSTraceHeader")]
    trace: Value<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Value<T> {
    string_value: T,
    data_type: &'static str,
}

//! Messages in the form that the SDK has for them, in which tests make them.

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as System};
use tokio::time::Instant;

use super::{AttributeValue, Received, ReceivedAttribute};

impl From<Message> for Received {
    /// A message that comes now.
    fn from(message: Message) -> Self {
        let mut system = message.attributes.unwrap_or_default();
        let number = |value: Option<&String>| value.and_then(|value| value.parse().ok());
        let attributes = message.message_attributes.unwrap_or_default().into_iter().map(|(name, value)| {
            let binary = || AttributeValue::Binary(value.binary_value.map(Blob::into_inner).unwrap_or_default());
            let content = value.string_value.map_or_else(binary, AttributeValue::Text);
            ReceivedAttribute { name: name.into(), data_type: value.data_type.into(), value: content }
        });
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
            attributes: attributes.collect(),
            arrived: Instant::now(),
        }
    }
}

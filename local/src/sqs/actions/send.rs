//! Sending, one message or a batch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sqs::Sqs;
use crate::sqs::attributes::MAX_MESSAGE_BYTES;
use crate::sqs::batch::{BatchInput, BatchOutput, Entry};
use crate::sqs::error::SqsError;
use crate::sqs::message::{Content, MessageForm};
use crate::sqs::protocol::{Answer, in_range};
use crate::sqs::queue_state::Millis;

#[derive(Debug, Deserialize)]
pub(in crate::sqs) struct SendMessageInput {
    #[serde(rename = "QueueUrl")]
    queue_url: Option<String>,
    #[serde(flatten)]
    message: MessageForm,
}

/// What the sender compares with what it sent.
#[derive(Serialize)]
struct Sent {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<String>,
}

impl Sent {
    fn of(content: &Content) -> Self {
        Self {
            message_id: content.id.to_string(),
            body_md5: content.body_md5.clone(),
            attributes_md5: content.attributes_md5.clone(),
            system_attributes_md5: content.system_attributes_md5.clone(),
        }
    }
}

/// A message ready to be stored.
type Parcel = (Arc<Content>, Option<Millis>);

impl Sqs {
    pub(in crate::sqs) fn send_message(&self, input: SendMessageInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let maximum_bytes = queue.with(|state, _| state.attributes.maximum_message_bytes());
        let (content, delay) = check(input.message, maximum_bytes)?;
        let sent = Sent::of(&content);
        queue.with(|state, now| state.send(now, content, delay));
        Ok(Answer::new(&sent))
    }

    pub(in crate::sqs) fn send_message_batch(&self, input: BatchInput<MessageForm>) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let entries = input.entries("SendMessageBatchRequestEntry")?;
        let bytes = entries.iter().map(|entry| entry.item.bytes()).sum();
        if bytes > MAX_MESSAGE_BYTES {
            return Err(SqsError::BatchRequestTooLong(bytes));
        }
        let maximum_bytes = queue.with(|state, _| state.attributes.maximum_message_bytes());
        let check = |item| self.entry("SendMessageBatch", || check(item, maximum_bytes));
        let checked: Vec<(String, Result<Parcel, SqsError>)> =
            entries.into_iter().map(|Entry { id, item }| (id, check(item))).collect();
        queue.with(|state, now| {
            for (content, delay) in checked.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()) {
                state.send(now, Arc::clone(content), *delay);
            }
        });
        let sent = checked.into_iter().map(|(id, outcome)| (id, outcome.map(|(content, _)| Sent::of(&content))));
        Ok(Answer::new(&sent.collect::<BatchOutput<_>>()))
    }
}

fn check(message: MessageForm, maximum_bytes: usize) -> Result<Parcel, SqsError> {
    let delay = in_range("DelaySeconds", message.delay_seconds, 0, 900)?;
    Ok((Arc::new(message.check(maximum_bytes)?), delay.map(|seconds| seconds * 1000)))
}

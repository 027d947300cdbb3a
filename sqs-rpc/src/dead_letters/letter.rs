//! One dead letter, and why it is dead.

use std::fmt;

use crate::message::{Received, attribute};
use crate::request::{AllowedReplyQueues, Rejected, Request};

/// A message in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// SQS's id of the message.
    pub message_id: String,
    /// The id of the call, as it stands in the message.
    pub id: Option<String>,
    /// Who asked.
    pub tenant: Option<String>,
    /// What was asked for.
    pub method: Option<String>,
    /// When it was sent, in Unix milliseconds on SQS's clock.
    pub sent: Option<i64>,
    /// How often it was received, in all queues it was in, looks into the dead-letter queue included.
    pub receive_count: u32,
    /// The name of the queue that SQS has moved it from. None: it was sent to the dead-letter queue, so it cannot be moved back.
    pub source: Option<String>,
    /// Why it is dead.
    pub why: WhyDead,
    /// All message attributes in the order of their names: name, type, and value. A binary value is in hex.
    pub attributes: Vec<(String, String, String)>,
    /// The body, or as much of it as was asked for.
    pub body: String,
    /// The length of the whole body in bytes.
    pub body_bytes: usize,
}

/// Why a message is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyDead {
    /// Nobody can be told its outcome, so no responder works it. The text says what is wrong with it.
    Unanswerable(String),
    /// It is a request, but no responder came to the end of it: each one ended, or could not reply.
    NotFinished {
        /// How often a message may be received before it is dead, by the policy that the request queue has now.
        max_receive_count: u32,
    },
    /// It came from another queue than the one whose dead letters were asked for.
    OfAnotherQueue,
    /// It was never received too often: somebody has sent it to the dead-letter queue.
    SentHere,
}

impl fmt::Display for WhyDead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswerable(reason) => write!(f, "cannot be answered: {reason}"),
            Self::NotFinished { max_receive_count } => {
                write!(f, "received {max_receive_count} times without being finished")
            }
            Self::OfAnotherQueue => f.write_str("a dead letter of another queue"),
            Self::SentHere => f.write_str("sent to the dead-letter queue, not moved there by SQS"),
        }
    }
}

/// The queue whose dead letters are looked at.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) max_receive_count: u32,
    pub(super) allowed_reply_queues: AllowedReplyQueues,
}

impl DeadLetter {
    /// Reads a message, of whose body up to `body_limit` bytes are kept.
    pub(super) fn read(message: Received, origin: &Origin, body_limit: usize) -> Self {
        let text = |name| message.string(name).ok().flatten().map(str::to_owned);
        let source = message.dead_letter_source.as_deref().and_then(|arn| arn.rsplit(':').next()).map(str::to_owned);
        Self {
            message_id: message.message_id.clone(),
            id: text(attribute::CORRELATION_ID),
            tenant: message.group.clone(),
            method: text(attribute::METHOD),
            sent: message.sent_ms,
            receive_count: message.receive_count,
            attributes: message.attributes(),
            body: message.body[..message.body.floor_char_boundary(body_limit)].to_owned(),
            body_bytes: message.body.len(),
            why: why_dead(message, source.as_deref(), origin),
            source,
        }
    }

    /// Whether it is the message or the call with this id.
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.message_id == id || self.id.as_deref() == Some(id)
    }
}

fn why_dead(message: Received, source: Option<&str>, origin: &Origin) -> WhyDead {
    match source {
        None => return WhyDead::SentHere,
        Some(source) if source != origin.name => return WhyDead::OfAnotherQueue,
        Some(_) => {}
    }
    match Request::read(message, &origin.allowed_reply_queues) {
        Err(Rejected::Unanswerable(reason)) => WhyDead::Unanswerable(reason),
        // One that is to be answered with an error is finished by that.
        Ok(_) | Err(Rejected::Answerable(..)) => WhyDead::NotFinished { max_receive_count: origin.max_receive_count },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};

    use super::*;

    fn origin() -> Origin {
        let allowed_reply_queues =
            AllowedReplyQueues { account: "1".to_owned(), name_prefix: "compute-replies".to_owned() };
        Origin { name: "compute-requests".to_owned(), max_receive_count: 10, allowed_reply_queues }
    }

    fn letter(source: Option<&str>, id: Option<&str>, body: &str) -> DeadLetter {
        let text = |value: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(value).build().expect("complete")
        };
        let mut message =
            Message::builder().message_id("m").body(body).message_attributes("Method", text("test/Method"));
        if let Some(id) = id {
            message = message.message_attributes("CorrelationId", text(id));
        }
        if let Some(source) = source {
            let arn = format!("arn:aws:sqs:us-east-1:1:{source}");
            message = message.attributes(MessageSystemAttributeName::DeadLetterQueueSourceArn, arn);
        }
        DeadLetter::read(Received::from(message.build()), &origin(), 4)
    }

    #[test]
    fn a_letter_says_why_it_is_dead() {
        let id = "01a20c65-7d5e-774a-b393-9a715a2bd1fc";
        let here = Some("compute-requests");
        assert_eq!(letter(here, Some(id), "{}").why, WhyDead::NotFinished { max_receive_count: 10 });
        assert!(
            matches!(letter(here, None, "{}").why, WhyDead::Unanswerable(reason) if reason.contains("CorrelationId"))
        );
        assert_eq!(letter(Some("other"), None, "{}").why, WhyDead::OfAnotherQueue);
        assert_eq!(letter(None, Some(id), "{}").why, WhyDead::SentHere);
    }

    #[test]
    fn a_letter_is_found_by_the_id_of_its_call_and_of_its_message_and_keeps_the_start_of_its_body() {
        let letter = letter(None, Some("17"), "123ü5");
        assert!(letter.has_id("17") && letter.has_id("m") && !letter.has_id(""));
        assert_eq!((letter.body.as_str(), letter.body_bytes), ("123", 6));
    }
}

//! The attributes of a queue that those who use it rely on.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{Queue, QueueError};
use crate::redrive_policy::RedrivePolicy;

/// How a queue was made. What SQS does not say has SQS's default.
///
/// Source: [SetQueueAttributes](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAttributes {
    /// Its ARN, `arn:<partition>:sqs:<region>:<account>:<name>`.
    pub arn: String,
    /// How long a message stays invisible after a receive that names no time of its own.
    pub visibility_timeout: Duration,
    /// How long a message is kept that nobody deletes.
    pub retention: Duration,
    /// The largest message, in bytes, its attributes included.
    pub max_message_size: usize,
    /// How long a new message stays invisible.
    pub delay: Duration,
    /// How messages are encrypted where SQS keeps them.
    pub encryption: Encryption,
    /// Where a message goes that is received too often; none: nowhere.
    pub redrive: Option<Redrive>,
    /// `RedriveAllowPolicy`: which queues this one may be the dead-letter queue of, as JSON; none: all of its account.
    pub redrive_allow_policy: Option<String>,
}

/// Where a queue's dead letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The ARN of the dead-letter queue.
    pub dead_letter_arn: String,
    /// How often a message is received before it goes there.
    pub max_receive_count: u32,
}

/// How messages are encrypted where SQS keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    None,
    /// With keys of SQS's (SSE-SQS).
    SqsManaged,
    /// With this key of KMS (SSE-KMS), which all that send and receive must be allowed to use.
    Kms(String),
}

impl Queue {
    pub(crate) async fn attributes(&self) -> Result<QueueAttributes, QueueError> {
        let request = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::All);
        let answer = request.send().await.map_err(|error| self.error("GetQueueAttributes", &error))?;
        Ok(QueueAttributes::read(&answer.attributes.unwrap_or_default()))
    }
}

impl QueueAttributes {
    fn read(attributes: &HashMap<QueueAttributeName, String>) -> Self {
        let text = |name| attributes.get(&name).filter(|value| !value.is_empty());
        let number = |name, default: u64| text(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        let seconds = |name, default| Duration::from_secs(number(name, default));
        let encryption = match text(QueueAttributeName::KmsMasterKeyId) {
            Some(key) => Encryption::Kms(key.clone()),
            None if text(QueueAttributeName::SqsManagedSseEnabled).is_some_and(|on| on == "true") => {
                Encryption::SqsManaged
            }
            None => Encryption::None,
        };
        let redrive = text(QueueAttributeName::RedrivePolicy).and_then(|policy| serde_json::from_str(policy).ok());
        Self {
            arn: text(QueueAttributeName::QueueArn).cloned().unwrap_or_default(),
            visibility_timeout: seconds(QueueAttributeName::VisibilityTimeout, 30),
            retention: seconds(QueueAttributeName::MessageRetentionPeriod, 345_600),
            max_message_size: usize::try_from(number(QueueAttributeName::MaximumMessageSize, 1 << 20))
                .unwrap_or(usize::MAX),
            delay: seconds(QueueAttributeName::DelaySeconds, 0),
            encryption,
            redrive: redrive.map(|RedrivePolicy { dead_letter_target_arn, max_receive_count }| Redrive {
                dead_letter_arn: dead_letter_target_arn,
                max_receive_count,
            }),
            redrive_allow_policy: text(QueueAttributeName::RedriveAllowPolicy).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqs_does_not_say_has_its_default() {
        let read = QueueAttributes::read(&HashMap::new());
        assert_eq!((read.visibility_timeout.as_secs(), read.retention.as_secs()), (30, 345_600));
        assert_eq!((read.encryption, read.redrive), (Encryption::None, None));
    }

    #[test]
    fn attributes_are_read_as_sqs_gives_them() {
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead","maxReceiveCount":10}"#;
        let read = QueueAttributes::read(&HashMap::from([
            (QueueAttributeName::RedrivePolicy, policy.to_owned()),
            (QueueAttributeName::SqsManagedSseEnabled, "true".to_owned()),
            (QueueAttributeName::MaximumMessageSize, "262144".to_owned()),
        ]));
        let expected = Redrive { dead_letter_arn: "arn:aws:sqs:us-east-1:1:dead".to_owned(), max_receive_count: 10 };
        assert_eq!(read.redrive, Some(expected));
        assert_eq!((read.max_message_size, read.encryption), (262_144, Encryption::SqsManaged));
    }
}

//! Redrive policies: where a queue's dead letters go, and who may send dead letters to a queue.
//!
//! Source: [Dead-letter queues](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::SqsError;

/// `RedrivePolicy`: after how many receives a message is a dead letter, and which queue takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RedrivePolicy {
    /// ARN of the dead-letter queue.
    pub(super) target: Arc<str>,
    /// 1 to 1,000.
    pub(super) max_receive_count: u32,
}

/// AWS's consoles and tools write the count as a number or as a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Text(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicyForm {
    dead_letter_target_arn: Option<String>,
    max_receive_count: Option<Count>,
}

impl RedrivePolicy {
    pub(super) fn parse(text: &str) -> Result<Self, SqsError> {
        let invalid = |reason: &str| SqsError::parameter("RedrivePolicy", text, reason);
        let form: RedrivePolicyForm = serde_json::from_str(text).map_err(|_| {
            invalid("Redrive policy is not a valid JSON map of deadLetterTargetArn and maxReceiveCount.")
        })?;
        let target = form
            .dead_letter_target_arn
            .ok_or_else(|| invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn."))?;
        let max_receive_count = match form.max_receive_count {
            None => Some(10),
            Some(Count::Number(count)) => Some(count),
            Some(Count::Text(count)) => count.parse().ok(),
        };
        let max_receive_count = max_receive_count
            .filter(|count| (1..=1000).contains(count))
            .ok_or_else(|| invalid("Invalid value for maxReceiveCount: must be an integer from 1 to 1000."))?;
        Ok(Self { target: target.into(), max_receive_count })
    }

    pub(super) fn render(&self) -> String {
        serde_json::json!({"deadLetterTargetArn": &*self.target, "maxReceiveCount": self.max_receive_count}).to_string()
    }
}

/// `RedriveAllowPolicy`: which queues may name this one as their dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RedriveAllowPolicy {
    redrive_permission: RedrivePermission,
    /// Only with `byQueue`: 1 to 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_queue_arns: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum RedrivePermission {
    AllowAll,
    DenyAll,
    ByQueue,
}

impl RedriveAllowPolicy {
    pub(super) fn parse(text: &str) -> Result<Self, SqsError> {
        let invalid = |reason: &str| SqsError::parameter("RedriveAllowPolicy", text, reason);
        let policy: Self = serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let sources = policy.source_queue_arns.as_ref().map(Vec::len);
        match (policy.redrive_permission, sources) {
            (RedrivePermission::ByQueue, Some(1..=10)) => Ok(policy),
            (RedrivePermission::ByQueue, _) => Err(invalid("byQueue needs 1 to 10 sourceQueueArns.")),
            (_, None) => Ok(policy),
            (_, Some(_)) => Err(invalid("sourceQueueArns is allowed with byQueue only.")),
        }
    }

    pub(super) fn render(&self) -> String {
        serde_json::to_string(self).expect("a struct of strings is always JSON")
    }

    pub(super) fn allows(&self, source_arn: &str) -> bool {
        match self.redrive_permission {
            RedrivePermission::AllowAll => true,
            RedrivePermission::DenyAll => false,
            RedrivePermission::ByQueue => self.source_queue_arns.iter().flatten().any(|allowed| allowed == source_arn),
        }
    }
}

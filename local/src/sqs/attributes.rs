//! The attributes of a queue: names, ranges, defaults.
//!
//! Source: [CreateQueue](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html) and
//! [SetQueueAttributes](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html).
//! On the wire every value is a string. `Policy`, `KmsMasterKeyId`, `KmsDataKeyReusePeriodSeconds` and `SqsManagedSseEnabled` are
//! kept and given back, nothing more: there are no permissions and no encryption here.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::error::SqsError;
use super::queue_state::Millis;
use super::redrive::{RedriveAllowPolicy, RedrivePolicy};

/// Largest message, and largest batch, in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 1_048_576;

/// What can be set on a standard queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueAttributes {
    delay_seconds: u32,
    maximum_message_size: u32,
    message_retention_period: u32,
    receive_message_wait_time_seconds: u32,
    visibility_timeout: u32,
    pub(super) redrive_policy: Option<RedrivePolicy>,
    pub(super) redrive_allow_policy: Option<RedriveAllowPolicy>,
    policy: Option<String>,
    kms_master_key_id: Option<String>,
    kms_data_key_reuse_period_seconds: Option<u32>,
    sqs_managed_sse_enabled: bool,
}

impl Default for QueueAttributes {
    fn default() -> Self {
        Self {
            delay_seconds: 0,
            maximum_message_size: 1_048_576,
            message_retention_period: 345_600,
            receive_message_wait_time_seconds: 0,
            visibility_timeout: 30,
            redrive_policy: None,
            redrive_allow_policy: None,
            policy: None,
            kms_master_key_id: None,
            kms_data_key_reuse_period_seconds: None,
            sqs_managed_sse_enabled: true,
        }
    }
}

/// Attributes that only FIFO queues have.
const FIFO: [&str; 4] = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

/// Attributes that the queue itself keeps and nobody sets.
const COMPUTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

const SETTABLE: [&str; 11] = [
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

impl QueueAttributes {
    /// Delay of messages that bring none of their own.
    pub(super) fn delay(&self) -> Millis {
        Millis::from(self.delay_seconds) * 1000
    }

    /// Age at which a message is dropped.
    pub(super) fn retention(&self) -> Millis {
        Millis::from(self.message_retention_period) * 1000
    }

    /// How long a receive that does not say so hides its messages.
    pub(super) fn visibility(&self) -> Millis {
        Millis::from(self.visibility_timeout) * 1000
    }

    /// How long a receive that does not say so waits for messages.
    pub(super) fn receive_wait(&self) -> Millis {
        Millis::from(self.receive_message_wait_time_seconds) * 1000
    }

    /// Largest message in bytes, attributes included.
    pub(super) fn maximum_message_bytes(&self) -> usize {
        // At most 1 MiB, so it fits.
        self.maximum_message_size as usize
    }

    /// Sets one attribute from its form on the wire.
    ///
    /// # Errors
    ///
    /// [`InvalidAttributeName`](SqsError::InvalidAttributeName), [`InvalidAttributeValue`](SqsError::InvalidAttributeValue); a
    /// malformed redrive policy is an [`InvalidParameterValue`](SqsError::InvalidParameterValue), a wish for FIFO an
    /// [`UnsupportedOperation`](SqsError::UnsupportedOperation).
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        match name {
            "DelaySeconds" => self.delay_seconds = integer(name, value, 0..=900)?,
            "MaximumMessageSize" => self.maximum_message_size = integer(name, value, 1_024..=1_048_576)?,
            "MessageRetentionPeriod" => self.message_retention_period = integer(name, value, 60..=1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => {
                self.receive_message_wait_time_seconds = integer(name, value, 0..=20)?;
            }
            "VisibilityTimeout" => self.visibility_timeout = integer(name, value, 0..=43_200)?,
            "RedrivePolicy" => {
                self.redrive_policy = non_empty(value).map(|value| RedrivePolicy::parse(&value)).transpose()?;
            }
            "RedriveAllowPolicy" => {
                self.redrive_allow_policy =
                    non_empty(value).map(|value| RedriveAllowPolicy::parse(&value)).transpose()?;
            }
            "Policy" => {
                if !value.is_empty() && !is_json_object(value) {
                    return Err(SqsError::InvalidAttributeValue(name.to_owned()));
                }
                self.policy = non_empty(value);
            }
            "KmsMasterKeyId" => self.kms_master_key_id = non_empty(value),
            "KmsDataKeyReusePeriodSeconds" => {
                self.kms_data_key_reuse_period_seconds = Some(integer(name, value, 60..=86_400)?);
            }
            "SqsManagedSseEnabled" => {
                self.sqs_managed_sse_enabled =
                    value.parse().map_err(|_| SqsError::InvalidAttributeValue(name.to_owned()))?;
            }
            "FifoQueue" if value == "true" => return Err(fifo_not_offered()),
            _ => return Err(SqsError::InvalidAttributeName(name.to_owned())),
        }
        Ok(())
    }

    /// The value on the wire; `None` if it is not set or not one of these.
    fn get(&self, name: &str) -> Option<String> {
        match name {
            "DelaySeconds" => Some(self.delay_seconds.to_string()),
            "MaximumMessageSize" => Some(self.maximum_message_size.to_string()),
            "MessageRetentionPeriod" => Some(self.message_retention_period.to_string()),
            "ReceiveMessageWaitTimeSeconds" => Some(self.receive_message_wait_time_seconds.to_string()),
            "VisibilityTimeout" => Some(self.visibility_timeout.to_string()),
            "RedrivePolicy" => self.redrive_policy.as_ref().map(RedrivePolicy::render),
            "RedriveAllowPolicy" => self.redrive_allow_policy.as_ref().map(RedriveAllowPolicy::render),
            "Policy" => self.policy.clone(),
            "KmsMasterKeyId" => self.kms_master_key_id.clone(),
            "KmsDataKeyReusePeriodSeconds" => self.kms_data_key_reuse_period_seconds.map(|period| period.to_string()),
            "SqsManagedSseEnabled" => Some(self.sqs_managed_sse_enabled.to_string()),
            _ => None,
        }
    }

    /// Name of an attribute of `wanted` that has another value here.
    pub(super) fn first_difference<'n>(
        &self,
        wanted: &Self,
        mut names: impl Iterator<Item = &'n str>,
    ) -> Option<&'n str> {
        names.find(|name| self.get(name) != wanted.get(name))
    }
}

/// A selection of queue attributes, as `GetQueueAttributes` names them.
#[derive(Debug)]
pub(super) struct Selection(Vec<&'static str>);

impl Selection {
    /// # Errors
    ///
    /// [`InvalidAttributeName`](SqsError::InvalidAttributeName) for a name that SQS does not know.
    pub(super) fn of(names: &[String]) -> Result<Self, SqsError> {
        let known = || SETTABLE.iter().chain(&COMPUTED).copied();
        let mut selected = Vec::new();
        for name in names {
            match known().find(|known| known == name) {
                Some(name) => selected.push(name),
                None if name == "All" => selected.extend(known()),
                None if FIFO.contains(&name.as_str()) => {} // known, but a standard queue has no value for it
                None => return Err(SqsError::InvalidAttributeName(name.clone())),
            }
        }
        Ok(Self(selected))
    }

    /// The selected ones of the set attributes and of the `computed` ones.
    pub(super) fn render(
        &self,
        attributes: &QueueAttributes,
        computed: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<&'static str, String> {
        self.0
            .iter()
            .filter_map(|&name| attributes.get(name).or_else(|| computed(name)).map(|value| (name, value)))
            .collect()
    }
}

/// The answer to every wish for a FIFO queue.
pub(super) fn fifo_not_offered() -> SqsError {
    SqsError::UnsupportedOperation("FIFO queues are not offered by this endpoint, only standard queues.".to_owned())
}

fn integer(name: &str, value: &str, range: RangeInclusive<u32>) -> Result<u32, SqsError> {
    let parsed = value.parse().ok().filter(|number| range.contains(number));
    parsed.ok_or_else(|| SqsError::InvalidAttributeValue(name.to_owned()))
}

fn non_empty(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

//! Receiving: what is asked for, and how a message is shown.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, Serializer};

use crate::sqs::Sqs;
use crate::sqs::checksum;
use crate::sqs::error::SqsError;
use crate::sqs::message::{Content, not_for_standard_queues};
use crate::sqs::message_attributes::Attribute;
use crate::sqs::protocol::{Answer, in_range};
use crate::sqs::queue::ReceiveOptions;
use crate::sqs::queue_state::{Delivery, Message};
use crate::sqs::registry::ACCOUNT;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct ReceiveMessageInput {
    queue_url: Option<String>,
    /// The older name of the next.
    attribute_names: Option<Vec<String>>,
    message_system_attribute_names: Option<Vec<String>>,
    message_attribute_names: Option<Vec<String>>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessageOutput<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Shown<'m>>,
}

#[derive(Serialize)]
struct Shown<'m> {
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "ReceiptHandle")]
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    body_md5: &'m str,
    #[serde(rename = "Body")]
    body: &'m str,
    #[serde(rename = "Attributes", skip_serializing_if = "Map::is_empty")]
    system_attributes: Map<&'static str, Cow<'m, str>>,
    /// Of the attributes shown, which need not be all.
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<String>,
    #[serde(rename = "MessageAttributes", skip_serializing_if = "Map::is_empty")]
    attributes: Map<&'m String, &'m Attribute>,
}

/// An object.
struct Map<N, V>(Vec<(N, V)>);

impl<N, V> Map<N, V> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Serialize, V: Serialize> Serialize for Map<N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Sqs {
    pub(in crate::sqs) async fn receive_message(&self, input: ReceiveMessageInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let limit = in_range("MaxNumberOfMessages", input.max_number_of_messages, 1, 10)?.unwrap_or(1);
        let visibility = in_range("VisibilityTimeout", input.visibility_timeout, 0, 43_200)?;
        let wait = in_range("WaitTimeSeconds", input.wait_time_seconds, 0, 20)?;
        if let Some(id) = &input.receive_request_attempt_id {
            return Err(not_for_standard_queues("ReceiveRequestAttemptId", id));
        }
        let wanted = [input.attribute_names, input.message_system_attribute_names].into_iter().flatten().flatten();
        let system_names = SystemNames::of(wanted)?;
        let names = NameFilter::of(input.message_attribute_names.as_deref().unwrap_or_default());

        let options = ReceiveOptions {
            limit: usize::try_from(limit).unwrap_or(1),
            visibility: visibility.map(|seconds| seconds * 1000),
            wait: wait.map(|seconds| seconds * 1000),
        };
        let deliveries = queue.receive(options, |policy| self.registry.by_arn(&policy.target)).await?;
        let messages = deliveries.iter().map(|Delivery { receipt, message }| {
            let handle = self.receipt_handles.seal(queue.id, *receipt);
            shown(&message.content, handle, system_names.values(message), &names)
        });
        let output = ReceiveMessageOutput { messages: messages.collect() };
        Ok(if output.messages.is_empty() { Answer::no_messages(&output) } else { Answer::new(&output) })
    }
}

fn shown<'m>(
    content: &'m Content,
    receipt_handle: String,
    system_attributes: Map<&'static str, Cow<'m, str>>,
    names: &NameFilter,
) -> Shown<'m> {
    let attributes: Vec<_> = content.attributes.iter().filter(|(name, _)| names.matches(name)).collect();
    let attributes_md5 = if attributes.len() == content.attributes.len() {
        content.attributes_md5.clone()
    } else {
        checksum::of_attributes(attributes.iter().copied())
    };
    Shown {
        message_id: content.id.to_string(),
        receipt_handle,
        body_md5: &content.body_md5,
        body: &content.body,
        system_attributes,
        attributes_md5,
        attributes: Map(attributes),
    }
}

/// Which message attributes a receive shows.
#[derive(Debug, Default)]
struct NameFilter {
    exact: BTreeSet<String>,
    /// Of `prefix.*`; `All` and `.*` are the empty prefix.
    prefixes: Vec<String>,
}

impl NameFilter {
    fn of(names: &[String]) -> Self {
        let mut filter = Self::default();
        for name in names {
            match name.strip_suffix(".*") {
                Some(prefix) => filter.prefixes.push(prefix.to_owned()),
                None if name == "All" => filter.prefixes.push(String::new()),
                None => {
                    filter.exact.insert(name.clone());
                }
            }
        }
        filter
    }

    fn matches(&self, name: &str) -> bool {
        self.exact.contains(name) || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// Which system attributes a receive shows.
#[derive(Debug)]
struct SystemNames(BTreeSet<&'static str>);

impl SystemNames {
    const ALL: [&'static str; 9] = [
        "AWSTraceHeader",
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "DeadLetterQueueSourceArn",
        "MessageDeduplicationId",
        "MessageGroupId",
        "SenderId",
        "SentTimestamp",
        "SequenceNumber",
    ];

    fn of(names: impl Iterator<Item = String>) -> Result<Self, SqsError> {
        let mut wanted = BTreeSet::new();
        for name in names {
            match Self::ALL.into_iter().find(|known| *known == name) {
                Some(known) => {
                    wanted.insert(known);
                }
                None if name == "All" => wanted.extend(Self::ALL),
                None => return Err(SqsError::InvalidAttributeName(name)),
            }
        }
        Ok(Self(wanted))
    }

    fn values<'m>(&self, message: &'m Message) -> Map<&'static str, Cow<'m, str>> {
        let value = |name: &'static str| {
            let value = match name {
                "AWSTraceHeader" => message.content.trace_header.as_deref().map(Cow::from),
                "ApproximateFirstReceiveTimestamp" => message.first_received_at.map(|time| time.to_string().into()),
                "ApproximateReceiveCount" => Some(message.receive_count.to_string().into()),
                "DeadLetterQueueSourceArn" => message.dead_letter_source.as_ref().map(|arn| arn.to_string().into()),
                "MessageGroupId" => message.content.group_id.as_deref().map(Cow::from),
                // The id of an account's root user is the account's; nobody else can be told apart here.
                "SenderId" => Some(ACCOUNT.into()),
                "SentTimestamp" => Some(message.sent_at.to_string().into()),
                _ => None,
            };
            value.map(|value| (name, value))
        };
        Map(self.0.iter().copied().filter_map(value).collect())
    }
}

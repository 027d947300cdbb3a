//! Actions on queues themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sqs::Sqs;
use crate::sqs::attributes::Selection;
use crate::sqs::error::SqsError;
use crate::sqs::paging::{PageForm, page};
use crate::sqs::protocol::{Answer, Call, required};
use crate::sqs::queue::Queue;
use crate::sqs::queue_state::{Counts, Millis};
use crate::sqs::registry::ACCOUNT;
use crate::sqs::tags::Tags;

#[derive(Debug, Deserialize)]
pub(in crate::sqs) struct CreateQueueInput {
    #[serde(rename = "QueueName")]
    name: Option<String>,
    #[serde(rename = "Attributes")]
    attributes: Option<BTreeMap<String, String>>,
    /// In lower case, other than all else in the API.
    tags: Option<Tags>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct QueueInput {
    queue_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct GetQueueUrlInput {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct ListQueuesInput {
    queue_name_prefix: Option<String>,
    #[serde(flatten)]
    page: PageForm,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct ListSourcesInput {
    queue_url: Option<String>,
    #[serde(flatten)]
    page: PageForm,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct GetQueueAttributesInput {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct SetQueueAttributesInput {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrlOutput {
    queue_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueuesOutput {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
struct ListSourcesOutput {
    /// In lower case, other than all else in the API.
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttributesOutput {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<&'static str, String>,
}

impl Sqs {
    pub(in crate::sqs) fn create(&self, call: &Call, input: CreateQueueInput) -> Result<Answer, SqsError> {
        let name = required("QueueName", input.name)?;
        let attributes = input.attributes.unwrap_or_default();
        let queue = self.registry.create(&name, &attributes, input.tags.unwrap_or_default())?;
        Ok(queue_url_answer(call, &queue))
    }

    pub(in crate::sqs) fn delete_queue(&self, input: &QueueInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        self.registry.delete(&queue);
        self.move_tasks.forget(&queue);
        Ok(Answer::empty())
    }

    pub(in crate::sqs) fn get_queue_url(&self, call: &Call, input: GetQueueUrlInput) -> Result<Answer, SqsError> {
        let name = required("QueueName", input.queue_name)?;
        if input.owner.is_some_and(|owner| owner != ACCOUNT) {
            return Err(SqsError::QueueDoesNotExist);
        }
        Ok(queue_url_answer(call, &*self.registry.by_name(&name)?))
    }

    pub(in crate::sqs) fn list_queues(&self, call: &Call, input: &ListQueuesInput) -> Result<Answer, SqsError> {
        let prefix = input.queue_name_prefix.as_deref().unwrap_or_default();
        let mut queues = self.registry.all();
        queues.retain(|queue| queue.name.starts_with(prefix));
        let (queues, next_token) = page(queues, &input.page)?;
        let queue_urls = queues.iter().map(|queue| queue_url(call, queue)).collect();
        Ok(Answer::new(&ListQueuesOutput { queue_urls, next_token }))
    }

    pub(in crate::sqs) fn list_dead_letter_source_queues(
        &self,
        call: &Call,
        input: &ListSourcesInput,
    ) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let (queues, next_token) = page(self.registry.dead_letter_sources(&queue), &input.page)?;
        let queue_urls = queues.iter().map(|queue| queue_url(call, queue)).collect();
        Ok(Answer::new(&ListSourcesOutput { queue_urls, next_token }))
    }

    pub(in crate::sqs) fn get_queue_attributes(&self, input: &GetQueueAttributesInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let selection = Selection::of(input.attribute_names.as_deref().unwrap_or_default())?;
        let attributes = queue.with_metadata(|state, metadata, now| {
            let Counts { visible, in_flight, delayed } = state.counts(now);
            selection.render(&state.attributes, |name| match name {
                "ApproximateNumberOfMessages" => Some(visible.to_string()),
                "ApproximateNumberOfMessagesNotVisible" => Some(in_flight.to_string()),
                "ApproximateNumberOfMessagesDelayed" => Some(delayed.to_string()),
                "CreatedTimestamp" => Some((metadata.created_at / 1000).to_string()),
                "LastModifiedTimestamp" => Some((metadata.modified_at / 1000).to_string()),
                "QueueArn" => Some(queue.arn.to_string()),
                _ => None,
            })
        });
        Ok(Answer::new(&AttributesOutput { attributes }))
    }

    pub(in crate::sqs) fn set_queue_attributes(&self, input: &SetQueueAttributesInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let given = required("Attributes", input.attributes.as_ref())?;
        // All or nothing, and no look into the registry while the queue is locked.
        let mut changed = queue.with(|state, _| state.attributes.clone());
        for (name, value) in given {
            changed.set(name, value)?;
        }
        if given.contains_key("RedrivePolicy") {
            self.registry.check_dead_letter_target(&queue.arn, &changed)?;
        }
        queue.with_metadata(|state, metadata, now| {
            given.iter().try_for_each(|(name, value)| state.attributes.set(name, value))?;
            metadata.modified_at = now;
            Ok(Answer::empty())
        })
    }

    pub(in crate::sqs) fn purge_queue(&self, input: &QueueInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let interval = Millis::try_from(self.config.purge_interval.as_millis()).unwrap_or(Millis::MAX);
        queue.with_metadata(|state, metadata, now| {
            if metadata.purged_at.is_some_and(|purged_at| now < purged_at.saturating_add(interval)) {
                let seconds = self.config.purge_interval.as_secs();
                return Err(SqsError::PurgeQueueInProgress { queue: queue.name.clone(), seconds });
            }
            metadata.purged_at = Some(now);
            state.purge();
            Ok(Answer::empty())
        })
    }
}

fn queue_url(call: &Call, queue: &Queue) -> String {
    format!("http://{}/{ACCOUNT}/{}", call.host, queue.name)
}

fn queue_url_answer(call: &Call, queue: &Queue) -> Answer {
    Answer::new(&QueueUrlOutput { queue_url: queue_url(call, queue) })
}

//! Actions on the tags of queues.

use serde::{Deserialize, Serialize};

use crate::sqs::Sqs;
use crate::sqs::error::SqsError;
use crate::sqs::protocol::{Answer, required};
use crate::sqs::tags::{self, Tags};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct TagQueueInput {
    queue_url: Option<String>,
    tags: Option<Tags>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct UntagQueueInput {
    queue_url: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct ListQueueTagsInput {
    queue_url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagsOutput {
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
}

impl Sqs {
    pub(in crate::sqs) fn tag_queue(&self, input: TagQueueInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let added = required("Tags", input.tags.filter(|tags| !tags.is_empty()))?;
        queue.with_metadata(|_, metadata, _| tags::add(&mut metadata.tags, added))?;
        Ok(Answer::empty())
    }

    pub(in crate::sqs) fn untag_queue(&self, input: &UntagQueueInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let keys = required("TagKeys", input.tag_keys.as_ref())?;
        queue.with_metadata(|_, metadata, _| metadata.tags.retain(|key, _| !keys.contains(key)));
        Ok(Answer::empty())
    }

    pub(in crate::sqs) fn list_queue_tags(&self, input: &ListQueueTagsInput) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let tags = queue.with_metadata(|_, metadata, _| metadata.tags.clone());
        Ok(Answer::new(&TagsOutput { tags }))
    }
}

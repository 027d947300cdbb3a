//! What keeps track of queues: their tags, and lists of them.
//!
//! An account may tag and read tags some 30 times a second, all its processes together.

use std::collections::HashMap;

use super::{Queue, QueueError, Sqs};

/// The most queues that SQS lists in one answer.
const PAGE: i32 = 1_000;

impl Sqs {
    /// All queues whose names start with this, however many there are.
    pub(crate) async fn queues_named(&self, name_prefix: &str) -> Result<Vec<Queue>, QueueError> {
        let request = self.client.list_queues().queue_name_prefix(name_prefix).max_results(PAGE);
        let mut pages = request.into_paginator().send();
        let mut queues = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| QueueError::from_sdk("ListQueues", name_prefix, &error))?;
            queues.extend(page.queue_urls().iter().map(|url| self.queue_at(url)));
        }
        Ok(queues)
    }
}

impl Queue {
    pub(crate) async fn tags(&self) -> Result<HashMap<String, String>, QueueError> {
        let answer = self.client.list_queue_tags().queue_url(&self.url).send().await;
        let answer = answer.map_err(|error| QueueError::from_sdk("ListQueueTags", &self.url, &error))?;
        Ok(answer.tags.unwrap_or_default())
    }

    /// Gives the queue these tags; others that it has stay.
    pub(crate) async fn tag(&self, tags: HashMap<String, String>) -> Result<(), QueueError> {
        let answer = self.client.tag_queue().queue_url(&self.url).set_tags(Some(tags)).send().await;
        answer.map_err(|error| QueueError::from_sdk("TagQueue", &self.url, &error))?;
        Ok(())
    }

    pub(crate) async fn untag(&self, keys: &[&str]) -> Result<(), QueueError> {
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        let answer = self.client.untag_queue().queue_url(&self.url).set_tag_keys(Some(keys)).send().await;
        answer.map_err(|error| QueueError::from_sdk("UntagQueue", &self.url, &error))?;
        Ok(())
    }
}

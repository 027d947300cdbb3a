//! How long a queue keeps messages.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{Queue, QueueError};

impl Queue {
    /// How long a message stays on the queue that nobody deletes; none if SQS does not say.
    pub(crate) async fn retention(&self) -> Result<Option<Duration>, QueueError> {
        let name = QueueAttributeName::MessageRetentionPeriod;
        let answer = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone()).send().await;
        let answer = answer.map_err(|error| QueueError::from_sdk("GetQueueAttributes", &self.url, &error))?;
        let seconds = answer.attributes().and_then(|attributes| attributes.get(&name)?.parse().ok());
        Ok(seconds.map(Duration::from_secs))
    }
}

//! What lies on the queues.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use tokio::time::Instant;

use crate::BoxError;
use crate::system::System;

/// How often a look is tried again: the endpoint may misbehave on purpose.
const ATTEMPTS: u32 = 20;

/// The queues of a system.
#[derive(Debug, Clone)]
pub(crate) struct Queues {
    client: Client,
}

/// The messages of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(crate) struct Depth {
    /// Those that may be received.
    pub(crate) waiting: u64,
    /// Those that somebody has received and not deleted.
    pub(crate) in_flight: u64,
}

impl Queues {
    /// What SQS is asked when somebody looks at a queue's depth.
    pub(crate) const LOOKS: [&str; 2] = ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"];

    pub(crate) fn of(system: &System) -> Self {
        Self { client: Client::new(&system.aws()) }
    }

    pub(crate) async fn depth(&self, queue: &str) -> Result<Depth, BoxError> {
        let url = self.url(queue).await?;
        let names = [Attribute::ApproximateNumberOfMessages, Attribute::ApproximateNumberOfMessagesNotVisible];
        let answer = persist(async || {
            let request = self.client.get_queue_attributes().queue_url(&url);
            request.set_attribute_names(Some(names.to_vec())).send().await
        });
        let attributes = answer.await?.attributes.unwrap_or_default();
        let [waiting, in_flight] = names.map(|name| attributes.get(&name).and_then(|count| count.parse().ok()));
        Ok(Depth { waiting: waiting.ok_or("no count")?, in_flight: in_flight.ok_or("no count")? })
    }

    /// Waits until a queue is empty, as long as that may take; what it holds then.
    pub(crate) async fn until_empty(&self, queue: &str, limit: Duration) -> Result<Depth, BoxError> {
        self.until(queue, limit, |depth| depth == Depth::default()).await
    }

    /// Waits until a queue holds what is wanted, as long as that may take; what it holds then.
    pub(crate) async fn until(
        &self,
        queue: &str,
        limit: Duration,
        is_wanted: impl Fn(Depth) -> bool,
    ) -> Result<Depth, BoxError> {
        let end = Instant::now() + limit;
        loop {
            let depth = self.depth(queue).await?;
            if is_wanted(depth) || Instant::now() >= end {
                return Ok(depth);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// URLs of the queues whose names start so, up to 1,000.
    pub(crate) async fn named(&self, prefix: &str) -> Result<Vec<String>, BoxError> {
        let answer = persist(async || self.client.list_queues().queue_name_prefix(prefix).send().await);
        Ok(answer.await?.queue_urls.unwrap_or_default())
    }

    /// Makes a queue, if there is none of that name; its URL.
    pub(crate) async fn create(&self, name: &str) -> Result<String, BoxError> {
        let answer = persist(async || self.client.create_queue().queue_name(name).send().await);
        answer.await?.queue_url.ok_or_else(|| "no URL".into())
    }

    async fn url(&self, queue: &str) -> Result<String, BoxError> {
        let answer = persist(async || self.client.get_queue_url().queue_name(queue).send().await);
        answer.await?.queue_url.ok_or_else(|| "no URL".into())
    }
}

/// Tries until it works.
async fn persist<T, E: std::error::Error + Send + Sync + 'static>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, BoxError> {
    let mut failed = 0;
    loop {
        match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                failed += 1;
                if failed == ATTEMPTS {
                    return Err(DisplayErrorContext(error).to_string().into());
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

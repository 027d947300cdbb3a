//! Long polls of a queue.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::operation::receive_message::ReceiveMessage;

use super::{MAX_BATCH, Queue, QueueError, clamp_i32, json, seconds};
use crate::message::Received;

/// How much longer than its wait a long poll may take before it is given up: a poll of the SDK can hang past its wait time.
const GRACE: Duration = Duration::from_secs(5);

/// A queue to receive from. It has a client of its own, whose timeout is that of a poll: of one that is given with each request
/// the SDK puts a configuration together, each time anew.
#[derive(Debug, Clone)]
pub(crate) struct Polls {
    queue: Queue,
    wait: Duration,
}

impl Queue {
    /// Polls of this queue that each wait so long: whole seconds, at most 20.
    pub(crate) fn polls(&self, wait: Duration) -> Polls {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(wait + GRACE).build();
        let config = self.client.config().to_builder().timeout_config(timeouts).build();
        Polls { queue: Self { client: Client::from_conf(config), ..self.clone() }, wait }
    }
}

impl Polls {
    /// A long poll: up to `max` messages (at most 10), none if none came while it waited. They stay invisible to others for
    /// `visibility` (whole seconds).
    ///
    /// Dropping this future does not stop SQS from handing out messages to it: let it come home.
    pub(crate) async fn receive(&self, max: usize, visibility: Duration) -> Result<Vec<Received>, QueueError> {
        let Queue { client, url, batches } = &self.queue;
        let request = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(clamp_i32(max.min(MAX_BATCH)))
            .wait_time_seconds(seconds(self.wait))
            .visibility_timeout(seconds(visibility))
            .message_attribute_names("All")
            .set_message_system_attribute_names(Some(Received::SYSTEM_ATTRIBUTES.to_vec()));
        let messages = json::exchange::<ReceiveMessage, _, _>(None, Box::pin(request.send())).await;
        let messages = messages.map_err(|error| QueueError::from_sdk("ReceiveMessage", url, &error))?;
        batches.receive.count(messages.len());
        Ok(messages)
    }
}

//! Notes a delivery after which SQS gives a message up.

use std::time::Duration;

use super::{Journal, Shared};
use crate::backoff::Backoff;
use crate::queue::Queue;
use crate::redrive_policy::RedrivePolicy;
use crate::request::Request;

/// How often a note is tried, and the pauses in between.
const ATTEMPTS: u32 = 3;
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

/// How long all of that may take: the request is not to wait for its note.
const LIMIT: Duration = Duration::from_secs(5);

/// How often a message of the queue is received before it goes to the dead-letter queue; none if it never does, or if that
/// may not be asked.
pub(super) async fn max_receive_count(queue: &Queue) -> Option<u32> {
    match queue.redrive_policy().await {
        Ok(policy) => {
            let policy = policy?;
            let read = serde_json::from_str::<RedrivePolicy>(&policy);
            if let Err(error) = &read {
                tracing::warn!(policy, %error, "last deliveries are not noted: the redrive policy cannot be read");
            }
            read.ok().map(|policy| policy.max_receive_count)
        }
        Err(error) => {
            tracing::warn!(%error, "last deliveries are not noted: cannot ask for the redrive policy");
            None
        }
    }
}

impl<S, J> Shared<S, J> {
    /// Has the journal note it if the message is not delivered again. Never keeps the request from being worked.
    pub(super) async fn note_last_delivery<T>(&self, request: &Request)
    where
        J: Journal<T>,
    {
        if self.max_receive_count.is_none_or(|max| request.receive_count < max) {
            return;
        }
        let noting = async {
            let mut backoff = BACKOFF;
            for attempt in 1..=ATTEMPTS {
                let Err(error) = self.journal.last_delivery(request, &self.worker_id).await else { return };
                tracing::warn!(error, attempt, "cannot note the last delivery of a request");
                if attempt < ATTEMPTS {
                    backoff.pause().await;
                }
            }
        };
        if tokio::time::timeout(LIMIT, Box::pin(noting)).await.is_err() {
            tracing::warn!("the last delivery of a request is not noted in time");
        }
    }
}

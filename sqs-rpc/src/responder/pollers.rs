//! The tasks that receive requests.

use std::sync::Arc;
use std::time::Duration;

use tower::Service;

use super::{Answer, Journal, Shared, work};
use crate::backoff::Backoff;
use crate::failure::Failure;
use crate::message::Received;
use crate::queue::MAX_BATCH;
use crate::request::Request;

/// Receives as many messages as there are free slots, over and over, until the responder stops.
pub(super) async fn poll<S, J, T>(shared: Arc<Shared<S, J>>)
where
    S: Service<Request, Response = Answer<T>, Error = Failure> + Clone + Send + Sync + 'static,
    S::Future: Send,
    J: Journal<T>,
    T: Send + Sync + 'static,
{
    let (mut backoff, polls) = (Backoff::of_polls(), shared.queue.polls(shared.poll_wait));
    while let Some(slots) = shared.stopping.run_until_cancelled(shared.slots.take(MAX_BATCH)).await {
        // Never cut off: SQS hands messages to a poll whose connection is gone all the same, and nobody would see them until
        // their visibility timeout.
        match polls.receive(slots.len(), shared.visibility_timeout).await {
            Ok(messages) => {
                backoff.reset();
                shared.counters.received.add(messages.len() as u64);
                if shared.stopping.is_cancelled() {
                    return give_back(&shared, &messages).await;
                }
                for (message, slot) in messages.into_iter().zip(slots) {
                    // In a box, since spawning a task moves its future several times, and this one has kilobytes.
                    let delivery = Box::pin(work::work(shared.clone(), message, slot));
                    let abandoning = shared.abandoning.clone();
                    shared.tasks.spawn(async move { abandoning.run_until_cancelled(delivery).await });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot receive requests");
                shared.stopping.run_until_cancelled(backoff.pause()).await;
            }
        }
    }
}

/// Makes messages that were not started visible to other responders at once.
async fn give_back<S, J>(shared: &Shared<S, J>, messages: &[Received]) {
    if messages.is_empty() {
        return;
    }
    let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
    for result in shared.queue.change_visibility_batch(&receipts, Duration::ZERO).await {
        match result {
            Ok(()) => shared.counters.given_back.add(1),
            Err(error) => tracing::warn!(%error, "a message could not be given back, it stays invisible for a while"),
        }
    }
}

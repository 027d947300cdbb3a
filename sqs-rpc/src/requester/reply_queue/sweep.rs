//! Clears the queues of dead requesters away.
//!
//! A queue is deleted if all of this holds: it has the name of a reply queue that a requester made, the time in the name is
//! longer ago than a requester may be silent, and so is the time in its tag `sqs-rpc:last-active`. Both times are SQS's, as is
//! the clock they are judged by. A queue without that tag is somebody else's.
//!
//! Requesters share the work without talking to each other, as the nodes of a ring do: in the order of names, which is that of
//! their making, each looks after those that follow its own, up to the second one that is alive. So every dead queue is in the
//! care of two live requesters, and hundreds of requesters read a few tags each, not all of each other's. A queue that was made
//! just now counts as alive without a look: when a hundred start at once, all but the last two list the queues, and that is all.
//!
//! The last ones are followed by the oldest. If the last ones have just died, and others after them again and again, nobody would
//! get to the oldest: so now and then a sweep begins there.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngExt as _;

use super::ReplyQueueUpkeep;
use super::own::{LAST_ACTIVE, made_ms};
use crate::backoff::{jittered, some_of};
use crate::clock;
use crate::queue::{Queue, QueueError, Sqs};

/// How many live requesters a sweep goes up to. With one, a dead queue would stay if the live requester before it dies too, or
/// may not delete.
const LIVE_ONES: u32 = 2;

pub(super) struct Sweeper {
    pub(super) sqs: Sqs,
    pub(super) name_prefix: String,
    pub(super) upkeep: ReplyQueueUpkeep,
}

/// Where a sweep begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    BehindOwn,
    AtTheOldest,
}

impl Begin {
    /// By chance, a quarter of them at the oldest.
    pub(super) fn by_chance() -> Self {
        if rand::rng().random_bool(0.25) { Self::AtTheOldest } else { Self::BehindOwn }
    }
}

/// What a look at a queue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Alive,
    Dead,
    /// Not the queue of a requester, or gone by now.
    NotOurs,
}

impl Sweeper {
    pub(super) async fn first_pause(&self) {
        tokio::time::sleep(some_of(self.upkeep.first_sweep_within)).await;
    }

    pub(super) async fn pause(&self) {
        tokio::time::sleep(jittered(self.upkeep.sweep_interval)).await;
    }

    /// One sweep, of the requester whose queue has this URL. Adds what it deletes to `deleted`.
    pub(super) async fn sweep(&self, own_url: &str, begin: Begin, deleted: &AtomicU64) {
        if let Err(error) = self.sweep_until_failure(own_url, begin, deleted).await {
            // The next one goes on. Most likely too many sweep at once, or it is not allowed.
            tracing::warn!(%error, "a sweep for the reply queues of dead requesters ended early");
        }
    }

    async fn sweep_until_failure(&self, own_url: &str, begin: Begin, deleted: &AtomicU64) -> Result<(), QueueError> {
        let queues = self.sqs.queues_named(&self.name_prefix).await?;
        let mut alive = 0;
        for queue in in_order(own_url, begin, queues) {
            match unless_gone(self.look_at(&queue).await)?.unwrap_or(Finding::NotOurs) {
                Finding::NotOurs => {}
                Finding::Alive => alive += 1,
                Finding::Dead => {
                    if unless_gone(queue.delete_queue().await)?.is_some() {
                        tracing::info!(queue = queue.url(), "deleted the reply queue of a dead requester");
                        deleted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
            if alive == LIVE_ONES {
                break;
            }
        }
        Ok(())
    }

    async fn look_at(&self, queue: &Queue) -> Result<Finding, QueueError> {
        match made_ms(&self.name_prefix, queue.name()) {
            None => return Ok(Finding::NotOurs),
            Some(made) if !self.is_long_ago(made) => return Ok(Finding::Alive),
            Some(_) => tokio::time::sleep(self.upkeep.sweep_pause).await,
        }
        let tags = queue.tags().await?;
        let last_active = tags.get(LAST_ACTIVE).and_then(|last_active| last_active.parse().ok());
        Ok(match last_active {
            None => Finding::NotOurs,
            Some(last_active) if self.is_long_ago(last_active) => Finding::Dead,
            Some(_) => Finding::Alive,
        })
    }

    fn is_long_ago(&self, unix_ms: i64) -> bool {
        clock::between(unix_ms, self.sqs.clock().now_ms()) > self.upkeep.dead_after
    }
}

/// None if the queue does not exist any more: its owner or another sweep was faster.
fn unless_gone<T>(outcome: Result<T, QueueError>) -> Result<Option<T>, QueueError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_no_such_queue() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The other queues in the order of the sweep, which goes round.
fn in_order(own_url: &str, begin: Begin, mut queues: Vec<Queue>) -> Vec<Queue> {
    let own_name = own_url.rsplit_once('/').map_or(own_url, |(_rest, name)| name);
    queues.retain(|queue| queue.name() != own_name);
    queues.sort_by(|a, b| a.name().cmp(b.name()));
    if begin == Begin::BehindOwn {
        let first = queues.partition_point(|queue| queue.name() < own_name);
        queues.rotate_left(first);
    }
    queues
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    #[test]
    fn a_sweep_goes_round_from_behind_its_own_queue_or_from_the_oldest() {
        let sqs = Sqs::new(&SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build());
        let queues = ["d", "a", "c", "b", "e"].map(|name| sqs.queue_at(&format!("https://host/1/{name}")));
        for (begin, expected) in [(Begin::BehindOwn, ["d", "e", "a", "b"]), (Begin::AtTheOldest, ["a", "b", "d", "e"])]
        {
            let order = in_order("https://host/1/c", begin, queues.to_vec());
            assert_eq!(order.iter().map(Queue::name).collect::<Vec<_>>(), expected);
        }
    }
}

//! A reply queue of one's own.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_sqs::types::QueueAttributeName;
use uuid::{NoContext, Timestamp, Uuid};

use super::super::RequesterConfig;
use super::ReplyQueueUpkeep;
use super::sweep::Sweeper;
use crate::backoff::{Backoff, jittered};
use crate::clock::SqsClock;
use crate::queue::{Queue, QueueError, Sqs};
use crate::settings::{StartError, reply_queue_name_prefix};

/// The tag that says when the owner was last alive: Unix milliseconds on SQS's clock.
pub(super) const LAST_ACTIVE: &str = "sqs-rpc:last-active";

/// How long SQS keeps a reply that nobody fetches, in seconds: the queue of a process that died empties itself.
const RETENTION_SECONDS: &str = "300";

pub(super) struct OwnQueue {
    sqs: Sqs,
    name_prefix: String,
    upkeep: ReplyQueueUpkeep,
    clock: Arc<SqsClock>,
}

impl OwnQueue {
    pub(super) fn new(sqs: &Sqs, config: &RequesterConfig) -> Self {
        Self {
            sqs: sqs.clone(),
            name_prefix: format!("{}-", reply_queue_name_prefix(&config.prefix)),
            upkeep: config.reply_queue_upkeep,
            clock: sqs.clock().clone(),
        }
    }

    pub(super) fn sweeper(&self) -> Sweeper {
        Sweeper { sqs: self.sqs.clone(), name_prefix: self.name_prefix.clone(), upkeep: self.upkeep }
    }

    /// Makes a queue that no sweep takes for dead: its tag comes with it.
    pub(super) async fn make(&self) -> Result<Queue, StartError> {
        let name = queue_name(&self.name_prefix, self.clock.now_ms());
        let attributes = [(QueueAttributeName::MessageRetentionPeriod, RETENTION_SECONDS)];
        let queue = self.sqs.create_queue(&name, &attributes, last_active(self.clock.now_ms())).await;
        let queue = queue.map_err(|source| StartError::Queue { role: "reply", source })?;
        tracing::info!(queue = queue.url(), "made the reply queue");
        Ok(queue)
    }

    /// Never returns: a queue of one's own has no other owner.
    pub(super) async fn keep_alive(&self, queue: &Queue) -> String {
        let mut backoff = Backoff::new(self.upkeep.heartbeat / 64, self.upkeep.heartbeat / 8);
        loop {
            tokio::time::sleep(jittered(self.upkeep.heartbeat)).await;
            while let Err(error) = self.beat(queue).await {
                tracing::warn!(%error, "the reply queue could not be marked as in use");
                backoff.pause().await;
            }
            backoff.reset();
        }
    }

    async fn beat(&self, queue: &Queue) -> Result<(), QueueError> {
        const OFF_MS: u64 = 5_000;
        let (written, before) = (self.clock.now_ms(), tokio::time::Instant::now());
        queue.tag(last_active(written)).await?;
        // The host's clock may have been set since SQS last told the time. Now it has told it again.
        let took_ms = u64::try_from(before.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.clock.now_ms().abs_diff(written) > took_ms.saturating_add(OFF_MS) {
            queue.tag(last_active(self.clock.now_ms())).await?;
        }
        Ok(())
    }

    pub(super) async fn delete(&self, queue: &Queue) {
        match queue.delete_queue().await {
            Ok(()) => tracing::info!(queue = queue.url(), "deleted the reply queue"),
            Err(error) if error.is_no_such_queue() => {}
            Err(error) => tracing::warn!(%error, "the reply queue stays behind"),
        }
    }
}

fn last_active(unix_ms: i64) -> HashMap<String, String> {
    HashMap::from([(LAST_ACTIVE.to_owned(), unix_ms.to_string())])
}

/// A name that no other queue has, and that tells when it was made.
fn queue_name(name_prefix: &str, unix_ms: i64) -> String {
    let unix_ms = u64::try_from(unix_ms).unwrap_or(0);
    let nanos = u32::try_from(unix_ms % 1_000).unwrap_or(0) * 1_000_000;
    format!("{name_prefix}{}", Uuid::new_v7(Timestamp::from_unix(NoContext, unix_ms / 1_000, nanos)))
}

/// When the queue of this name was made, in Unix milliseconds on SQS's clock; absent if it is not a name that requesters give.
pub(super) fn made_ms(name_prefix: &str, name: &str) -> Option<i64> {
    let uuid = name.strip_prefix(name_prefix).filter(|uuid| uuid.len() == 36)?;
    let uuid = Uuid::try_parse(uuid).ok().filter(|uuid| uuid.get_version_num() == 7)?;
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_when_its_queue_was_made_and_others_tell_nothing() {
        let name = queue_name("compute-replies-", 1_795_507_202_345);
        assert_eq!(made_ms("compute-replies-", &name), Some(1_795_507_202_345));
        assert_eq!(name.len(), "compute-replies-".len() + 36);
        for other in [
            "compute-replies-orders",
            "compute-replies-",
            "compute-replies",
            "other-replies-019d0d52-54a9-7000-8000-000000000000",
            "compute-replies-6b3f1c1e-9a1b-4c57-8f0e-0d8f5b6a7c21",
            "compute-replies-019d0d5254a970008000000000000000",
            "compute-replies-019d0d52-54a9-7000-8000-000000000000-x",
        ] {
            assert_eq!(made_ms("compute-replies-", other), None, "{other}");
        }
    }
}

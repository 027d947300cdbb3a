//! The tasks that fetch replies.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::waiters::Waiters;
use crate::batch::{BatchOperation, Batcher, jittered};
use crate::message::Received;
use crate::queue::{MAX_BATCH, Queue, QueueError};
use crate::reply::IncomingReply;

/// How long a fetched reply stays invisible. It is deleted long before; if that fails it comes again, as a duplicate.
const VISIBILITY: Duration = Duration::from_secs(30);

/// The pause after a failed poll; it doubles up to the most with each further one.
const POLL_BACKOFF: Duration = Duration::from_millis(100);
const MAX_POLL_BACKOFF: Duration = Duration::from_secs(5);

/// How many requests to SQS delete replies at once.
const DELETE_SLOTS: usize = 2;

pub(crate) struct ReplyPollers {
    deletes: Arc<Batcher<DeleteMessages>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl ReplyPollers {
    pub(crate) fn start(queue: &Queue, waiters: &Arc<Waiters>, pollers: usize, wait: Duration) -> Self {
        let deletes = Arc::new(Batcher::start(DeleteMessages { queue: queue.clone() }, DELETE_SLOTS));
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        for _ in 0..pollers {
            let poller = Poller { queue: queue.clone(), waiters: waiters.clone(), deletes: deletes.clone(), wait };
            let stopping = stopping.clone();
            // A poll may be cut off here, as it may not on a queue that others read: what it takes with it nobody waits for.
            tasks.spawn(async move { stopping.run_until_cancelled(poller.run()).await });
        }
        Self { deletes, stopping, tasks }
    }

    /// Stops to poll, then deletes what was fetched.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.deletes.close().await;
    }
}

impl Drop for ReplyPollers {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

struct Poller {
    queue: Queue,
    waiters: Arc<Waiters>,
    deletes: Arc<Batcher<DeleteMessages>>,
    wait: Duration,
}

impl Poller {
    async fn run(self) {
        let mut backoff = POLL_BACKOFF;
        loop {
            match self.queue.receive(MAX_BATCH, self.wait, VISIBILITY).await {
                Ok(messages) => {
                    backoff = POLL_BACKOFF;
                    messages.into_iter().for_each(|message| self.take(message));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot fetch replies");
                    tokio::time::sleep(jittered(backoff)).await;
                    backoff = (backoff * 2).min(MAX_POLL_BACKOFF);
                }
            }
        }
    }

    fn take(&self, mut message: Received) {
        let receipt = std::mem::take(&mut message.receipt);
        match IncomingReply::read(message) {
            Ok(reply) => self.waiters.deliver(reply),
            Err(error) => {
                self.waiters.count_malformed();
                tracing::warn!(%error, "a message on the reply queue is no reply");
            }
        }
        self.deletes.submit_detached(receipt);
    }
}

/// `DeleteMessageBatch` on one queue, of messages named by their receipts.
pub(crate) struct DeleteMessages {
    pub(crate) queue: Queue,
}

impl BatchOperation for DeleteMessages {
    type Entry = String;

    /// Receipts do not count against the limit of a batch.
    fn size(&self, _receipt: &String) -> usize {
        0
    }

    async fn perform(&self, receipts: &[String]) -> Vec<Result<(), QueueError>> {
        self.queue.delete_batch(receipts).await
    }
}

//! The tasks that fetch replies.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::waiters::Waiters;
use crate::backoff::Backoff;
use crate::batch::Batcher;
use crate::clock::SqsClock;
use crate::deletes::DeleteMessages;
use crate::message::Received;
use crate::queue::{MAX_BATCH, Queue};
use crate::reply::IncomingReply;

/// How long a fetched reply stays invisible. It is deleted long before; if that fails it comes again, as a duplicate, which
/// costs little. If it was the answer of SQS that got lost on its way here, callers wait for it this long: so not longer than
/// they bear.
const VISIBILITY: Duration = Duration::from_secs(3);

/// How many requests to SQS delete replies at once.
const DELETE_SLOTS: usize = 2;

pub(crate) struct ReplyPollers {
    deletes: Arc<Batcher<DeleteMessages>>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

impl ReplyPollers {
    pub(crate) fn start(
        queue: &Queue,
        waiters: &Arc<Waiters>,
        clock: &Arc<SqsClock>,
        pollers: usize,
        wait: Duration,
    ) -> Self {
        let deletes = Arc::new(Batcher::start(DeleteMessages { queue: queue.clone() }, DELETE_SLOTS));
        let (stopping, tasks) = (CancellationToken::new(), TaskTracker::new());
        for _ in 0..pollers {
            let (queue, waiters) = (queue.clone(), waiters.clone());
            let poller = Poller { queue, waiters, clock: clock.clone(), deletes: deletes.clone(), wait };
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
    clock: Arc<SqsClock>,
    deletes: Arc<Batcher<DeleteMessages>>,
    wait: Duration,
}

impl Poller {
    async fn run(self) {
        let mut backoff = Backoff::of_polls();
        loop {
            match self.queue.receive(MAX_BATCH, self.wait, VISIBILITY).await {
                Ok(messages) => {
                    backoff.reset();
                    messages.into_iter().for_each(|message| self.take(message));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot fetch replies");
                    backoff.pause().await;
                }
            }
        }
    }

    fn take(&self, mut message: Received) {
        message.set_clock(&self.clock);
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

//! The tasks that fetch replies from one queue.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::waiters::Waiters;
use crate::backoff::Backoff;
use crate::batch::Batcher;
use crate::clock::{self, SqsClock};
use crate::deletes::DeleteMessages;
use crate::message::Received;
use crate::queue::{MAX_BATCH, Polls, Queue};
use crate::reply::IncomingReply;

/// How long a fetched reply stays invisible. It is deleted long before; if that fails it comes again, as a duplicate, which
/// costs little. If it was the answer of SQS that got lost on its way here, callers wait for it this long: so not longer than
/// they bear.
const VISIBILITY: Duration = Duration::from_secs(3);

/// How many requests to SQS delete replies at once.
const DELETE_SLOTS: usize = 2;

/// How long after its making SQS may answer that a queue does not exist, though it does.
const SETTLING: Duration = Duration::from_secs(2);

/// How often in a row SQS must answer that the queue does not exist before that is believed.
const GONE_ANSWERS: u32 = 2;

/// How long before the start of a requester a reply may have been sent that is spared.
const SPARED_BEFORE_START_MS: i64 = 60_000;

/// How long a reply is spared that no call waits for: as long as a reply queue of one's own keeps it.
const SPARED: Duration = Duration::from_secs(300);

/// How to poll.
pub(crate) struct Polling {
    pub(crate) clock: Arc<SqsClock>,
    pub(crate) pollers: usize,
    pub(crate) wait: Duration,
    /// For a queue that may have another owner.
    pub(crate) spared: Option<Spared>,
}

/// Replies to calls that are unknown here, but that another owner of the queue may wait for: one that this requester is taking
/// over from, or that takes over from it. They are left where they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spared {
    /// When the requester started: Unix milliseconds on SQS's clock.
    pub(crate) started_ms: i64,
}

impl Spared {
    /// Judges a reply by when it was sent.
    fn contains(self, sent_ms: i64, now_ms: i64) -> bool {
        let is_recent = clock::between(sent_ms, now_ms) < SPARED;
        is_recent && sent_ms >= self.started_ms.saturating_sub(SPARED_BEFORE_START_MS)
    }
}

pub(crate) struct ReplyPollers {
    deletes: Arc<Batcher<DeleteMessages>>,
    stopping: CancellationToken,
    gone: CancellationToken,
    tasks: TaskTracker,
}

impl ReplyPollers {
    pub(crate) fn start(queue: &Queue, waiters: &Arc<Waiters>, polling: &Polling) -> Self {
        let deletes = Arc::new(Batcher::start(DeleteMessages { queue: queue.clone() }, DELETE_SLOTS));
        let (stopping, gone, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
        for _ in 0..polling.pollers {
            let poller = Poller {
                polls: queue.polls(polling.wait),
                waiters: waiters.clone(),
                clock: polling.clock.clone(),
                deletes: deletes.clone(),
                spared: polling.spared,
            };
            let (stopping, gone) = (stopping.clone(), gone.clone());
            // A poll may be cut off here, as it may not on a queue that others read: what it takes with it nobody waits for.
            tasks.spawn(async move {
                if stopping.run_until_cancelled(poller.run()).await.is_some() {
                    gone.cancel();
                }
            });
        }
        Self { deletes, stopping, gone, tasks }
    }

    /// Done when the queue does not exist any more.
    pub(crate) async fn queue_gone(&self) {
        self.gone.cancelled().await;
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
    polls: Polls,
    waiters: Arc<Waiters>,
    clock: Arc<SqsClock>,
    deletes: Arc<Batcher<DeleteMessages>>,
    spared: Option<Spared>,
}

impl Poller {
    /// Returns when the queue does not exist any more.
    async fn run(self) {
        let started = Instant::now();
        let mut backoff = Backoff::of_polls();
        let mut gone_answers = 0;
        while gone_answers < GONE_ANSWERS {
            match self.polls.receive(MAX_BATCH, VISIBILITY).await {
                Ok(messages) => {
                    backoff.reset();
                    gone_answers = 0;
                    messages.into_iter().for_each(|message| self.take(message));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot fetch replies");
                    let is_gone = error.is_no_such_queue() && started.elapsed() > SETTLING;
                    gone_answers = if is_gone { gone_answers + 1 } else { 0 };
                    backoff.pause().await;
                }
            }
        }
    }

    fn take(&self, mut message: Received) {
        message.set_clock(&self.clock);
        let receipt = std::mem::take(&mut message.receipt);
        match IncomingReply::read(message) {
            Ok(reply) => {
                let now_ms = self.clock.now_ms();
                let spare = self.spared.zip(reply.sent).is_some_and(|(spared, sent)| spared.contains(sent, now_ms));
                let is_known = self.waiters.deliver(reply);
                if spare && !is_known {
                    return;
                }
            }
            Err(error) => {
                self.waiters.count_malformed();
                tracing::warn!(%error, "a message on the reply queue is no reply");
            }
        }
        self.deletes.submit_detached(receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_spared_if_it_is_young_and_not_from_before_the_start() {
        let started_ms = 10_000_000;
        let spared = |sent, now| Spared { started_ms }.contains(sent, now);
        assert!(spared(started_ms - 59_000, started_ms));
        assert!(!spared(started_ms - 61_000, started_ms), "who waited for it has ended");
        assert!(spared(started_ms + 1_000, started_ms + 300_000));
        assert!(!spared(started_ms + 1_000, started_ms + 302_000), "nobody has come for it");
    }
}

//! The dead letters of a request queue: what was received too often without being finished.

mod letter;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::Instant;

use self::letter::Origin;
pub use self::letter::{DeadLetter, WhyDead};
use crate::queue::{MAX_BATCH, Queue, QueueError, Sqs};
use crate::redrive_policy::RedrivePolicy;
use crate::request::{AllowedReplyQueues, account_and_name};
use crate::settings::{StartError, check_prefix, reply_queue_name_prefix};

/// How long a message that is looked at stays invisible if it is not given back: when the process is killed meanwhile.
const LOOK_VISIBILITY: Duration = Duration::from_secs(30);

/// How long one look may take, so that nothing it holds becomes visible to itself.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// How long a poll that finds nothing waits. A long poll asks all of SQS's servers, so that nothing is overlooked.
const LOOK_WAIT: Duration = Duration::from_secs(1);

/// How often a move is asked how far it is.
const MOVE_INTERVAL: Duration = Duration::from_millis(500);

/// The dead-letter queue that the request queue's `RedrivePolicy` names.
#[derive(Debug)]
pub struct DeadLetters {
    queue: Queue,
    arn: String,
    origin: Origin,
}

/// Why dead letters cannot be looked at or moved.
#[derive(Debug, thiserror::Error)]
pub enum DeadLettersError {
    /// The prefix is not one, or the request queue cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The request queue has no dead-letter queue: what is received too often is lost only by its age.
    #[error("the queue {queue} has no dead-letter queue: it has no RedrivePolicy")]
    NoDeadLetterQueue {
        /// The URL of the request queue.
        queue: String,
    },
    /// The policy is not one that SQS would take.
    #[error("cannot read the RedrivePolicy {policy}")]
    Policy {
        /// What stands there.
        policy: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// SQS refused a request, retries included.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// SQS ended the move before all was moved.
    #[error("SQS ended the move as {status} after {moved} messages: {reason}")]
    Move {
        /// `FAILED`, or `CANCELLED` by somebody else.
        status: String,
        /// Messages that were moved before.
        moved: u64,
        /// SQS's reason, if it gave one.
        reason: String,
    },
}

/// What a look into the dead-letter queue has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The letters, in the order that SQS gave them.
    pub letters: Vec<DeadLetter>,
    /// Whether the queue had no further visible letters.
    pub is_complete: bool,
}

/// How far a move back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Messages moved so far, approximately.
    pub moved: u64,
    /// Messages there were at the start, approximately, once SQS has counted them.
    pub to_move: Option<u64>,
}

impl DeadLetters {
    /// Finds the dead-letter queue of a request queue, given by name or URL. The prefix is the responders', for judging which
    /// messages cannot be answered.
    ///
    /// # Errors
    ///
    /// When one of the queues cannot be used, or there is no dead-letter queue.
    pub async fn find(aws: &SdkConfig, request_queue: &str, prefix: &str) -> Result<Self, DeadLettersError> {
        check_prefix(prefix)?;
        let sqs = Sqs::new(aws);
        let requests = sqs.queue(request_queue).await;
        let requests = requests.map_err(|source| StartError::Queue { role: "request", source })?;
        let Some(policy) = requests.redrive_policy().await? else {
            return Err(DeadLettersError::NoDeadLetterQueue { queue: requests.url().to_owned() });
        };
        let RedrivePolicy { dead_letter_target_arn: arn, max_receive_count } = match serde_json::from_str(&policy) {
            Ok(read) => read,
            Err(source) => return Err(DeadLettersError::Policy { policy, source }),
        };
        let (account, name) = account_and_name(requests.url()).unwrap_or_default();
        let origin = Origin {
            name: name.to_owned(),
            max_receive_count,
            allowed_reply_queues: AllowedReplyQueues {
                account: account.to_owned(),
                name_prefix: reply_queue_name_prefix(prefix),
            },
        };
        Ok(Self { queue: sqs.queue_of_arn(&arn).await?, arn, origin })
    }

    /// The URL of the dead-letter queue.
    pub fn url(&self) -> &str {
        self.queue.url()
    }

    /// Up to `limit` letters, each with up to `body_limit` bytes of its body.
    ///
    /// SQS has no way to look at a message but to receive it. So this hides the letters while it looks, for some seconds, gives
    /// them back at once, and leaves their receive counts higher by one.
    ///
    /// # Errors
    ///
    /// When SQS does not answer.
    pub async fn list(&self, limit: usize, body_limit: usize) -> Result<Listing, QueueError> {
        let mut letters = Vec::new();
        let is_complete = self
            .look(body_limit, |letter| {
                if letters.len() == limit {
                    return ControlFlow::Break(());
                }
                letters.push(letter);
                ControlFlow::Continue(())
            })
            .await?;
        Ok(Listing { letters, is_complete })
    }

    /// The letter with this id, of the call or of the message, with up to `body_limit` bytes of its body. What was said of
    /// [`list`](Self::list) goes for all letters that SQS gives before it.
    ///
    /// # Errors
    ///
    /// When SQS does not answer.
    pub async fn get(&self, id: &str, body_limit: usize) -> Result<Option<DeadLetter>, QueueError> {
        let mut found = None;
        self.look(body_limit, |letter| {
            if letter.has_id(id) {
                found = Some(letter);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    /// Moves all letters back to the queues that they came from, at most so many a second (1 to 500; SQS decides without), and
    /// waits for it, telling `progress` how far it is.
    ///
    /// A moved message is a new one to SQS: its receive count starts over. It is worked even if nobody waits any more. SQS goes on
    /// when the future is dropped.
    ///
    /// # Errors
    ///
    /// When SQS does not start it, for example because a move is under way already, or does not finish it, for example because
    /// a letter has not come from any queue.
    pub async fn redrive(
        &self,
        max_per_second: Option<u32>,
        mut progress: impl FnMut(Moved),
    ) -> Result<Moved, DeadLettersError> {
        let before = self.queue.latest_move(&self.arn).await?.map(|task| task.started);
        self.queue.start_move(&self.arn, max_per_second).await?;
        loop {
            let latest = self.queue.latest_move(&self.arn).await?;
            if let Some(task) = latest.filter(|task| Some(task.started) != before) {
                let moved = Moved { moved: task.moved, to_move: task.to_move };
                match task.status.as_str() {
                    "COMPLETED" => return Ok(moved),
                    "FAILED" | "CANCELLED" => {
                        let (status, moved) = (task.status, task.moved);
                        let reason = task.failure.unwrap_or_else(|| "no reason given".to_owned());
                        return Err(DeadLettersError::Move { status, moved, reason });
                    }
                    _ => progress(moved),
                }
            }
            tokio::time::sleep(MOVE_INTERVAL).await;
        }
    }

    /// Shows each letter to `visit` once, until it breaks off or there are no more. Says whether there were no more.
    async fn look(
        &self,
        body_limit: usize,
        mut visit: impl FnMut(DeadLetter) -> ControlFlow<()>,
    ) -> Result<bool, QueueError> {
        let mut receipts = HashMap::new();
        let outcome = self.look_holding(&mut receipts, body_limit, &mut visit).await;
        self.give_back(receipts.into_values().collect()).await;
        outcome
    }

    /// Holds all letters seen until the end, so that SQS does not give the same ones again.
    async fn look_holding(
        &self,
        receipts: &mut HashMap<String, String>,
        body_limit: usize,
        visit: &mut impl FnMut(DeadLetter) -> ControlFlow<()>,
    ) -> Result<bool, QueueError> {
        let (start, polls) = (Instant::now(), self.queue.polls(LOOK_WAIT));
        while start.elapsed() < LOOK_LIMIT {
            let messages = polls.receive(MAX_BATCH, LOOK_VISIBILITY).await?;
            if messages.is_empty() {
                return Ok(true);
            }
            let mut stopped = false;
            for message in messages {
                let seen = receipts.insert(message.message_id.clone(), message.receipt.clone()).is_some();
                if !seen && !stopped {
                    stopped = visit(DeadLetter::read(message, &self.origin, body_limit)).is_break();
                }
            }
            if stopped {
                return Ok(false);
            }
        }
        Ok(false)
    }

    async fn give_back(&self, receipts: Vec<String>) {
        for batch in receipts.chunks(MAX_BATCH) {
            for result in self.queue.change_visibility_batch(batch, Duration::ZERO).await {
                if let Err(error) = result {
                    tracing::warn!(%error, "a dead letter could not be given back, it stays invisible for half a minute");
                }
            }
        }
    }
}

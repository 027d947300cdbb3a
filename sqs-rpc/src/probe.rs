//! What a process can find out about its queues before it relies on them: how they were made, and what it may do with them.
//!
//! Nothing here disturbs those who use the queues: no message of theirs is received, and none is sent that could reach them. See
//! [`Trial`] for what that leaves open.

use std::collections::HashMap;

use aws_config::SdkConfig;
use uuid::Uuid;

pub use crate::queue::{Encryption, QueueAttributes, Redrive, Trial};
use crate::queue::{Intercept, Queue, QueueError, Sqs};
use crate::request::account_and_name;
use crate::settings::reply_queue_name_prefix;

/// The tag that a trial gives a queue.
const TAG: &str = "sqs-rpc:probe";

/// A connection to SQS to look around with.
#[derive(Debug, Clone)]
pub struct Probe {
    sqs: Sqs,
}

/// A queue that is looked at.
#[derive(Debug, Clone)]
pub struct ProbedQueue {
    queue: Queue,
}

impl Probe {
    /// A connection whose requests and responses are shown to `observer`.
    pub fn new(aws: &SdkConfig, observer: impl Intercept + 'static) -> Self {
        Self { sqs: Sqs::observed(aws, observer) }
    }

    /// The queue of this name or URL, which must be there. A name takes `GetQueueUrl`, a URL `GetQueueAttributes`.
    ///
    /// # Errors
    ///
    /// When it is not there, or may not be looked up.
    pub async fn find(&self, name_or_url: &str) -> Result<ProbedQueue, QueueError> {
        Ok(ProbedQueue { queue: self.sqs.queue(name_or_url).await? })
    }

    /// The queue with this ARN (`GetQueueUrl`).
    ///
    /// # Errors
    ///
    /// When it is not there, or may not be looked up.
    pub async fn find_by_arn(&self, arn: &str) -> Result<ProbedQueue, QueueError> {
        Ok(ProbedQueue { queue: self.sqs.queue_of_arn(arn).await? })
    }

    /// A queue beside another one, by its name alone. Nothing is looked up.
    pub fn beside(&self, other: &ProbedQueue, name: &str) -> ProbedQueue {
        let url = other.url().rsplit_once('/').map_or_else(|| name.to_owned(), |(path, _)| format!("{path}/{name}"));
        ProbedQueue { queue: self.sqs.queue_at(&url) }
    }

    /// Makes a queue such as a requester makes for its replies, with a tag. Should it stay behind, requesters with this prefix
    /// delete it as one of a requester that died.
    ///
    /// # Errors
    ///
    /// When SQS does not make it.
    pub async fn create_reply_queue(&self, prefix: &str) -> Result<ProbedQueue, QueueError> {
        let name = format!("{}-{}", reply_queue_name_prefix(prefix), Uuid::now_v7());
        let queue = self.sqs.create_queue(&name, &[], probe_tag()).await?;
        Ok(ProbedQueue { queue })
    }

    /// Lists reply queues, as a requester does that looks for those of dead ones.
    ///
    /// # Errors
    ///
    /// When SQS does not list them.
    pub async fn try_list(&self, prefix: &str) -> Result<(), QueueError> {
        self.sqs.try_list(&reply_queue_name_prefix(prefix)).await
    }
}

fn probe_tag() -> HashMap<String, String> {
    HashMap::from([(TAG.to_owned(), "1".to_owned())])
}

impl ProbedQueue {
    /// Its URL.
    pub fn url(&self) -> &str {
        self.queue.url()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.queue.name()
    }

    /// The account in its URL, if there is one.
    pub fn account(&self) -> Option<&str> {
        account_and_name(self.url()).map(|(account, _name)| account)
    }

    /// How it was made.
    ///
    /// # Errors
    ///
    /// When SQS does not say.
    pub async fn attributes(&self) -> Result<QueueAttributes, QueueError> {
        self.queue.attributes().await
    }

    /// Whether messages may be sent to it, by one that is refused. That there is no such queue is not taken for an error.
    ///
    /// # Errors
    ///
    /// When they may not, or SQS does not answer. So it is with the methods below.
    pub async fn try_send(&self) -> Result<Trial, QueueError> {
        match self.queue.try_send().await {
            Err(error) if error.is_no_such_queue() => Ok(Trial::NotDenied("no such queue".to_owned())),
            tried => tried,
        }
    }

    /// Whether messages may be received from it, by a request that is refused.
    pub async fn try_receive(&self) -> Result<Trial, QueueError> {
        self.queue.try_receive().await
    }

    /// Whether messages may be received from it, by receiving: for a queue that nobody else uses.
    pub async fn poll_once(&self) -> Result<Trial, QueueError> {
        self.queue.poll_once().await
    }

    /// Whether messages may be deleted from it, by a receipt that is none.
    pub async fn try_delete_message(&self) -> Result<Trial, QueueError> {
        self.queue.try_delete().await
    }

    /// Whether messages may be kept invisible, by a receipt that is none.
    pub async fn try_change_visibility(&self) -> Result<Trial, QueueError> {
        self.queue.try_change_visibility().await
    }

    /// Reads its tags.
    pub async fn try_list_tags(&self) -> Result<Trial, QueueError> {
        self.queue.tags().await.map(|_| Trial::Allowed)
    }

    /// Gives it a tag of its own.
    pub async fn try_tag(&self) -> Result<Trial, QueueError> {
        self.queue.tag(probe_tag()).await.map(|()| Trial::Allowed)
    }

    /// Takes that tag away.
    pub async fn try_untag(&self) -> Result<Trial, QueueError> {
        self.queue.untag(&[TAG]).await.map(|()| Trial::Allowed)
    }

    /// Deletes the queue: one that was made for this.
    pub async fn delete(self) -> Result<Trial, QueueError> {
        self.queue.delete_queue().await.map(|()| Trial::Allowed)
    }
}

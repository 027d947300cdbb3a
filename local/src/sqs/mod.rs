//! A small, faithful Amazon SQS: the AWS JSON 1.0 protocol over HTTP, standard queues, messages in memory.
//!
//! It answers what the AWS SDKs, the `aws` CLI and boto3 call on standard queues, with the limits, checksums, counts and error
//! codes that the [API reference](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html) states.
//! A suite of boto3 calls (`tests/python/`) holds it to that.
//!
//! It differs from the service on purpose in these points:
//!
//! - Queues and messages are gone when the process ends.
//! - Any credentials do: signatures, policies and permissions are not checked, nothing is encrypted.
//! - What the service does eventually happens here at once: a deleted queue's name is free again, attributes and purges take
//!   effect, counts are exact, a receive sees every message, and messages arrive in order of sending and once per receive.
//! - FIFO queues and `AddPermission`/`RemovePermission` are refused as unsupported; the query protocol is not spoken.
//! - There is one account, `000000000000`. Queue URLs and ARNs are resolved by queue name: hosts and regions in them are ignored.
//! - With a [`Disorder`] messages arrive twice and out of order now and then, and entries of batches fail: like the service's, only
//!   more often.
//! - Fair queues: `MessageGroupId` is kept and returned, but does not influence the order.
//!
//! # Parts
//!
//! `queue_state` is the heart: one queue as a state machine. `queue` puts it behind a lock and wakes long polls; `registry` finds
//! queues by name. `actions` has one function per action. The rest are the parts of messages and requests by name.

mod actions;
mod attributes;
mod batch;
mod checksum;
mod error;
mod message;
mod message_attributes;
mod move_task;
mod paging;
mod protocol;
mod queue;
mod queue_state;
mod receipt_handle;
mod redrive;
mod registry;
mod tags;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Body;

pub use error::SqsError;

use crate::chaos::Disorder;
use move_task::MoveTasks;
use protocol::{Answer, Call, input};
use receipt_handle::ReceiptHandles;
use registry::Registry;

/// Limits that the service sets and a test may want lower.
#[derive(Debug, Clone)]
pub struct SqsConfig {
    /// Region in queue ARNs.
    pub region: String,
    /// Most messages of one queue that may be in flight: 120,000 unless changed.
    pub in_flight_limit: usize,
    /// Least time between two purges of a queue: 60 s unless changed.
    pub purge_interval: Duration,
}

impl Default for SqsConfig {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), in_flight_limit: 120_000, purge_interval: Duration::from_secs(60) }
    }
}

/// The service: all queues of the one account.
#[derive(Debug)]
pub struct Sqs {
    config: SqsConfig,
    /// Shared with the move tasks that run.
    registry: Arc<Registry>,
    receipt_handles: ReceiptHandles,
    move_tasks: MoveTasks,
    disorder: Option<Arc<Disorder>>,
}

impl Sqs {
    /// A service without queues.
    #[must_use]
    pub fn new(config: SqsConfig) -> Self {
        Self::with_disorder(config, None)
    }

    /// A service without queues that is as unreliable as the disorder says.
    #[must_use]
    pub fn with_disorder(config: SqsConfig, disorder: Option<Arc<Disorder>>) -> Self {
        let registry = Arc::new(Registry::new(&config, disorder.clone()));
        let (receipt_handles, move_tasks) = (ReceiptHandles::default(), MoveTasks::default());
        Self { config, registry, receipt_handles, move_tasks, disorder }
    }

    /// Creates a queue, or leaves an equal one as it is. Attributes have the names and the string values of the API.
    ///
    /// # Errors
    ///
    /// What `CreateQueue` answers: a bad name, an unknown or bad attribute, a queue of that name with another value of one.
    pub fn create_queue<'a>(
        &self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), SqsError> {
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.registry.create(name, &attributes.collect(), tags::Tags::new())?;
        Ok(())
    }

    /// Answers one request with an `X-Amz-Target` header. Never fails: what goes wrong is the answer.
    ///
    /// A long poll waits inside the future; dropping it (because the client has gone) takes no message.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let outcome = match Call::read(request).await {
            Ok(call) => {
                let outcome = self.dispatch(&call).await;
                tracing::trace!(action = call.action, error = outcome.as_ref().err().map(tracing::field::display));
                outcome
            }
            Err(error) => Err(error),
        };
        protocol::response(outcome)
    }

    /// The outcome of one entry of a batch: of `carry_out`, unless it is to fail by itself.
    fn entry<R>(&self, action: &str, carry_out: impl FnOnce() -> Result<R, SqsError>) -> Result<R, SqsError> {
        match &self.disorder {
            Some(disorder) if disorder.fails_entry(action) => Err(SqsError::InternalError),
            _ => carry_out(),
        }
    }

    async fn dispatch(&self, call: &Call) -> Result<Answer, SqsError> {
        match call.action.as_str() {
            "CreateQueue" => self.create(call, input(call)?),
            "DeleteQueue" => self.delete_queue(&input(call)?),
            "ListQueues" => self.list_queues(call, &input(call)?),
            "GetQueueUrl" => self.get_queue_url(call, input(call)?),
            "GetQueueAttributes" => self.get_queue_attributes(&input(call)?),
            "SetQueueAttributes" => self.set_queue_attributes(&input(call)?),
            "PurgeQueue" => self.purge_queue(&input(call)?),
            "ListDeadLetterSourceQueues" => self.list_dead_letter_source_queues(call, &input(call)?),

            "TagQueue" => self.tag_queue(input(call)?),
            "UntagQueue" => self.untag_queue(&input(call)?),
            "ListQueueTags" => self.list_queue_tags(&input(call)?),

            "SendMessage" => self.send_message(input(call)?),
            "SendMessageBatch" => self.send_message_batch(input(call)?),
            "ReceiveMessage" => self.receive_message(input(call)?).await,
            "DeleteMessage" => self.delete_message(&input(call)?),
            "DeleteMessageBatch" => self.delete_message_batch(input(call)?),
            "ChangeMessageVisibility" => self.change_message_visibility(&input(call)?),
            "ChangeMessageVisibilityBatch" => self.change_message_visibility_batch(input(call)?),

            "StartMessageMoveTask" => self.start_message_move_task(input(call)?),
            "ListMessageMoveTasks" => self.list_message_move_tasks(&input(call)?),
            "CancelMessageMoveTask" => self.cancel_message_move_task(&input(call)?),

            "AddPermission" | "RemovePermission" => {
                let message = format!("{} is not offered by this endpoint: it checks no permissions.", call.action);
                Err(SqsError::UnsupportedOperation(message))
            }
            unknown => Err(SqsError::UnknownOperation(unknown.to_owned())),
        }
    }
}

#[cfg(test)]
mod wire_tests;

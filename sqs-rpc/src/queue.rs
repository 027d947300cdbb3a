//! One queue, through the AWS SDK.

mod attributes;
mod date;
mod fill;
mod json;
mod moving;
mod polls;
mod retention;
mod tags;
mod trial;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
pub(crate) use aws_sdk_sqs::config::Intercept;
pub use aws_sdk_sqs::config::SharedInterceptor;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::change_message_visibility_batch::ChangeMessageVisibilityBatch;
use aws_sdk_sqs::operation::delete_message_batch::DeleteMessageBatch;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatch;
use aws_sdk_sqs::types::QueueAttributeName;

use self::date::ObserveDate;
pub(crate) use self::fill::BatchCounters;
use self::json::{Batched, Failed, OwnJson, Receipt, Results};
pub(crate) use self::polls::Polls;
pub use self::{
    attributes::{Encryption, QueueAttributes, Redrive},
    fill::{BatchFill, BatchSizes},
    trial::Trial,
};
use crate::clock::SqsClock;
use crate::message::Outgoing;

/// The most entries that SQS takes in one batch, and gives in one receive.
pub(crate) const MAX_BATCH: usize = 10;

/// How long one attempt of any request but a long poll may take. The SDK's retries come on top.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to SQS that failed, retries included.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{operation} on {queue} failed: {reason}")]
pub struct QueueError {
    operation: &'static str,
    queue: String,
    reason: String,
    kind: QueueErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueueErrorKind {
    NoSuchQueue,
    /// The process lacks a right, or credentials that count.
    Denied,
    /// The request failed as a whole, after the SDK's retries.
    Request,
    /// SQS took the batch but refuses this entry: it would refuse it again.
    EntryRefused,
    /// SQS took the batch but failed this entry, which the SDK does not retry.
    EntryFailed,
}

impl QueueError {
    /// Whether SQS answered that the queue does not exist.
    pub fn is_no_such_queue(&self) -> bool {
        self.kind == QueueErrorKind::NoSuchQueue
    }

    /// Whether SQS answered that the process may not do this.
    pub fn is_denied(&self) -> bool {
        self.kind == QueueErrorKind::Denied
    }

    /// Whether SQS refuses this entry, and would refuse it again.
    pub(crate) fn is_entry_refused(&self) -> bool {
        self.kind == QueueErrorKind::EntryRefused
    }

    /// Whether only this entry of a batch failed, and may succeed when it is sent again.
    pub(crate) fn is_entry_failure(&self) -> bool {
        self.kind == QueueErrorKind::EntryFailed
    }

    fn from_sdk<E>(operation: &'static str, queue: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        SdkError<E>: ProvideErrorMetadata,
    {
        let kind = match error.code() {
            Some(
                "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" | "com.amazonaws.sqs#QueueDoesNotExist",
            ) => QueueErrorKind::NoSuchQueue,
            Some("AccessDenied" | "AccessDeniedException") => QueueErrorKind::Denied,
            _ => QueueErrorKind::Request,
        };
        Self { operation, queue: queue.to_owned(), reason: reason(error), kind }
    }

    fn from_entry(operation: &'static str, queue: &str, entry: &Failed) -> Self {
        Self {
            operation,
            queue: queue.to_owned(),
            reason: format!("{}: {}", entry.code, entry.message.as_deref().unwrap_or_default()),
            kind: if entry.sender_fault { QueueErrorKind::EntryRefused } else { QueueErrorKind::EntryFailed },
        }
    }

    fn missing_result(operation: &'static str, queue: &str) -> Self {
        Self {
            operation,
            queue: queue.to_owned(),
            reason: "SQS did not say what became of the entry".to_owned(),
            kind: QueueErrorKind::EntryFailed,
        }
    }
}

/// A connection to SQS, from which handles on queues are made.
#[derive(Debug, Clone)]
pub(crate) struct Sqs {
    client: Client,
    clock: Arc<SqsClock>,
    batches: Arc<BatchCounters>,
}

impl Sqs {
    pub(crate) fn new(aws: &SdkConfig) -> Self {
        Self::watched(aws, None)
    }

    /// A connection whose requests and responses are shown to `interceptor` too, if there is one.
    pub(crate) fn watched(aws: &SdkConfig, interceptor: Option<SharedInterceptor>) -> Self {
        let clock = Arc::<SqsClock>::default();
        let observers = [SharedInterceptor::new(ObserveDate { clock: clock.clone() })].into_iter().chain(interceptor);
        Self { client: client(aws, observers), clock, batches: Arc::default() }
    }

    /// A connection whose requests and responses are shown to somebody else. It does not tell SQS's time.
    pub(crate) fn observed(aws: &SdkConfig, observer: impl Intercept + 'static) -> Self {
        Self { client: client(aws, [SharedInterceptor::new(observer)]), clock: Arc::default(), batches: Arc::default() }
    }

    /// How full requests were on this connection.
    pub(crate) fn batches(&self) -> &Arc<BatchCounters> {
        &self.batches
    }

    /// SQS's clock, as the responses on this connection tell it.
    pub(crate) fn clock(&self) -> &Arc<SqsClock> {
        &self.clock
    }

    /// The queue of this name or URL. A name is looked up, so that a wrong one is noticed here.
    pub(crate) async fn queue(&self, name_or_url: &str) -> Result<Queue, QueueError> {
        if name_or_url.contains("://") {
            let queue = self.queue_at(name_or_url);
            queue.check_exists().await?;
            return Ok(queue);
        }
        let answer = self.client.get_queue_url().queue_name(name_or_url).send().await;
        let answer = answer.map_err(|error| QueueError::from_sdk("GetQueueUrl", name_or_url, &error))?;
        Ok(self.queue_at(answer.queue_url().unwrap_or_default()))
    }

    /// The queue at this URL, which is not checked.
    pub(crate) fn queue_at(&self, url: &str) -> Queue {
        Queue { client: self.client.clone(), url: url.to_owned(), batches: self.batches.clone() }
    }

    pub(crate) async fn create_queue(
        &self,
        name: &str,
        attributes: &[(QueueAttributeName, &str)],
        tags: HashMap<String, String>,
    ) -> Result<Queue, QueueError> {
        let attributes = attributes.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
        let request = self.client.create_queue().queue_name(name).set_attributes(Some(attributes));
        let answer = request.set_tags(Some(tags)).send().await;
        let answer = answer.map_err(|error| QueueError::from_sdk("CreateQueue", name, &error))?;
        Ok(self.queue_at(answer.queue_url().unwrap_or_default()))
    }
}

fn client(aws: &SdkConfig, observers: impl IntoIterator<Item = SharedInterceptor>) -> Client {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let mut config = aws_sdk_sqs::config::Builder::from(aws).timeout_config(timeouts).interceptor(OwnJson);
    for observer in observers {
        config.push_interceptor(observer);
    }
    Client::from_conf(config.build())
}

/// A handle on one queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    client: Client,
    url: String,
    batches: Arc<BatchCounters>,
}

impl Queue {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn error<E>(&self, operation: &'static str, error: &SdkError<E>) -> QueueError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        SdkError<E>: ProvideErrorMetadata,
    {
        QueueError::from_sdk(operation, &self.url, error)
    }

    /// The last segment of the URL.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit_once('/').map_or(&*self.url, |(_rest, name)| name)
    }

    async fn check_exists(&self) -> Result<(), QueueError> {
        let attributes = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = attributes.attribute_names(QueueAttributeName::QueueArn).send().await;
        answer.map_err(|error| QueueError::from_sdk("GetQueueAttributes", &self.url, &error))?;
        Ok(())
    }

    pub(crate) async fn delete_queue(&self) -> Result<(), QueueError> {
        let answer = self.client.delete_queue().queue_url(&self.url).send().await;
        answer.map_err(|error| QueueError::from_sdk("DeleteQueue", &self.url, &error))?;
        Ok(())
    }

    /// Sends up to 10 messages, together at most 1 MiB. One result for each, in order.
    pub(crate) async fn send_batch<'a>(
        &self,
        messages: impl ExactSizeIterator<Item = &'a Outgoing<'a>>,
    ) -> Vec<Result<(), QueueError>> {
        let count = messages.len();
        self.batches.send.count(count);
        let body = json::batch(&self.url, messages.map(json::Message::from));
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(Vec::new()));
        self.batch::<SendMessageBatch, _, _>(count, body, Box::pin(request.send())).await
    }

    /// Deletes up to 10 messages by their receipts. One result for each, in order.
    pub(crate) async fn delete_batch(&self, receipts: &[String]) -> Vec<Result<(), QueueError>> {
        self.batches.delete.count(receipts.len());
        let body = self.receipts(receipts, None);
        let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(Vec::new()));
        self.batch::<DeleteMessageBatch, _, _>(receipts.len(), body, Box::pin(request.send())).await
    }

    /// Keeps up to 10 messages invisible for `visibility` (whole seconds) from now. One result for each, in order.
    pub(crate) async fn change_visibility_batch(
        &self,
        receipts: &[String],
        visibility: Duration,
    ) -> Vec<Result<(), QueueError>> {
        self.batches.change_visibility.count(receipts.len());
        let body = self.receipts(receipts, Some(seconds(visibility)));
        let request = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(Vec::new()));
        self.batch::<ChangeMessageVisibilityBatch, _, _>(receipts.len(), body, Box::pin(request.send())).await
    }

    /// The body of a batch of messages that were received.
    fn receipts(&self, receipts: &[String], visibility_timeout: Option<i32>) -> Vec<u8> {
        json::batch(&self.url, receipts.iter().map(|receipt_handle| Receipt { receipt_handle, visibility_timeout }))
    }

    /// Makes a batch request of so many entries. One result for each, in order. The request is best in a box: the future of one has
    /// kilobytes, and is handed on.
    async fn batch<O: Batched, T, E>(
        &self,
        entries: usize,
        body: Vec<u8>,
        request: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Vec<Result<(), QueueError>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        SdkError<E>: ProvideErrorMetadata,
    {
        match json::exchange::<O, _, _>(Some(body), request).await {
            Ok(results) => self.entry_results(O::NAME, entries, results),
            Err(error) => vec![Err(self.error(O::NAME, &error)); entries],
        }
    }

    /// Puts the answer to a batch, whose entries were named by their places, in the order of the entries.
    fn entry_results(&self, operation: &'static str, entries: usize, answer: Results) -> Vec<Result<(), QueueError>> {
        let mut results = vec![None; entries];
        let mut set = |id: &str, result| {
            if let Some(slot) = id.parse::<usize>().ok().and_then(|index| results.get_mut(index)) {
                *slot = Some(result);
            }
        };
        for done in answer.successful.unwrap_or_default() {
            set(&done.id, Ok(()));
        }
        for failed in answer.failed.unwrap_or_default() {
            set(&failed.id, Err(QueueError::from_entry(operation, &self.url, &failed)));
        }
        let missing = || Err(QueueError::missing_result(operation, &self.url));
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }
}

/// What SQS answered, or why it did not: the messages of the error and its causes. The SDK's own rendering adds requests and
/// responses whole, headers included.
fn reason<E>(error: &SdkError<E>) -> String
where
    E: std::error::Error + 'static,
    SdkError<E>: ProvideErrorMetadata,
{
    if let (Some(code), message) = (error.code(), error.message()) {
        return format!("{code}: {}", message.unwrap_or_default());
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

fn clamp_i32(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

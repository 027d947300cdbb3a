//! Requests that show whether a process may make them, and change nothing.
//!
//! What would disturb those who use the queue is asked for in a form that SQS refuses. A batch is the better form: SQS answers
//! it as a whole with success, once the caller is allowed to ask, and refuses its entries. What can only be refused as a whole
//! proves less, since nothing documents that SQS looks at the caller before it looks at the form.

use std::time::Duration;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::{Queue, QueueError, QueueErrorKind, Sqs, clamp_i32};

/// What a request has shown that the process may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// SQS did what was asked, or refused a single entry of what it had taken: the process is allowed to.
    Allowed,
    /// SQS refused the form of the request, or knows no such queue, and did not say that the caller may not: this is its answer.
    NotDenied(String),
}

/// Codes of SQS that speak of the form of a request alone.
const FORM: [&str; 5] = [
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "ReadCountOutOfRange",
    "ReceiptHandleIsInvalid",
    "ValidationException",
];

/// Longer than a message can be delayed, in seconds: SQS refuses such an entry, and keeps nothing of it.
const REFUSED_DELAY: i32 = 901;

/// More than a receive can ask for: SQS refuses it, and hands out nothing.
const REFUSED_COUNT: i32 = 11;

/// What no message's receipt is.
const NO_RECEIPT: &str = "doctor";

impl Queue {
    /// A batch of one message that cannot be sent.
    pub(crate) async fn try_send(&self) -> Result<Trial, QueueError> {
        let entry = SendMessageBatchRequestEntry::builder().id("0").message_body("{}").delay_seconds(REFUSED_DELAY);
        let entry = entry.build().expect("an id and a body were given");
        let answer = self.client.send_message_batch().queue_url(&self.url).entries(entry).send().await;
        self.trial("SendMessageBatch", answer)
    }

    /// A receive of more messages than there can be. Should an endpoint hand out some all the same, they are given back.
    pub(crate) async fn try_receive(&self) -> Result<Trial, QueueError> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(REFUSED_COUNT);
        let answer = request.wait_time_seconds(0).send().await;
        if let Ok(received) = &answer {
            let receipts = received.messages().iter().filter_map(|message| message.receipt_handle.clone());
            let receipts: Vec<_> = receipts.collect();
            for batch in receipts.chunks(super::MAX_BATCH) {
                self.change_visibility_batch(batch, Duration::ZERO).await;
            }
        }
        self.trial("ReceiveMessage", answer)
    }

    /// A batch of one receipt that is none.
    pub(crate) async fn try_delete(&self) -> Result<Trial, QueueError> {
        let result = self.delete_batch(&[NO_RECEIPT.to_owned()]).await;
        entry_trial(result)
    }

    /// A batch of one receipt that is none.
    pub(crate) async fn try_change_visibility(&self) -> Result<Trial, QueueError> {
        let result = self.change_visibility_batch(&[NO_RECEIPT.to_owned()], Duration::ZERO).await;
        entry_trial(result)
    }

    /// A short poll of a queue that nobody else uses.
    pub(crate) async fn poll_once(&self) -> Result<Trial, QueueError> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(clamp_i32(1));
        self.trial("ReceiveMessage", request.wait_time_seconds(0).send().await)
    }

    fn trial<T, E>(&self, operation: &'static str, answer: Result<T, SdkError<E>>) -> Result<Trial, QueueError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        SdkError<E>: ProvideErrorMetadata,
    {
        match answer {
            Ok(_) => Ok(Trial::Allowed),
            Err(error) if error.code().is_some_and(|code| FORM.contains(&code)) => {
                Ok(Trial::NotDenied(error.code().unwrap_or_default().to_owned()))
            }
            Err(error) => Err(self.error(operation, &error)),
        }
    }
}

/// Of a batch with a single entry.
fn entry_trial(results: Vec<Result<(), QueueError>>) -> Result<Trial, QueueError> {
    match results.into_iter().next() {
        Some(Err(error)) if error.kind == QueueErrorKind::EntryRefused => Ok(Trial::Allowed),
        // Some endpoints refuse the batch for its entry.
        Some(Err(error)) if FORM.iter().any(|code| error.reason.starts_with(code)) => {
            Ok(Trial::NotDenied(error.reason))
        }
        Some(Err(error)) => Err(error),
        Some(Ok(())) | None => Ok(Trial::Allowed),
    }
}

impl Sqs {
    /// A list of at most one queue.
    pub(crate) async fn try_list(&self, name_prefix: &str) -> Result<(), QueueError> {
        let request = self.client.list_queues().queue_name_prefix(name_prefix).max_results(1);
        request.send().await.map_err(|error| QueueError::from_sdk("ListQueues", name_prefix, &error))?;
        Ok(())
    }
}

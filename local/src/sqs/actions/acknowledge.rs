//! What a consumer does with a receipt handle: delete the message, or change for how long it stays hidden.

use serde::Deserialize;

use crate::sqs::Sqs;
use crate::sqs::batch::{BatchInput, BatchOutput, Done, Entry, EntryForm};
use crate::sqs::error::SqsError;
use crate::sqs::protocol::{Answer, in_range, required};
use crate::sqs::queue::Queue;
use crate::sqs::queue_state::VisibilityError;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct DeleteForm {
    /// Of an entry of a batch.
    #[serde(default)]
    id: String,
    receipt_handle: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::sqs) struct VisibilityForm {
    /// Of an entry of a batch.
    #[serde(default)]
    id: String,
    receipt_handle: Option<String>,
    visibility_timeout: Option<i64>,
}

impl EntryForm for DeleteForm {
    fn take_id(&mut self) -> String {
        std::mem::take(&mut self.id)
    }
}

impl EntryForm for VisibilityForm {
    fn take_id(&mut self) -> String {
        std::mem::take(&mut self.id)
    }
}

/// Parameters of the action without batch.
#[derive(Debug, Deserialize)]
pub(in crate::sqs) struct SingleInput<T> {
    #[serde(rename = "QueueUrl")]
    queue_url: Option<String>,
    #[serde(flatten)]
    item: T,
}

impl Sqs {
    pub(in crate::sqs) fn delete_message(&self, input: &SingleInput<DeleteForm>) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        self.delete(&queue, &input.item)?;
        Ok(Answer::empty())
    }

    pub(in crate::sqs) fn delete_message_batch(&self, input: BatchInput<DeleteForm>) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let entries = input.entries("DeleteMessageBatchRequestEntry")?;
        let delete = |item: &_| self.entry("DeleteMessageBatch", || self.delete(&queue, item));
        let outcomes = entries.into_iter().map(|Entry { id, item }| (id, delete(&item)));
        Ok(Answer::new(&outcomes.collect::<BatchOutput<_>>()))
    }

    pub(in crate::sqs) fn change_message_visibility(
        &self,
        input: &SingleInput<VisibilityForm>,
    ) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        self.change_visibility(&queue, &input.item)?;
        Ok(Answer::empty())
    }

    pub(in crate::sqs) fn change_message_visibility_batch(
        &self,
        input: BatchInput<VisibilityForm>,
    ) -> Result<Answer, SqsError> {
        let queue = self.registry.by_url(input.queue_url.as_deref())?;
        let entries = input.entries("ChangeMessageVisibilityBatchRequestEntry")?;
        let change = |item: &_| self.entry("ChangeMessageVisibilityBatch", || self.change_visibility(&queue, item));
        let outcomes = entries.into_iter().map(|Entry { id, item }| (id, change(&item)));
        Ok(Answer::new(&outcomes.collect::<BatchOutput<_>>()))
    }

    fn delete(&self, queue: &Queue, form: &DeleteForm) -> Result<Done, SqsError> {
        let handle = required("ReceiptHandle", form.receipt_handle.as_deref())?;
        let receipt = self.receipt_handles.open(queue.id, handle)?;
        queue.with(|state, now| state.delete(now, receipt));
        Ok(Done {})
    }

    fn change_visibility(&self, queue: &Queue, form: &VisibilityForm) -> Result<Done, SqsError> {
        let handle = required("ReceiptHandle", form.receipt_handle.as_deref())?;
        let timeout = in_range("VisibilityTimeout", form.visibility_timeout, 0, 43_200)?;
        let timeout = required("VisibilityTimeout", timeout)?;
        let receipt = self.receipt_handles.open(queue.id, handle)?;
        let changed = queue.with(|state, now| state.change_visibility(now, receipt, timeout * 1000));
        changed.map(|()| Done {}).map_err(|error| match error {
            VisibilityError::NotInFlight => SqsError::MessageNotInflight,
            VisibilityError::Gone => SqsError::parameter(
                "ReceiptHandle",
                handle,
                "Message does not exist or is not available for visibility timeout change.",
            ),
            VisibilityError::TooLong => SqsError::parameter(
                "VisibilityTimeout",
                timeout,
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ),
        })
    }
}

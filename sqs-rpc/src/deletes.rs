//! Deletes messages: the last thing that happens to a request, and to a reply.

use crate::batch::BatchOperation;
use crate::queue::{Queue, QueueError};

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

//! Deletes messages: the last thing that happens to a request, and to a reply.

use std::time::Duration;

use crate::batch::BatchOperation;
use crate::queue::{Queue, QueueError};

/// `DeleteMessageBatch` on one queue, of messages named by their receipts.
pub(crate) struct DeleteMessages {
    pub(crate) queue: Queue,
}

impl BatchOperation for DeleteMessages {
    type Entry = String;

    /// Short beside any visibility timeout, and long enough to fill batches from some 200 messages a second on.
    const PATIENCE: Duration = Duration::from_millis(50);

    /// Receipts do not count against the limit of a batch.
    fn size(&self, _receipt: &String) -> usize {
        0
    }

    async fn perform(&self, receipts: &[String]) -> Vec<Result<(), QueueError>> {
        self.queue.delete_batch(receipts).await
    }
}

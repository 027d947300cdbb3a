//! How full the requests to SQS are that carry several messages.

use std::sync::atomic::{AtomicU64, Ordering};

use super::MAX_BATCH;

/// Requests by the number of messages that they had: `[n]` had `n`.
pub type BatchSizes = [u64; MAX_BATCH + 1];

/// How full the requests of one connection were, each counted once however often it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchFill {
    /// `SendMessageBatch`, by the messages in the request.
    pub send: BatchSizes,
    /// `ReceiveMessage`, by the messages in the response. A poll that failed is not counted.
    pub receive: BatchSizes,
    /// `DeleteMessageBatch`, by the messages in the request.
    pub delete: BatchSizes,
    /// `ChangeMessageVisibilityBatch`, by the messages in the request.
    pub change_visibility: BatchSizes,
}

/// Counts what makes a [`BatchFill`].
#[derive(Debug, Default)]
pub(crate) struct BatchCounters {
    pub(super) send: BatchCounter,
    pub(super) receive: BatchCounter,
    pub(super) delete: BatchCounter,
    pub(super) change_visibility: BatchCounter,
}

impl BatchCounters {
    pub(crate) fn fill(&self) -> BatchFill {
        BatchFill {
            send: self.send.sizes(),
            receive: self.receive.sizes(),
            delete: self.delete.sizes(),
            change_visibility: self.change_visibility.sizes(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct BatchCounter([AtomicU64; MAX_BATCH + 1]);

impl BatchCounter {
    pub(super) fn count(&self, messages: usize) {
        self.0[messages.min(MAX_BATCH)].fetch_add(1, Ordering::Relaxed);
    }

    fn sizes(&self) -> BatchSizes {
        std::array::from_fn(|size| self.0[size].load(Ordering::Relaxed))
    }
}

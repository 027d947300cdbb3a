//! Sends replies: a group commit for each reply queue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::batch::{BatchOperation, Batcher, SubmitError};
use crate::message::Outgoing;
use crate::queue::{Queue, QueueError, Sqs};

/// How many requests to SQS send to one reply queue at once.
const SLOTS: usize = 4;

/// Above this many reply queues the idle ones are forgotten.
const REMEMBERED: usize = 256;

pub(super) struct Outbox {
    sqs: Sqs,
    queues: Mutex<HashMap<String, Arc<Batcher<SendMessages>>>>,
}

impl Outbox {
    pub(super) fn new(sqs: Sqs) -> Self {
        Self { sqs, queues: Mutex::default() }
    }

    /// Sends a message to the queue at this URL.
    pub(super) async fn send(&self, url: &str, message: Arc<Outgoing<'static>>) -> Result<(), SubmitError> {
        let batcher = self.batcher(url);
        batcher.submit(message).await
    }

    pub(super) async fn close(&self) {
        let batchers: Vec<_> = self.lock().drain().map(|(_, batcher)| batcher).collect();
        for batcher in batchers {
            batcher.close().await;
        }
    }

    fn batcher(&self, url: &str) -> Arc<Batcher<SendMessages>> {
        let mut queues = self.lock();
        if let Some(batcher) = queues.get(url) {
            return batcher.clone();
        }
        if queues.len() >= REMEMBERED {
            queues.retain(|_, batcher| Arc::strong_count(batcher) > 1);
        }
        let batcher = Arc::new(Batcher::start(SendMessages { queue: self.sqs.queue_at(url) }, SLOTS));
        queues.insert(url.to_owned(), batcher.clone());
        batcher
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Batcher<SendMessages>>>> {
        self.queues.lock().expect("no code panics while it holds the lock")
    }
}

/// `SendMessageBatch` on one queue.
struct SendMessages {
    queue: Queue,
}

impl BatchOperation for SendMessages {
    type Entry = Arc<Outgoing<'static>>;

    fn size(&self, message: &Arc<Outgoing<'static>>) -> usize {
        message.size()
    }

    async fn perform(&self, messages: &[Arc<Outgoing<'static>>]) -> Vec<Result<(), QueueError>> {
        self.queue.send_batch(messages.iter().map(|message| &**message)).await
    }
}

//! Bodies that are too large for a queue: objects `payloads/<uuid>`.
//!
//! They are written and read as streams, so that no process holds one whole: a writer has three parts of 8 MiB in memory at
//! most. Payloads go by a lifecycle rule some weeks after their message can have been read for the last time. One that no
//! message was sent for is deleted at once, and so is what a writer leaves that is given up; a process that dies in between
//! leaves a payload, or an upload that was not completed, for which there is a rule too.

mod reader;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use self::reader::PayloadReader;
pub use self::writer::PayloadWriter;
pub use crate::bucket::ReadError;
use crate::bucket::{Bucket, BucketError};
use crate::key;

/// The payloads in a bucket. Clones share the work in the background.
#[derive(Debug, Clone)]
pub struct Payloads {
    bucket: Bucket,
    /// Uploads, and deletions of what was given up.
    background: TaskTracker,
    counters: Arc<Counters>,
}

/// What went through some [`Payloads`] and their clones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadStats {
    /// Bytes read.
    pub read: u64,
    /// Bytes written, those of payloads that were given up among them.
    pub written: u64,
}

#[derive(Debug, Default)]
struct Counters {
    read: AtomicU64,
    written: AtomicU64,
}

/// A payload that S3 has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name: the object is `payloads/<id>`.
    pub id: Uuid,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256, in hex.
    pub digest: String,
}

/// A payload that no message points to yet. Dropped before it is said to be [`sent`](Self::sent), it is deleted in the
/// background.
#[derive(Debug)]
#[must_use = "dropping it deletes the payload"]
pub struct Unsent {
    payloads: Payloads,
    id: Uuid,
    is_sent: bool,
}

impl Payloads {
    /// The payloads in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, background: TaskTracker::new(), counters: Arc::default() }
    }

    /// What has been read and written so far.
    pub fn stats(&self) -> PayloadStats {
        let Counters { read, written } = &*self.counters;
        PayloadStats { read: read.load(Ordering::Relaxed), written: written.load(Ordering::Relaxed) }
    }

    /// The bucket they lie in.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// Begins a payload of a new name.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime: the upload is a task of its own.
    pub fn write(&self, media_type: &'static str) -> PayloadWriter {
        PayloadWriter::new(self, media_type)
    }

    /// Starts to read a payload; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked.
    pub async fn read(&self, id: Uuid) -> Result<Option<PayloadReader>, BucketError> {
        let object = self.bucket.read(&key::payload(id)).await?;
        Ok(object.map(|object| PayloadReader { object, counters: self.counters.clone() }))
    }

    /// Deletes a payload that no message points to.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked.
    pub async fn delete(&self, id: Uuid) -> Result<(), BucketError> {
        self.bucket.delete(&key::payload(id)).await
    }

    /// Takes care of a payload until a message that points to it may have been sent.
    pub fn unsent(&self, id: Uuid) -> Unsent {
        Unsent { payloads: self.clone(), id, is_sent: false }
    }

    /// Waits until what goes on in the background is done: for a process that ends, so that it leaves nothing behind. Writers
    /// that live are waited for.
    pub async fn settled(&self) {
        self.background.close();
        self.background.wait().await;
    }
}

impl Unsent {
    /// The payload's name.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Keeps the payload: a message that points to it may have been sent.
    pub fn sent(mut self) {
        self.is_sent = true;
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        if self.is_sent {
            return;
        }
        // Without a runtime the process ends, and a lifecycle rule has to do.
        let Ok(runtime) = Handle::try_current() else { return };
        let (payloads, id) = (self.payloads.clone(), self.id);
        let delete = async move {
            if let Err(error) = payloads.delete(id).await {
                tracing::warn!(%error, payload = %id, "a payload without a message stays until its lifecycle rule deletes it");
            }
        };
        self.payloads.background.spawn_on(delete, &runtime);
    }
}

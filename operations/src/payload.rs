//! Bodies that are too large for a queue: objects `payloads/<uuid>`.
//!
//! They are written and read as streams, so that no process holds one whole: a writer has three parts of 8 MiB in memory at
//! most. Payloads go by a lifecycle rule some weeks after their message can have been read for the last time; a writer that
//! is dropped, or whose process dies, leaves at most an upload that was not completed, for which there is a rule too.

use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::bucket::{Bucket, BucketError, Content, Multipart, Object, Part};
use crate::key;

/// The bytes of a part. S3 takes 10,000 parts of at least 5 MiB: this makes 78 GiB.
const PART_SIZE: usize = 8 << 20;

/// How many parts are uploaded at once, while the next one fills.
const PARTS_UNDER_WAY: usize = 2;

/// The payloads in a bucket.
#[derive(Debug, Clone)]
pub struct Payloads {
    bucket: Bucket,
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

impl Payloads {
    /// The payloads in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// The bucket they lie in.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// Begins a payload of a new name.
    pub fn write(&self, media_type: &'static str) -> PayloadWriter {
        PayloadWriter {
            id: Uuid::now_v7(),
            content: Content { media_type },
            bucket: self.bucket.clone(),
            filling: BytesMut::new(),
            upload: None,
            size: 0,
            hash: Sha256::new(),
        }
    }

    /// Starts to read a payload; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked.
    pub async fn read(&self, id: Uuid) -> Result<Option<PayloadReader>, BucketError> {
        Ok(self.bucket.read(&key::payload(id)).await?.map(PayloadReader))
    }

    /// Deletes a payload that no message points to.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked.
    pub async fn delete(&self, id: Uuid) -> Result<(), BucketError> {
        self.bucket.delete(&key::payload(id)).await
    }
}

/// A payload that is being written. Dropped before [`finish`](Self::finish) it leaves nothing in S3.
pub struct PayloadWriter {
    id: Uuid,
    content: Content,
    bucket: Bucket,
    filling: BytesMut,
    /// None until the first part is full: a smaller payload takes one request.
    upload: Option<Upload>,
    size: u64,
    hash: Sha256,
}

impl std::fmt::Debug for PayloadWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayloadWriter").field("id", &self.id).field("size", &self.size).finish_non_exhaustive()
    }
}

impl PayloadWriter {
    /// Appends bytes. Waits while as many parts are under way as may be: this is how a slow S3 slows the sender down.
    ///
    /// # Errors
    ///
    /// When S3 does not take a part. The payload is lost then.
    pub async fn write(&mut self, mut data: &[u8]) -> Result<(), BucketError> {
        self.size += data.len() as u64;
        self.hash.update(data);
        while !data.is_empty() {
            let (now, rest) = data.split_at(data.len().min(PART_SIZE - self.filling.len()));
            self.filling.extend_from_slice(now);
            data = rest;
            if self.filling.len() == PART_SIZE {
                self.send_part().await?;
            }
        }
        Ok(())
    }

    /// Completes the payload.
    ///
    /// # Errors
    ///
    /// When S3 does not take it. There is nothing of it in S3 then.
    pub async fn finish(mut self) -> Result<Stored, BucketError> {
        if self.upload.is_some() && !self.filling.is_empty() {
            self.send_part().await?;
        }
        match self.upload.take() {
            Some(upload) => upload.complete().await?,
            None => {
                let data = std::mem::take(&mut self.filling).freeze();
                self.bucket.put(&key::payload(self.id), self.content, data).await?;
            }
        }
        Ok(Stored { id: self.id, size: self.size, digest: hex::encode(self.hash.finalize()) })
    }

    async fn send_part(&mut self) -> Result<(), BucketError> {
        let data = self.filling.split().freeze();
        if self.upload.is_none() {
            let multipart = self.bucket.begin_multipart(&key::payload(self.id), self.content).await?;
            self.upload = Some(Upload::new(multipart));
        }
        match &mut self.upload {
            Some(upload) => upload.send(data).await,
            None => Ok(()),
        }
    }
}

/// An upload in parts. Aborted if it is dropped before it is complete.
struct Upload {
    multipart: Multipart,
    under_way: JoinSet<Result<Part, BucketError>>,
    sent: i32,
    parts: Vec<Part>,
    is_complete: bool,
}

impl Upload {
    fn new(multipart: Multipart) -> Self {
        Self { multipart, under_way: JoinSet::new(), sent: 0, parts: Vec::new(), is_complete: false }
    }

    async fn send(&mut self, data: Bytes) -> Result<(), BucketError> {
        while self.under_way.len() >= PARTS_UNDER_WAY {
            self.part_done().await?;
        }
        self.sent += 1;
        let (multipart, number) = (self.multipart.clone(), self.sent);
        self.under_way.spawn(async move { multipart.put(number, data).await });
        Ok(())
    }

    async fn part_done(&mut self) -> Result<(), BucketError> {
        match self.under_way.join_next().await {
            Some(Ok(part)) => self.parts.push(part?),
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // The runtime is going down, and this task with it.
            Some(Err(_cancelled)) => std::future::pending().await,
            None => {}
        }
        Ok(())
    }

    async fn complete(mut self) -> Result<(), BucketError> {
        while !self.under_way.is_empty() {
            self.part_done().await?;
        }
        self.multipart.complete(std::mem::take(&mut self.parts)).await?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        self.under_way.abort_all();
        let multipart = self.multipart.clone();
        // Without a runtime the process ends, and a lifecycle rule has to do.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = multipart.abort().await {
                    tracing::warn!(%error, "an upload that was given up stays until its lifecycle rule aborts it");
                }
            });
        }
    }
}

/// A payload that is being read.
pub struct PayloadReader(Object);

impl std::fmt::Debug for PayloadReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayloadReader").field("size", &self.0.size()).finish_non_exhaustive()
    }
}

impl PayloadReader {
    /// Its bytes, as S3 says before it sends them.
    pub fn size(&self) -> Option<u64> {
        self.0.size()
    }

    /// Its next bytes, as they come; none at the end.
    ///
    /// # Errors
    ///
    /// When the connection to S3 breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BucketError> {
        self.0.next().await
    }
}

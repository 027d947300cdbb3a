//! Payloads on their way into S3.
//!
//! A writer fills parts, and a task of its own uploads them. So an upload is cleaned up in the right order even if the writer
//! is dropped in the midst of a request: first all requests end, then what they have made is deleted. S3 would keep a part, or
//! an upload, whose request it finishes after its deletion.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Counters, Payloads, Stored, Unsent};
use crate::bucket::{Bucket, BucketError, Content, Multipart, Part};
use crate::key;

/// The bytes of a part. S3 takes 10,000 parts of at least 5 MiB: this makes 78 GiB.
const PART_SIZE: usize = 8 << 20;

/// How many parts are on their way at once, while the next one fills.
const PARTS_UNDER_WAY: usize = 2;

/// A payload that is being written. Dropped before [`finish`](Self::finish) is done it leaves nothing in S3.
pub struct PayloadWriter {
    id: Uuid,
    filling: Vec<u8>,
    size: u64,
    hash: Sha256,
    counters: Arc<Counters>,
    /// Closed without a last piece, the upload is given up.
    pieces: mpsc::UnboundedSender<Piece>,
    places: Arc<Semaphore>,
    outcome: oneshot::Receiver<Result<Unsent, BucketError>>,
    /// The outcome, once it is known that the payload is lost.
    failed: Option<BucketError>,
}

/// What a writer hands to its task.
enum Piece {
    /// A part of [`PART_SIZE`], with its place among those under way.
    Part(Bytes, OwnedSemaphorePermit),
    /// The rest. If no part came before, that is the payload.
    Last(Bytes),
}

impl fmt::Debug for PayloadWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadWriter").field("id", &self.id).field("size", &self.size).finish_non_exhaustive()
    }
}

impl PayloadWriter {
    pub(super) fn new(payloads: &Payloads, media_type: &'static str) -> Self {
        let id = Uuid::now_v7();
        let upload = Upload::new(payloads.bucket.clone(), key::payload(id), Content { media_type });
        let (pieces, taken) = mpsc::unbounded_channel();
        let (told, outcome) = oneshot::channel();
        payloads.background.spawn(upload.run(taken, payloads.unsent(id), told).in_current_span());
        let places = Arc::new(Semaphore::new(PARTS_UNDER_WAY));
        let (filling, counters) = (Vec::new(), payloads.counters.clone());
        Self { id, filling, size: 0, hash: Sha256::new(), counters, pieces, places, outcome, failed: None }
    }

    /// The payload's name.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends bytes. Waits while as many parts are under way as may be: this is how a slow S3 slows the sender down.
    ///
    /// # Errors
    ///
    /// When S3 does not take a part. The payload is lost then.
    pub async fn write(&mut self, mut data: &[u8]) -> Result<(), BucketError> {
        self.size += data.len() as u64;
        self.hash.update(data);
        self.counters.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        while !data.is_empty() {
            let (now, rest) = data.split_at(data.len().min(PART_SIZE - self.filling.len()));
            self.filling.extend_from_slice(now);
            data = rest;
            if self.filling.len() == PART_SIZE {
                let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
                let part = std::mem::replace(&mut self.filling, Vec::with_capacity(PART_SIZE));
                if self.pieces.send(Piece::Part(part.into(), place)).is_err() {
                    return Err(self.failure().await);
                }
            }
        }
        Ok(())
    }

    /// Completes the payload. Dropping the future leaves nothing in S3.
    ///
    /// # Errors
    ///
    /// When S3 does not take it. What it has of the payload is deleted in the background.
    pub async fn finish(mut self) -> Result<Stored, BucketError> {
        if self.pieces.send(Piece::Last(std::mem::take(&mut self.filling).into())).is_err() {
            return Err(self.failure().await);
        }
        match (&mut self.outcome).await {
            Ok(Ok(unsent)) => unsent.sent(),
            Ok(Err(error)) => return Err(error),
            // The runtime is going down, and this task with it.
            Err(_) => std::future::pending().await,
        }
        Ok(Stored { id: self.id, size: self.size, digest: hex::encode(self.hash.finalize()) })
    }

    /// Why the task takes no more.
    async fn failure(&mut self) -> BucketError {
        if let Some(error) = &self.failed {
            return error.clone();
        }
        match (&mut self.outcome).await {
            Ok(Err(error)) => self.failed.insert(error).clone(),
            // The runtime is going down, and this task with it.
            Ok(Ok(_)) | Err(_) => std::future::pending().await,
        }
    }
}

/// The task of a writer.
struct Upload {
    bucket: Bucket,
    key: String,
    content: Content,
    /// None until the first part is there: a smaller payload takes one request.
    multipart: Option<Multipart>,
    under_way: JoinSet<Result<Part, BucketError>>,
    sent: i32,
    parts: Vec<Part>,
}

impl Upload {
    fn new(bucket: Bucket, key: String, content: Content) -> Self {
        Self { bucket, key, content, multipart: None, under_way: JoinSet::new(), sent: 0, parts: Vec::new() }
    }

    /// Uploads what the writer hands over, and cleans up unless the writer learns that the payload is there.
    async fn run(
        mut self,
        pieces: mpsc::UnboundedReceiver<Piece>,
        payload: Unsent,
        told: oneshot::Sender<Result<Unsent, BucketError>>,
    ) {
        match self.upload(pieces).await {
            // If nobody listens any more, the payload is deleted with what comes back.
            Ok(true) => drop(told.send(Ok(payload))),
            Ok(false) => {
                // There is no object, nor can there be one.
                payload.sent();
                self.abort().await;
            }
            Err(error) => {
                let _ = told.send(Err(error));
                self.abort().await;
                // It may be there even so, if only the answer was lost.
                drop(payload);
            }
        }
    }

    /// Whether the object is there; not if the writer was dropped.
    async fn upload(&mut self, mut pieces: mpsc::UnboundedReceiver<Piece>) -> Result<bool, BucketError> {
        loop {
            tokio::select! {
                piece = pieces.recv() => match piece {
                    Some(Piece::Part(data, place)) => self.send(data, Some(place)).await?,
                    Some(Piece::Last(data)) => return self.complete(data).await.map(|()| true),
                    None => return Ok(false),
                },
                Some(part) = self.under_way.join_next() => self.parts.push(joined(part).await?),
            }
        }
    }

    async fn send(&mut self, data: Bytes, place: Option<OwnedSemaphorePermit>) -> Result<(), BucketError> {
        let multipart = match self.multipart.clone() {
            Some(begun) => begun,
            None => self.multipart.insert(self.bucket.begin_multipart(&self.key, self.content).await?).clone(),
        };
        self.sent += 1;
        let number = self.sent;
        let put = async move {
            let part = multipart.put(number, data).await;
            drop(place);
            part
        };
        self.under_way.spawn(put.in_current_span());
        Ok(())
    }

    async fn complete(&mut self, last: Bytes) -> Result<(), BucketError> {
        if self.multipart.is_none() {
            return self.bucket.put(&self.key, self.content, last).await;
        }
        if !last.is_empty() {
            self.send(last, None).await?;
        }
        while let Some(part) = self.under_way.join_next().await {
            self.parts.push(joined(part).await?);
        }
        match &self.multipart {
            Some(multipart) => multipart.complete(std::mem::take(&mut self.parts)).await,
            None => Ok(()),
        }
    }

    async fn abort(&mut self) {
        while self.under_way.join_next().await.is_some() {}
        let Some(multipart) = &self.multipart else { return };
        if let Err(error) = multipart.abort().await {
            tracing::warn!(%error, "an upload that was given up stays until its lifecycle rule aborts it");
        }
    }
}

async fn joined(part: Result<Result<Part, BucketError>, JoinError>) -> Result<Part, BucketError> {
    match part {
        Ok(part) => part,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down, and this task with it.
        Err(_cancelled) => std::future::pending().await,
    }
}

//! Takes a request's body: hashes it, holds a short one in memory and writes a long one to the disk as it comes.

use std::fs::Metadata;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, s3_error};
use tokio::task::JoinHandle;

use super::checksums::{Algorithm, Claim, Digests, Hasher, base64};
use super::durable::TempFile;
use super::failure::{failed, finished};
use super::slots::Slot;
use super::unsigned::Trailers;

/// Bytes gathered before they are hashed and go to the disk, while the next ones come in. A body up to this size touches the disk
/// only once, when it is known to be wanted.
const CHUNK: usize = 1 << 20;
/// What is hashed at once rather than by another thread, in bytes: it takes less time than the change of threads.
const SHORT: usize = 16 << 10;
/// The most that one PUT or one part may have, in bytes (S3's limit).
const MAX_SIZE: u64 = 5 << 30;

/// What a request says of its body.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) length: Option<i64>,
    /// Base64, from `Content-MD5`.
    pub(super) md5: Option<&'a str>,
    pub(super) checksum: Option<Claim>,
    /// Where the trailer of a chunked body ends up once the body is read.
    pub(super) trailers: Option<&'a Trailers>,
    /// A checksum to compute besides.
    pub(super) also: Option<Algorithm>,
}

/// Where a body goes.
pub(super) trait Target: Send + 'static {
    fn append(&mut self, data: &[u8]) -> io::Result<()>;
}

impl Target for Slot {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        Slot::append(self, data)
    }
}

/// A file in the scratch folder, made when the first bytes are written.
#[derive(Debug)]
pub(super) struct Scratch {
    dir: Arc<PathBuf>,
    file: Option<TempFile>,
}

impl Scratch {
    pub(super) fn new(dir: &Arc<PathBuf>) -> Self {
        Self { dir: Arc::clone(dir), file: None }
    }

    fn file(&mut self) -> io::Result<&mut TempFile> {
        if self.file.is_none() {
            self.file = Some(TempFile::create(&self.dir)?);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("it was made just now"))
    }
}

impl Target for Scratch {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.file()?.file()?.write_all(data)
    }
}

/// A body that was received whole and is what the request said it is.
#[derive(Debug)]
pub(super) struct Received<T> {
    pub(super) digests: Digests,
    target: T,
    /// What comes after that which was written already.
    rest: Vec<Bytes>,
}

impl<T: Target> Received<T> {
    /// Reads the body to its end. No byte more than claimed is written.
    ///
    /// # Errors
    /// `IncompleteBody`, `EntityTooLarge`, `BadDigest`, `InvalidDigest`; `InternalError` if it cannot be written.
    pub(super) async fn read(body: Option<StreamingBlob>, claims: Claims<'_>, target: T) -> S3Result<Self> {
        // S3, too, computes a CRC-64 for an object that comes without a checksum.
        let algorithm = claims.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |claim| claim.algorithm);
        let mut writer = Writer::new(Hasher::new(algorithm, claims.also), target);
        let mut gathered = Gathered::default();
        let mut size = 0;
        let mut body = body.into_iter();
        let mut body = futures_util::stream::iter(&mut body).flatten();
        while let Some(data) = body.next().await {
            let data = data.map_err(incomplete)?;
            size += data.len() as u64;
            if size > MAX_SIZE {
                return Err(s3_error!(EntityTooLarge, "Your proposed upload exceeds the maximum allowed object size"));
            }
            if claims.length.is_some_and(|length| u64::try_from(length).is_ok_and(|length| size > length)) {
                return Err(wrong_length());
            }
            gathered.push(data);
            if gathered.size > CHUNK {
                writer.write(std::mem::take(&mut gathered)).await?;
            }
        }
        let (hasher, target, rest) = writer.finish(gathered).await?;
        let digests = hasher.finish();
        check(&digests, &claims)?;
        Ok(Self { digests, target, rest })
    }

    /// Writes what is left; the caller syncs.
    fn into_target(mut self) -> io::Result<T> {
        self.rest.iter().try_for_each(|data| self.target.append(data))?;
        Ok(self.target)
    }
}

impl Received<Scratch> {
    /// Puts the content into a temporary file, complete and on the disk.
    pub(super) fn into_file(self) -> io::Result<(TempFile, Metadata)> {
        let mut target = self.into_target()?;
        target.file()?;
        let mut file = target.file.ok_or_else(|| io::Error::other("it was made just now"))?;
        let metadata = file.sync()?;
        Ok((file, metadata))
    }
}

impl Received<Slot> {
    /// Puts the content into its slot, complete and on the disk.
    pub(super) fn into_slot(self) -> io::Result<Slot> {
        let slot = self.into_target()?;
        slot.sync()?;
        Ok(slot)
    }
}

/// Data that waits for being hashed and written.
#[derive(Debug, Default)]
struct Gathered {
    data: Vec<Bytes>,
    size: usize,
}

impl Gathered {
    fn push(&mut self, data: Bytes) {
        self.size += data.len();
        self.data.push(data);
    }
}

/// Hashes and writes off the asynchronous threads, one chunk at a time, while the next one is received.
struct Writer<T> {
    idle: Option<(Hasher, T)>,
    busy: Option<JoinHandle<io::Result<(Hasher, T)>>>,
}

impl<T: Target> Writer<T> {
    fn new(hasher: Hasher, target: T) -> Self {
        Self { idle: Some((hasher, target)), busy: None }
    }

    /// Begins to write a chunk, once the one before is written.
    async fn write(&mut self, chunk: Gathered) -> S3Result<()> {
        let (mut hasher, mut target) = self.idle().await?;
        self.busy = Some(tokio::task::spawn_blocking(move || {
            for data in &chunk.data {
                hasher.update(data);
                target.append(data)?;
            }
            Ok((hasher, target))
        }));
        Ok(())
    }

    /// Hashes the last chunk and leaves it to be written by the caller.
    async fn finish(mut self, chunk: Gathered) -> S3Result<(Hasher, T, Vec<Bytes>)> {
        let (mut hasher, target) = self.idle().await?;
        let hash = move || {
            chunk.data.iter().for_each(|data| hasher.update(data));
            (hasher, chunk.data)
        };
        let (hasher, rest) =
            if chunk.size <= SHORT { hash() } else { finished(tokio::task::spawn_blocking(hash).await)? };
        Ok((hasher, target, rest))
    }

    async fn idle(&mut self) -> S3Result<(Hasher, T)> {
        match self.busy.take() {
            Some(busy) => finished(busy.await)?.map_err(failed("write the body")),
            None => self.idle.take().ok_or_else(|| failed("write the body")(io::Error::other("an earlier error"))),
        }
    }
}

fn check(digests: &Digests, claims: &Claims<'_>) -> S3Result<()> {
    if claims.length.is_some_and(|length| u64::try_from(length) != Ok(digests.size)) {
        return Err(wrong_length());
    }
    if let Some(md5) = claims.md5 {
        let decoded =
            STANDARD.decode(md5).map_err(|_| s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid"))?;
        if decoded.len() != digests.md5.len() {
            return Err(s3_error!(InvalidDigest, "The Content-MD5 you specified was invalid"));
        }
        if md5 != base64(digests.md5) {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
    }
    match &claims.checksum {
        Some(claim) => claim.check(&digests.checksum, claims.trailers.map(Trailers::get).as_ref()),
        None => Ok(()),
    }
}

fn wrong_length() -> S3Error {
    s3_error!(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

fn incomplete(source: Box<dyn std::error::Error + Send + Sync>) -> S3Error {
    let mut error = s3_error!(IncompleteBody, "the body ended early or is malformed: {source}");
    error.set_source(source);
    error
}

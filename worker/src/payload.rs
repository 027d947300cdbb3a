//! Requests that are too large for a queue: their payloads lie in S3.
//!
//! A payload is read into memory that was taken before, and as it comes: a serialized `ComputeRequest` is decoded while its
//! next bytes arrive, and a JSON text, which is limited to [`MAX_JSON`] bytes, when all of it is there. Trouble with S3 is
//! waited out, for the message is held meanwhile. Whatever else is wrong is answered, a bucket that may not be read too.

pub(crate) mod protobuf;

use std::time::Duration;

use bytes::Bytes;
use compute_operations::BucketError;
use compute_operations::payload::{PayloadReader, Payloads, ReadError};
use compute_proto::v1::ComputeRequest;
use compute_proto::validate::{MAX_STREAMED_VALUES, MAX_VALUES};
use compute_proto::wire;
use sha2::{Digest as _, Sha256};
use sqs_rpc::{Failure, Pointer, Request};

use self::protobuf::{DecodeError, RequestDecoder};
use crate::memory::{Memory, MemoryBudget};
use crate::refusal::{failed, invalid, payload_lost, too_long, too_many_values, unreadable};
use compute_process::blocking::off_thread;

/// The media types of requests.
pub(crate) const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// The most bytes of a JSON payload: the longest list of the largest numbers has 230 MB.
const MAX_JSON: usize = 256 << 20;

/// The memory that a value takes: eight bytes of its own, and while the statistics are computed one more and some, since an eighth
/// of a list is kept then.
const BYTES_PER_VALUE: usize = 10;

/// The memory that a value takes while JSON is read: a list grows by half of it, or more, at a time.
const BYTES_PER_JSON_VALUE: usize = 24;

/// How many bytes are handed over to be decoded at once, at least; and the memory for those that come meanwhile.
const PIECE: usize = 1 << 20;
const READ_AHEAD: usize = 4 * PIECE;

/// The pauses while S3 cannot be read: they double, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Reads requests from S3.
#[derive(Debug, Clone)]
pub(crate) struct LargeRequests {
    payloads: Payloads,
    memory: MemoryBudget,
    /// The most values of a request that this worker takes.
    max_values: usize,
}

/// A request that was read, and the memory that it takes.
#[derive(Debug)]
pub(crate) struct Large {
    pub(crate) request: ComputeRequest,
    pub(crate) memory: Memory,
}

/// What a message says of a payload.
struct Promised {
    pointer: Pointer,
    size: usize,
    /// Absent: not to be checked.
    digest: Option<String>,
}

impl LargeRequests {
    pub(crate) fn new(payloads: Payloads, memory: MemoryBudget, max_values: usize) -> Self {
        let most = (memory.total() - READ_AHEAD) / BYTES_PER_VALUE;
        Self { payloads, memory, max_values: max_values.min(most) }
    }

    /// The most values of a request: those that were said to be, or those that there is memory for.
    pub(crate) fn max_values(&self) -> usize {
        self.max_values
    }

    pub(crate) fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// Reads the request whose payload has so many bytes, by its sender's word.
    pub(crate) async fn read(&self, request: &Request, size: u64) -> Result<Large, Failure> {
        let pointer =
            Pointer::read(&request.body, self.payloads.bucket()).map_err(|error| invalid(error.to_string()))?;
        let size = usize::try_from(size).map_err(|_| invalid("no payload is that large"))?;
        // Without the attribute the digest is that of the body: the pointer.
        let digest =
            Some(request.digest.clone()).filter(|digest| *digest != hex::encode(Sha256::digest(&request.body)));
        let promised = Promised { pointer, size, digest };
        let (request, memory) = match request.content_type.as_deref() {
            None | Some(JSON) => self.read_json(&promised).await?,
            Some(PROTOBUF) => self.read_protobuf(&promised).await?,
            Some(_) => return Err(invalid(format!("this worker reads payloads of {JSON} and {PROTOBUF} only"))),
        };
        Ok(Large { request, memory })
    }

    async fn read_protobuf(&self, promised: &Promised) -> Result<(ComputeRequest, Memory), Failure> {
        let (size, limit) = (promised.size, self.max_values);
        // The shortest values have one byte.
        let most = size.min(limit);
        let memory = self.memory.take(READ_AHEAD + most * BYTES_PER_VALUE).await;
        let mut memory = memory.ok_or_else(|| too_many_values(limit))?;
        let mut reader = self.open(promised).await?;
        let decoder = RequestDecoder::new(size, limit)?;
        let mut decoding = Decoding { decoder, left: size };
        let mut hash = Sha256::new();
        let mut pieces = next_pieces(&mut reader).await?;
        while !pieces.is_empty() {
            // The next pieces come while these are decoded, and hashed by another thread.
            let same = pieces.clone();
            let hashed = off_thread(move || same.iter().fold(hash, Sha256::chain_update));
            let decoded = off_thread(move || decoding.feed(&pieces));
            let (decoded, next, hashed) = tokio::join!(decoded, next_pieces(&mut reader), hashed);
            (decoding, pieces, hash) = (decoded?, next?, hashed);
            let most = decoding.decoder.count() + decoding.left;
            memory.keep(READ_AHEAD + most.min(limit) * BYTES_PER_VALUE);
        }
        promised.check_digest(hash)?;
        let request = decoding.decoder.finish()?;
        memory.keep(request.values.len() * BYTES_PER_VALUE);
        Ok((request, memory))
    }

    async fn read_json(&self, promised: &Promised) -> Result<(ComputeRequest, Memory), Failure> {
        let size = promised.size;
        if size > MAX_JSON {
            return Err(invalid(format!("the payload has {size} bytes, as JSON it may have {MAX_JSON} at most")));
        }
        // The shortest values have one digit, and a comma.
        let most = (size / 2).min(MAX_VALUES);
        let memory = self.memory.take(size + most * BYTES_PER_JSON_VALUE).await;
        let mut memory = memory.ok_or_else(|| too_many_values(self.max_values))?;
        let mut reader = self.open(promised).await?;
        let mut text = Vec::with_capacity(size);
        loop {
            let pieces = next_pieces(&mut reader).await?;
            if pieces.is_empty() {
                break;
            }
            pieces.iter().for_each(|piece| text.extend_from_slice(piece));
        }
        let promised = Promised { digest: promised.digest.clone(), pointer: promised.pointer.clone(), size };
        let request = off_thread(move || {
            promised.check_digest(Sha256::new_with_prefix(&text))?;
            let text = String::from_utf8(text).map_err(|_| invalid("the payload is not UTF-8"))?;
            wire::request_from_json(&text).map_err(|error| unreadable(&error))
        });
        let request = request.await?;
        memory.keep(request.values.len() * BYTES_PER_VALUE);
        Ok((request, memory))
    }

    async fn open(&self, promised: &Promised) -> Result<PayloadReader, Failure> {
        let mut pauses = Pauses::default();
        let reader = loop {
            match self.payloads.read(promised.pointer.payload()).await {
                Ok(reader) => break reader.ok_or_else(payload_lost)?,
                Err(error) => pauses.after(&error).await?,
            }
        };
        match reader.size() {
            Some(size) if size == promised.size as u64 => Ok(reader),
            size => {
                let size = size.map_or("an unknown number of".to_owned(), |size| size.to_string());
                Err(invalid(format!("the payload has {size} bytes, not the {} that the message says", promised.size)))
            }
        }
    }
}

impl Promised {
    fn check_digest(&self, hash: Sha256) -> Result<(), Failure> {
        match &self.digest {
            Some(digest) if *digest != hex::encode(hash.finalize()) => {
                Err(invalid("message attribute Digest is not the SHA-256 of the payload"))
            }
            _ => Ok(()),
        }
    }
}

/// A request that is being read.
struct Decoding {
    decoder: RequestDecoder,
    /// The bytes that are still to come.
    left: usize,
}

impl Decoding {
    fn feed(mut self, pieces: &[Bytes]) -> Result<Self, DecodeError> {
        for piece in pieces {
            self.decoder.feed(piece)?;
            self.left = self.left.saturating_sub(piece.len());
        }
        Ok(self)
    }
}

/// What comes next, [`PIECE`] bytes of it or more; nothing at the end.
async fn next_pieces(reader: &mut PayloadReader) -> Result<Vec<Bytes>, Failure> {
    let (mut pieces, mut size, mut pauses) = (Vec::new(), 0, Pauses::default());
    while size < PIECE {
        match reader.next().await {
            Ok(Some(piece)) => {
                size += piece.len();
                pieces.push(piece);
            }
            Ok(None) => break,
            Err(ReadError::Bucket(error)) => pauses.after(&error).await?,
            Err(ReadError::Changed { .. }) => return Err(payload_lost()),
        }
    }
    Ok(pieces)
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooManyValues { limit: MAX_STREAMED_VALUES } => too_long(MAX_STREAMED_VALUES),
            // Without memory for them, the budget is larger than what the system has.
            DecodeError::TooManyValues { limit } | DecodeError::NoMemory { limit } => too_many_values(limit),
            DecodeError::Malformed { .. } => invalid(error.to_string()),
        }
    }
}

/// Pauses while S3 cannot be asked.
pub(crate) struct Pauses(Duration);

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

impl Pauses {
    /// Waits after this error.
    ///
    /// # Errors
    ///
    /// When S3 has refused for some time. Waiting for an operator would keep others from being worked.
    pub(crate) async fn after(&mut self, error: &BucketError) -> Result<(), Failure> {
        if error.is_refusal() && self.0 == LONGEST_PAUSE {
            tracing::error!(%error, "S3 refuses");
            return Err(failed());
        }
        tracing::warn!(%error, "S3 is in trouble, trying again");
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

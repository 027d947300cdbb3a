//! Requests and replies that are too large for a queue. Their payloads lie in S3, and the message is a pointer: a claim check.
//!
//! A request is written as JSON, piece by piece as S3 takes it, so that its text is never in memory as a whole. Its payload is
//! deleted unless the message may have been sent; payloads of messages go by a lifecycle rule of the bucket.

use std::io;

use compute_operations::BucketError;
use compute_operations::payload::{PayloadWriter, Payloads, ReadError, Stored, Unsent};
use compute_proto::v1::ComputeRequest;
use compute_proto::wire;
use sqs_rpc::{Body, Pointer, PointerError};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::blocking::{LARGE, off_thread_if};
use crate::digest::Digest;

/// The media type of payloads, which messages need not name.
const JSON: &str = "application/json";

/// How many bytes of a text are handed over at once.
const PIECE: usize = 64 << 10;

/// The largest reply that is read: that of the longest list of quantiles and bins is a thousandth of it.
const MAX_REPLY: u64 = 64 << 20;

/// Puts payloads into S3, and reads them from there.
#[derive(Debug, Clone)]
pub(crate) struct ClaimCheck {
    payloads: Payloads,
    /// The largest request message, attributes included, that goes without.
    max_inline_size: usize,
}

/// What stands for a request in its message.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) body: Body,
    /// That of the payload.
    pub(crate) digest: Digest,
    /// The payload in S3, to be kept as soon as the message may have been sent.
    pub(crate) payload: Option<Unsent>,
}

/// Why a reply cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplyError {
    /// S3 cannot be asked.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// It is no pointer, or not one to follow.
    #[error(transparent)]
    Pointer(#[from] PointerError),
    /// It is larger than any answer.
    #[error("the payload has {0} bytes, at most {MAX_REPLY} are read")]
    TooLarge(u64),
    /// It is not what was promised.
    #[error("the payload has {actual:?} bytes, not the {promised} that the message says")]
    Size { promised: u64, actual: Option<u64> },
    /// It is not there, or not any more.
    #[error("the payload is gone")]
    Gone,
    /// It is not JSON in any case.
    #[error("the payload is not UTF-8")]
    Text,
}

impl ClaimCheck {
    pub(crate) fn new(payloads: Payloads, max_inline_size: usize) -> Self {
        Self { payloads, max_inline_size }
    }

    /// Makes a request ready to be sent, in a message whose attributes have so many bytes. Dropping the future leaves nothing in
    /// S3.
    ///
    /// # Errors
    ///
    /// When S3 does not take the payload.
    pub(crate) async fn request(&self, request: ComputeRequest, attributes: usize) -> Result<Checked, BucketError> {
        let most = self.max_inline_size.saturating_sub(attributes);
        if request.values.len() < LARGE / size_of::<i64>() {
            let text = wire::request_to_json(&request);
            if text.len() <= most {
                return Ok(inline(text));
            }
            return Box::pin(self.short(text)).await;
        }
        // In boxes, for few calls have need of that, and all would have room for it.
        Box::pin(self.long(request, most)).await
    }

    /// Puts a text that was written at once into S3.
    async fn short(&self, text: String) -> Result<Checked, BucketError> {
        let mut writer = self.payloads.write(JSON);
        writer.write(text.as_bytes()).await?;
        self.in_s3(writer).await
    }

    /// Writes a request beside the threads that serve calls.
    async fn long(&self, request: ComputeRequest, most: usize) -> Result<Checked, BucketError> {
        let stopped = CancellationToken::new();
        let mut text = Text::new(self.payloads.clone(), most, stopped.clone());
        // The thread goes on when this future is dropped, but only to the next piece.
        let _stop_when_dropped = stopped.drop_guard();
        let written = off_thread_if(true, move || {
            let written = wire::write_request(&request, &mut text).and_then(|()| io::Write::flush(&mut text));
            text.into_written(written)
        });
        match written.await? {
            Written::Inline(checked) => Ok(checked),
            Written::Payload(writer) => self.in_s3(*writer).await,
        }
    }

    async fn in_s3(&self, writer: PayloadWriter) -> Result<Checked, BucketError> {
        let stored = writer.finish().await?;
        let payload = self.payloads.unsent(stored.id);
        Ok(self.stored(&stored, payload))
    }

    /// What stands for a request that lies in S3 already.
    pub(crate) fn stored(&self, stored: &Stored, payload: Unsent) -> Checked {
        let pointer = Pointer::new(self.payloads.bucket(), stored.id);
        Checked {
            body: Body::InS3 { pointer, size: stored.size },
            digest: Digest::from_hex(&stored.digest).expect("payloads are stored under a SHA-256 in hex"),
            payload: Some(payload),
        }
    }

    /// The text of a reply: its body, or the payload of so many bytes that it points to.
    ///
    /// # Errors
    ///
    /// See [`ReplyError`].
    pub(crate) async fn reply(&self, body: String, payload_in_s3: Option<u64>) -> Result<String, ReplyError> {
        match payload_in_s3 {
            None => Ok(body),
            Some(promised) => Box::pin(self.reply_in_s3(&body, promised)).await,
        }
    }

    async fn reply_in_s3(&self, pointer: &str, promised: u64) -> Result<String, ReplyError> {
        let pointer = Pointer::read(pointer, self.payloads.bucket())?;
        if promised > MAX_REPLY {
            return Err(ReplyError::TooLarge(promised));
        }
        let mut reader = self.payloads.read(pointer.payload()).await?.ok_or(ReplyError::Gone)?;
        let actual = reader.size();
        if actual != Some(promised) {
            return Err(ReplyError::Size { promised, actual });
        }
        let mut text = Vec::new();
        let mut breaks = 0;
        loop {
            match reader.next().await {
                Ok(Some(piece)) => text.extend_from_slice(&piece),
                Ok(None) => return String::from_utf8(text).map_err(|_| ReplyError::Text),
                Err(ReadError::Changed { .. }) => return Err(ReplyError::Gone),
                // The next attempt goes on where the connection broke. If it cannot, S3 is away.
                Err(ReadError::Bucket(error)) if breaks == MAX_BREAKS => return Err(error.into()),
                Err(ReadError::Bucket(error)) => {
                    tracing::debug!(%error, "the connection broke, reading on");
                    breaks += 1;
                }
            }
        }
    }
}

/// How often reading a reply goes on after a connection broke. Each attempt has the SDK's retries.
const MAX_BREAKS: u32 = 3;

fn inline(text: String) -> Checked {
    let digest = Digest::of(text.as_bytes());
    Checked { body: Body::Text(text), digest, payload: None }
}

/// A text that goes to S3 as soon as it is too large for a message. To be written on a thread that may block.
struct Text {
    payloads: Payloads,
    /// The most bytes for a message.
    most: usize,
    /// All of the text as long as there is no writer; what has not been handed over from then on.
    buffer: Vec<u8>,
    writer: Option<PayloadWriter>,
    failed: Option<BucketError>,
    runtime: Handle,
    stopped: CancellationToken,
}

/// What became of a text.
enum Written {
    Inline(Checked),
    Payload(Box<PayloadWriter>),
}

impl Text {
    fn new(payloads: Payloads, most: usize, stopped: CancellationToken) -> Self {
        let (buffer, runtime) = (Vec::new(), Handle::current());
        Self { payloads, most, buffer, writer: None, failed: None, runtime, stopped }
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let _runtime = self.runtime.enter();
        let writer = self.writer.get_or_insert_with(|| self.payloads.write(JSON));
        let written = self.runtime.block_on(self.stopped.run_until_cancelled(writer.write(&self.buffer)));
        self.buffer.clear();
        match written {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                self.failed = Some(error);
                Err(io::Error::other("S3 does not take the payload"))
            }
            None => Err(io::Error::other("nobody waits any more")),
        }
    }

    fn into_written(self, written: io::Result<()>) -> Result<Written, BucketError> {
        match (written, self.failed, self.writer) {
            (Err(_), Some(error), _) => Err(error),
            (_, _, Some(writer)) => Ok(Written::Payload(Box::new(writer))),
            (_, _, None) => {
                let text = String::from_utf8(self.buffer).expect("JSON is UTF-8");
                Ok(Written::Inline(inline(text)))
            }
        }
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        let most = if self.writer.is_some() { PIECE } else { self.most };
        if self.buffer.len() > most {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.writer.is_some() { self.hand_over() } else { Ok(()) }
    }
}

//! The body of a request on its way in, held to the limits of a call.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::codegen::StdError;

use crate::status::{self, Operation};

/// A gRPC message is preceded by a flag and its length: one byte and four, big-endian.
const PREFIX_LEN: usize = 5;

/// The body of a unary call.
///
/// It fails with the status to answer when the deadline passes before the message is read, and when the message says that it
/// is larger than the gateway takes. tonic would answer the former CANCELLED and the latter OUT_OF_RANGE, both without details.
pub(crate) struct Upload<B> {
    body: B,
    limits: UploadLimits,
    timer: Pin<Box<Sleep>>,
    prefix: Prefix,
    too_large: Option<TooLarge>,
    operation: Operation,
}

/// What a body is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadLimits {
    pub(crate) deadline: Instant,
    /// The most bytes of a message.
    pub(crate) message_size: usize,
    /// Whether to read a message that is too large, and throw it away, before refusing it.
    ///
    /// HTTP/1.1 has no way to stop a client that is sending: if the server answers and hangs up, most clients see a broken
    /// connection, and no answer. HTTP/2 has one.
    pub(crate) discards_excess: bool,
}

/// A message that is refused, and the bytes that may still be thrown away.
struct TooLarge {
    status: Status,
    patience: usize,
}

/// The part of the message's prefix that has been read.
struct Prefix {
    bytes: [u8; PREFIX_LEN],
    read: usize,
}

impl<B> Upload<B> {
    pub(crate) fn new(body: B, limits: UploadLimits, operation: Operation) -> Self {
        let timer = Box::pin(sleep_until(limits.deadline));
        let prefix = Prefix { bytes: [0; PREFIX_LEN], read: 0 };
        Self { body, limits, timer, prefix, too_large: None, operation }
    }

    /// Looks at data that has come, and says whether to refuse the message now.
    fn inspect(&mut self, data: &[u8]) -> Option<Status> {
        if let Some(size) = self.prefix.feed(data)
            && size > self.limits.message_size
        {
            let status = status::message_too_large(size, self.limits.message_size, self.operation);
            // As much again as a message may have: enough for a list that is somewhat too long.
            let patience = if self.limits.discards_excess { 2 * self.limits.message_size } else { 0 };
            self.too_large = Some(TooLarge { status, patience });
        }
        let too_large = self.too_large.as_mut()?;
        too_large.patience = too_large.patience.saturating_sub(data.len());
        (too_large.patience == 0).then(|| too_large.status.clone())
    }
}

impl Prefix {
    /// Takes what it needs of `data`. The length of the message as soon as all of the prefix is there, once.
    fn feed(&mut self, data: &[u8]) -> Option<usize> {
        let missing = &mut self.bytes[self.read..];
        let taken = missing.len().min(data.len());
        if taken == 0 {
            return None;
        }
        missing[..taken].copy_from_slice(&data[..taken]);
        self.read += taken;
        let [_flag, length @ ..] = self.bytes;
        (self.read == PREFIX_LEN).then(|| u32::from_be_bytes(length) as usize)
    }
}

impl<B> Body for Upload<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let this = self.get_mut();
        loop {
            let frame = match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Ready(None) => {
                    let refused = this.too_large.take();
                    return Poll::Ready(refused.map(|too_large| Err(too_large.status.into())));
                }
                Poll::Pending => {
                    return this.timer.as_mut().poll(cx).map(|()| Some(Err(this.late().into())));
                }
            };
            if let Some(status) = frame.data_ref().and_then(|data| this.inspect(data)) {
                return Poll::Ready(Some(Err(status.into())));
            }
            if this.too_large.is_none() {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.too_large.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Upload<B> {
    fn late(&mut self) -> Status {
        let too_large = self.too_large.take();
        too_large.map_or_else(|| status::deadline_exceeded(self.operation), |too_large| too_large.status)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::stream;
    use http_body_util::{BodyExt as _, Collected, Full, StreamBody};
    use tonic::Code;
    use uuid::Uuid;

    use super::*;

    const OPERATION: Operation = Operation { id: Uuid::nil(), finish_late: None };

    fn limits(discards_excess: bool) -> UploadLimits {
        UploadLimits { deadline: Instant::now() + Duration::from_secs(60), message_size: 8, discards_excess }
    }

    async fn read<B>(body: B, limits: UploadLimits) -> Result<Bytes, Option<Code>>
    where
        B: Body<Data = Bytes, Error = Infallible> + Unpin,
    {
        let body = Upload::new(body, limits, OPERATION).collect().await;
        body.map(Collected::to_bytes).map_err(|error| error.downcast_ref::<Status>().map(Status::code))
    }

    fn message(length: u32, content: &[u8]) -> Bytes {
        [&[0][..], &length.to_be_bytes(), content].concat().into()
    }

    /// A body of these frames, and how many of them have been taken.
    fn frames(frames: Vec<Bytes>) -> (impl Body<Data = Bytes, Error = Infallible> + Unpin, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let frames = frames.into_iter().map(move |frame| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Frame::data(frame))
        });
        (StreamBody::new(stream::iter(frames)), taken)
    }

    #[tokio::test]
    async fn a_message_of_the_limit_passes_and_one_byte_more_is_refused_by_its_prefix() {
        let whole = message(8, b"12345678");
        assert_eq!(read(Full::new(whole.clone()), limits(false)).await, Ok(whole));
        let refused = read(Full::new(message(9, b"")), limits(false)).await;
        assert_eq!(refused, Err(Some(Code::ResourceExhausted)));
    }

    #[tokio::test]
    async fn a_prefix_that_comes_in_single_bytes_is_read_all_the_same() {
        for (length, content, expected) in [(9, &b"123456789"[..], 5), (8, &b"12345678"[..], 13)] {
            let bytes = message(length, content);
            let (body, taken) = frames(bytes.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect());
            assert_eq!(read(body, limits(false)).await.is_ok(), length <= 8);
            assert_eq!(taken.load(Ordering::Relaxed), expected);
        }
    }

    #[tokio::test]
    async fn a_message_that_is_too_large_is_thrown_away_before_it_is_refused_where_that_is_wanted() {
        let parts = || [message(20, b"1234")].into_iter().chain(vec![Bytes::from_static(b"5678"); 4]).collect();
        let (body, taken) = frames(parts());
        assert_eq!(read(body, limits(false)).await, Err(Some(Code::ResourceExhausted)));
        assert_eq!(taken.load(Ordering::Relaxed), 1, "refused at once");
        let (body, taken) = frames(parts());
        assert_eq!(read(body, limits(true)).await, Err(Some(Code::ResourceExhausted)));
        assert_eq!(taken.load(Ordering::Relaxed), 3, "16 bytes are reached");
        let (body, taken) = frames(vec![message(10, b"1"), Bytes::from_static(b"2")]);
        assert_eq!(read(body, limits(true)).await, Err(Some(Code::ResourceExhausted)));
        assert_eq!(taken.load(Ordering::Relaxed), 2, "to its end");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_at_the_deadline() {
        let limits = UploadLimits { deadline: Instant::now() + Duration::from_millis(5), ..limits(true) };
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        assert_eq!(read(never, limits).await, Err(Some(Code::DeadlineExceeded)));

        let large = stream::iter([Ok(Frame::data(message(9, b"")))]);
        let never = StreamBody::new(futures_util::StreamExt::chain(large, stream::pending::<Result<_, Infallible>>()));
        assert_eq!(read(never, limits).await, Err(Some(Code::ResourceExhausted)));
    }
}

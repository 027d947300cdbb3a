//! The body of a request on its way in, held to the limits of a call.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::status::{self, Operation};

/// A gRPC message is preceded by a flag and its length: one byte and four, big-endian.
const PREFIX_LEN: usize = 5;

/// The body of a unary call.
///
/// It fails with the status to answer when the deadline passes before the message is read, and when the message says that it
/// is larger than the gateway takes. tonic would answer the former CANCELLED and the latter OUT_OF_RANGE, both without details.
pub(crate) struct Upload<B> {
    body: B,
    timer: Pin<Box<Sleep>>,
    prefix: Prefix,
    limit: usize,
    operation: Operation,
}

/// The part of the message's prefix that has been read.
struct Prefix {
    bytes: [u8; PREFIX_LEN],
    read: usize,
}

impl<B> Upload<B> {
    pub(crate) fn new(body: B, deadline: Instant, limit: usize, operation: Operation) -> Self {
        let prefix = Prefix { bytes: [0; PREFIX_LEN], read: 0 };
        Self { body, timer: Box::pin(sleep_until(deadline)), prefix, limit, operation }
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
    B::Error: Into<tonic::codegen::StdError>,
{
    type Data = Bytes;
    type Error = tonic::codegen::StdError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.data_ref().and_then(|data| this.prefix.feed(data)) {
                Some(size) if size > this.limit => {
                    let status = status::message_too_large(size, this.limit, this.operation);
                    Poll::Ready(Some(Err(status.into())))
                }
                _ => Poll::Ready(Some(Ok(frame))),
            },
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let passed = this.timer.as_mut().poll(cx).is_ready();
                if passed {
                    return Poll::Ready(Some(Err(status::deadline_exceeded(this.operation).into())));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tonic::{Code, Status};
    use uuid::Uuid;

    use super::*;

    const OPERATION: Operation = Operation { id: Uuid::nil(), finish_late: None };

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn code(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Code> {
        error.downcast_ref::<Status>().map(Status::code)
    }

    fn message(length: u32, content: &[u8]) -> Bytes {
        [&[0][..], &length.to_be_bytes(), content].concat().into()
    }

    #[tokio::test]
    async fn a_message_of_the_limit_passes_and_one_byte_more_is_refused_by_its_prefix() {
        let whole = message(8, b"12345678");
        let passed = Upload::new(Full::new(whole.clone()), soon(), 8, OPERATION).collect().await;
        assert_eq!(passed.expect("it is within the limit").to_bytes(), whole);

        let refused = Upload::new(Full::new(message(9, b"")), soon(), 8, OPERATION).collect().await;
        assert_eq!(code(&*refused.expect_err("it is larger")), Some(Code::ResourceExhausted));
    }

    #[tokio::test]
    async fn a_prefix_that_comes_in_single_bytes_is_read_all_the_same() {
        let bytes = message(9, b"123456789");
        let frames =
            bytes.iter().map(|byte| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::copy_from_slice(&[*byte]))));
        let body = StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>()));
        let refused = Upload::new(body, soon(), 8, OPERATION).collect().await;
        assert_eq!(code(&*refused.expect_err("it is larger")), Some(Code::ResourceExhausted));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_ends_at_the_deadline() {
        let never = StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, std::convert::Infallible>>());
        let upload = Upload::new(never, Instant::now() + Duration::from_millis(5), 8, OPERATION);
        let error = upload.collect().await.expect_err("the deadline passes");
        assert_eq!(code(&*error), Some(Code::DeadlineExceeded));
    }
}

//! The body of a request on its way in, held to the limits of a call.

mod framing;

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::codegen::StdError;

use self::framing::Framing;
use crate::memory::{STREAM_FACTOR, Taken, UNARY_FACTOR};
use crate::status::{self, Operation};

/// The body of a call.
///
/// It fails with the status to answer: when the deadline passes before all of it is read, or it is silent for too long;
/// when a message says that it is larger than the gateway takes, or has room for; and when it breaks off. tonic would answer
/// some of these CANCELLED and OUT_OF_RANGE, all without details, and would take a stream that its caller cancelled for one
/// that has come to its end.
pub(crate) struct Upload<B> {
    body: B,
    limits: UploadLimits,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer runs for the frame that is waited for now.
    is_waiting: bool,
    framing: Framing,
    messages: u64,
    /// What the largest message so far may take.
    memory: Arc<Taken>,
    refused: Option<Refused>,
    operation: Operation,
}

/// How many messages a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One.
    Unary,
    /// Any number.
    Stream,
}

/// What a body is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadLimits {
    pub(crate) shape: Shape,
    pub(crate) deadline: Instant,
    /// Time that the gateway waits for the caller in one go. The time that the caller waits for the gateway does not count.
    pub(crate) idle_timeout: Duration,
    /// The most bytes of a message.
    pub(crate) message_size: usize,
    /// Whether to read a message that is refused, and throw it away, before saying so.
    ///
    /// HTTP/1.1 has no way to stop a client that is sending: if the server answers and hangs up, most clients see a broken
    /// connection, and no answer. HTTP/2 has one.
    pub(crate) discards_excess: bool,
}

/// A message that is refused, and the bytes that may still be thrown away.
struct Refused {
    status: Status,
    patience: usize,
}

impl<B> Upload<B> {
    /// Holds `body` to its limits. What its messages may take is noted in `memory`, which is held longer than this is.
    pub(crate) fn new(body: B, limits: UploadLimits, memory: Arc<Taken>, operation: Operation) -> Self {
        Self {
            body,
            limits,
            timer: Box::pin(sleep_until(limits.deadline)),
            is_waiting: false,
            framing: Framing::default(),
            messages: 0,
            memory,
            refused: None,
            operation,
        }
    }

    /// Looks at data that has come, and says whether to refuse the call now.
    fn inspect(&mut self, mut data: &[u8]) -> Option<Status> {
        let len = data.len();
        while self.refused.is_none()
            && let Some(size) = self.framing.next_message(&mut data)
        {
            self.messages += 1;
            if let Err(status) = self.admit(size) {
                // As much again as a message may have: enough for a list that is somewhat too long.
                let patience = if self.limits.discards_excess { 2 * self.limits.message_size } else { 0 };
                self.refused = Some(Refused { status, patience });
            }
        }
        let refused = self.refused.as_mut()?;
        refused.patience = refused.patience.saturating_sub(len);
        (refused.patience == 0).then(|| refused.status.clone())
    }

    /// Judges a message by its size, before there is room made for it.
    fn admit(&self, size: usize) -> Result<(), Status> {
        let limit = self.limits.message_size;
        let factor = match self.limits.shape {
            Shape::Unary if self.messages > 1 => {
                return Err(status::malformed_message("there is more than one, and the call has one", self.operation));
            }
            Shape::Unary => UNARY_FACTOR,
            Shape::Stream => STREAM_FACTOR,
        };
        if size > limit {
            return Err(status::message_too_large(size, limit, self.operation));
        }
        self.memory.raise_to(factor * size as u64).map_err(|full| status::memory_exhausted(full, self.operation))
    }

    /// Waits for the body no longer than is allowed.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        let UploadLimits { deadline, idle_timeout, .. } = self.limits;
        if !self.is_waiting {
            self.timer.as_mut().reset(deadline.min(Instant::now() + idle_timeout));
        }
        self.is_waiting = true;
        ready!(self.timer.as_mut().poll(cx));
        Poll::Ready(match self.refused.take() {
            Some(refused) => refused.status,
            None if Instant::now() < deadline => status::stream_stalled(idle_timeout, self.operation),
            None => status::deadline_exceeded(self.operation),
        })
    }

    fn broken_off(&self, error: StdError) -> Status {
        let reason = match error.downcast::<Status>() {
            Ok(status) => status.message().to_owned(),
            Err(error) => error.to_string(),
        };
        status::malformed_message(&format!("the request breaks off: {reason}"), self.operation)
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
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                return this.poll_timer(cx).map(|status| Some(Err(status.into())));
            };
            this.is_waiting = false;
            let frame = match frame {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(this.broken_off(error.into()).into()))),
                None => {
                    let refused = this.refused.take();
                    return Poll::Ready(refused.map(|refused| Err(refused.status.into())));
                }
            };
            if let Some(status) = frame.data_ref().and_then(|data| this.inspect(data)) {
                return Poll::Ready(Some(Err(status.into())));
            }
            if this.refused.is_none() {
                return Poll::Ready(Some(Ok(frame)));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && self.refused.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;

//! The `aws-chunked` content coding, in which SDKs send a body whose checksum or signature comes after the data.
//!
//! Format: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> and `sigv4-streaming-trailers.html`.
//! Signatures of chunks are passed over.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use hyper::body::{Body, Frame};
use thiserror::Error;

/// Longest line of a chunk's head or of the trailer, in bytes.
const MAX_LINE: usize = 16 << 10;

/// Why a body is not `aws-chunked`.
#[derive(Debug, Error)]
pub(super) enum ChunkedError<E> {
    #[error("the chunked body is malformed: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Body(E),
}

/// The trailer of a body, empty until the body was read to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Trailers(Arc<Mutex<HeaderMap>>);

impl Trailers {
    pub(super) fn get(&self) -> HeaderMap {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, line: &[u8]) -> Option<()> {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(line.get(..colon)?.trim_ascii()).ok()?;
        let value = HeaderValue::from_bytes(line.get(colon + 1..)?.trim_ascii()).ok()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, value);
        Some(())
    }
}

/// A body without its `aws-chunked` coding.
#[derive(Debug)]
pub(super) struct Decoded<B> {
    inner: B,
    decoder: Decoder,
}

impl<B> Decoded<B> {
    pub(super) fn new(inner: B, trailers: Trailers) -> Self {
        Self { inner, decoder: Decoder { buffer: BytesMut::new(), next: Next::Head, trailers } }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Decoded<B> {
    type Data = Bytes;
    type Error = ChunkedError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            match self.decoder.step() {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(why) => return Poll::Ready(Some(Err(ChunkedError::Malformed(why)))),
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.decoder.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(ChunkedError::Body(error)))),
                None if self.decoder.finish() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(ChunkedError::Malformed("it ends in the middle of a chunk")))),
            }
        }
    }
}

#[derive(Debug)]
struct Decoder {
    buffer: BytesMut,
    next: Next,
    trailers: Trailers,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Next {
    /// `<size in hexadecimal>[;chunk-signature=…]\r\n`
    Head,
    /// This many more bytes of data.
    Data(u64),
    /// `\r\n` after the data.
    DataEnd,
    /// `name:value\r\n`, until an empty line.
    Trailer,
    End,
}

impl Decoder {
    /// The next data, or `None` if more bytes are needed.
    fn step(&mut self) -> Result<Option<Bytes>, &'static str> {
        loop {
            match self.next {
                Next::Head => {
                    let Some(line) = self.line()? else { return Ok(None) };
                    let size = chunk_size(&line).ok_or("a chunk's size is not a hexadecimal number")?;
                    self.next = if size == 0 { Next::Trailer } else { Next::Data(size) };
                }
                Next::Data(left) => {
                    let available = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
                    if available == 0 {
                        return Ok(None);
                    }
                    let left = left - available as u64;
                    self.next = if left == 0 { Next::DataEnd } else { Next::Data(left) };
                    return Ok(Some(self.buffer.split_to(available).freeze()));
                }
                Next::DataEnd => match self.line()? {
                    Some(line) if line.is_empty() => self.next = Next::Head,
                    Some(_) => return Err("a chunk is longer than its size says"),
                    None => return Ok(None),
                },
                Next::Trailer => match self.line()? {
                    Some(line) if line.is_empty() => self.next = Next::End,
                    Some(line) => self.trailers.add(&line).ok_or("a trailer is not a header")?,
                    None => return Ok(None),
                },
                Next::End if self.buffer.is_empty() => return Ok(None),
                Next::End => return Err("it goes on after its end"),
            }
        }
    }

    fn line(&mut self) -> Result<Option<BytesMut>, &'static str> {
        match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
            Some(end) => {
                let mut line = self.buffer.split_to(end + 2);
                line.truncate(end);
                Ok(Some(line))
            }
            None if self.buffer.len() > MAX_LINE => Err("a line is too long"),
            None => Ok(None),
        }
    }

    /// Whether the body may end here. Some writers leave out the empty line at the very end.
    fn finish(&mut self) -> bool {
        self.buffer.is_empty() && matches!(self.next, Next::Trailer | Next::End)
    }
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNED: &[u8] =
        b"5;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\nhello\r\n\
        6;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n world\r\n\
        0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\
        x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:00\r\n\r\n";

    /// Feeds the body in pieces of this many bytes.
    fn decode(body: &[u8], piece: usize) -> Result<(Vec<u8>, HeaderMap), &'static str> {
        let mut decoder = Decoder { buffer: BytesMut::new(), next: Next::Head, trailers: Trailers::default() };
        let mut data = Vec::new();
        for piece in body.chunks(piece) {
            decoder.buffer.extend_from_slice(piece);
            while let Some(more) = decoder.step()? {
                data.extend_from_slice(&more);
            }
        }
        if decoder.finish() { Ok((data, decoder.trailers.get())) } else { Err("cut off") }
    }

    #[test]
    fn signed_chunks_and_their_trailer_are_read_however_they_are_cut() {
        for piece in 1..=SIGNED.len() {
            let (data, trailers) = decode(SIGNED, piece).expect("well-formed");
            assert_eq!(data, b"hello world");
            assert_eq!(trailers["x-amz-checksum-crc32"], "DUoRhQ==");
        }
    }

    #[test]
    fn an_empty_body_is_one_last_chunk() {
        assert_eq!(decode(b"0\r\n\r\n", 1).expect("well-formed").0, b"");
        assert_eq!(decode(b"0\r\n", 1).expect("well-formed").0, b"");
    }

    #[test]
    fn what_is_not_chunked_is_refused() {
        for body in [
            "hello",
            "5\r\nhel",
            "5\r\nhello",
            "5\r\nhello\r\n",
            "4\r\nhello\r\n0\r\n\r\n",
            "x\r\n",
            "0\r\nno header\r\n\r\n",
            "0\r\n\r\nmore",
        ] {
            assert!(decode(body.as_bytes(), 3).is_err(), "{body:?}");
        }
    }

    /// Mostly those that mean something.
    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'1'), any::<u8>()]
    }

    proptest! {
        #[test]
        fn no_input_panics(body in proptest::collection::vec(byte(), 0..60), piece in 1_usize..9) {
            let _ = decode(&body, piece);
        }
    }
}

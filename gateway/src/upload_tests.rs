use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, Collected, Full, StreamBody};
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::*;
use crate::memory::MemoryBudget;

const OPERATION: Operation = Operation { id: Uuid::nil(), finish_late: None };

fn limits(discards_excess: bool) -> UploadLimits {
    let deadline = Instant::now() + Duration::from_secs(60);
    UploadLimits {
        shape: Shape::Unary,
        deadline,
        idle_timeout: Duration::from_secs(3_600),
        message_size: 8,
        discards_excess,
    }
}

fn stream_limits() -> UploadLimits {
    UploadLimits { shape: Shape::Stream, idle_timeout: Duration::from_secs(10), ..limits(false) }
}

/// What a body brings: its bytes, or code and reason of the status that it fails with.
async fn read<B>(body: B, limits: UploadLimits) -> Result<Bytes, (Code, String)>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    read_with(body, limits, &MemoryBudget::new(u64::MAX)).await
}

async fn read_with<B>(body: B, limits: UploadLimits, budget: &MemoryBudget) -> Result<Bytes, (Code, String)>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    let body = Upload::new(body, limits, Arc::new(budget.take_nothing()), OPERATION).collect().await;
    body.map(Collected::to_bytes).map_err(|error| {
        let status = error.downcast::<Status>().expect("it fails with a status");
        let info = status.get_details_error_info().expect("every status has an ErrorInfo");
        (status.code(), info.reason)
    })
}

fn refused(code: Code, reason: &str) -> Result<Bytes, (Code, String)> {
    Err((code, reason.to_owned()))
}

fn too_large() -> Result<Bytes, (Code, String)> {
    refused(Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
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
    assert_eq!(read(Full::new(message(9, b"")), limits(false)).await, too_large());
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
    assert_eq!(read(body, limits(false)).await, too_large());
    assert_eq!(taken.load(Ordering::Relaxed), 1, "refused at once");
    let (body, taken) = frames(parts());
    assert_eq!(read(body, limits(true)).await, too_large());
    assert_eq!(taken.load(Ordering::Relaxed), 3, "16 bytes are reached");
    let (body, taken) = frames(vec![message(10, b"1"), Bytes::from_static(b"2")]);
    assert_eq!(read(body, limits(true)).await, too_large());
    assert_eq!(taken.load(Ordering::Relaxed), 2, "to its end");
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_at_the_deadline() {
    let limits = UploadLimits { deadline: Instant::now() + Duration::from_millis(5), ..limits(true) };
    let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    assert_eq!(read(never, limits).await, refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));

    let large = stream::iter([Ok(Frame::data(message(9, b"")))]);
    let never = StreamBody::new(large.chain(stream::pending::<Result<_, Infallible>>()));
    assert_eq!(read(never, limits).await, too_large());
}

#[tokio::test]
async fn every_message_of_a_stream_is_held_to_the_limit() {
    let whole = Bytes::from([message(8, b"12345678"), message(0, b""), message(3, b"123")].concat());
    assert_eq!(read(Full::new(whole.clone()), stream_limits()).await, Ok(whole.clone()));
    let large = Bytes::from([whole, message(9, b"")].concat());
    assert_eq!(read(Full::new(large), stream_limits()).await, too_large());
}

#[tokio::test]
async fn a_unary_call_has_one_message() {
    let two = Bytes::from([message(1, b"1"), message(1, b"2")].concat());
    assert_eq!(read(Full::new(two), limits(false)).await, refused(Code::InvalidArgument, "MALFORMED_MESSAGE"));
}

#[tokio::test]
async fn a_message_is_refused_when_there_is_no_memory_for_it() {
    let full = || refused(Code::ResourceExhausted, "MEMORY_EXHAUSTED");
    for (limits, factor) in [(limits(false), UNARY_FACTOR), (stream_limits(), STREAM_FACTOR)] {
        let budget = MemoryBudget::new(5 * factor);
        assert!(read_with(Full::new(message(5, b"12345")), limits, &budget).await.is_ok());
        assert_eq!(read_with(Full::new(message(6, b"")), limits, &budget).await, full());
        let _other = budget.take(1).expect("all is free again");
        assert_eq!(read_with(Full::new(message(5, b"")), limits, &budget).await, full());
    }
}

#[tokio::test]
async fn a_stream_takes_the_memory_of_its_largest_message_until_it_is_dropped() {
    let budget = MemoryBudget::new(u64::MAX);
    let whole = Bytes::from([message(3, b"123"), message(8, b"12345678"), message(1, b"1")].concat());
    let memory = Arc::new(budget.take_nothing());
    let upload = Upload::new(Full::new(whole), stream_limits(), memory, OPERATION);
    let mut upload = std::pin::pin!(upload);
    upload.as_mut().frame().await.expect("a frame").expect("nothing is wrong with it");
    assert_eq!(budget.taken(), 8 * STREAM_FACTOR);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_malformed_and_not_at_its_end() {
    for limits in [limits(false), stream_limits()] {
        // What hyper makes of a stream that is reset with CANCEL, and what tonic-web makes of text that is not base64.
        for error in [Status::cancelled("reset"), Status::internal("not base64")] {
            let frames = stream::iter([Ok(Frame::data(message(3, b"123"))), Err(error)]);
            let body = read(StreamBody::new(frames), limits).await;
            assert_eq!(body, refused(Code::InvalidArgument, "MALFORMED_MESSAGE"));
        }
    }
}

/// A body that brings a byte after each of these times, and then stops without an end.
fn slow(pauses: Vec<Duration>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
    let bytes = stream::iter(pauses).then(async |pause| {
        tokio::time::sleep(pause).await;
        Ok(Frame::data(Bytes::from_static(&[0])))
    });
    StreamBody::new(Box::pin(bytes.chain(stream::pending())))
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stops_coming_stalls_and_one_that_is_slow_lasts_until_the_deadline() {
    let second = Duration::from_secs(1);
    let stalled = refused(Code::DeadlineExceeded, "STREAM_STALLED");
    let late = refused(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let started = Instant::now();
    assert_eq!(read(slow(vec![]), stream_limits()).await, stalled);
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(read(slow(vec![9 * second, 9 * second]), stream_limits()).await, stalled);
    assert_eq!(started.elapsed().as_secs(), 10 + 28);
    assert_eq!(read(slow(vec![9 * second; 100]), stream_limits()).await, late);
    assert_eq!(started.elapsed().as_secs(), 10 + 28 + 60);
    let unary = UploadLimits { shape: Shape::Unary, ..stream_limits() };
    assert_eq!(read(slow(vec![9 * second]), unary).await, stalled, "a single message too");
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_gateway_takes_is_not_the_callers_silence() {
    let limits = UploadLimits { deadline: Instant::now() + Duration::from_secs(3600), ..stream_limits() };
    let memory = Arc::new(MemoryBudget::new(u64::MAX).take_nothing());
    let mut upload = std::pin::pin!(Upload::new(slow(vec![Duration::from_secs(5); 3]), limits, memory, OPERATION));
    for _ in 0..3 {
        upload.as_mut().frame().await.expect("a frame").expect("nothing is wrong with it");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let before = Instant::now();
    assert!(upload.as_mut().frame().await.expect("it fails").is_err());
    assert_eq!(before.elapsed().as_secs(), 10);
}

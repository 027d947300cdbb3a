//! Lists that come as a stream: what becomes of them on the queue and in S3, and what their callers are told.

use std::time::Duration;

use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::types::Message;
use bytes::Bytes;
use compute_local::stack::{LOG_BUCKET, REQUEST_QUEUE};
use compute_proto::v1::{ComputeRequest, ComputeResponse, ComputeStreamRequest, HistogramOptions};
use futures_util::{Stream, StreamExt as _, stream};
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;

use crate::edge::{check, error_info, values, without_workers};
use crate::http1::{FORMS, call_web_with_frames, frame};
use crate::kit::{TestStack, message_counts, queue_url, until};

const COMPUTE_STREAM: &str = "/compute.v1.ComputeService/ComputeStream";

/// As JSON, 1.3 MB: more than goes into a message.
const LONG: i64 = 200_000;

/// Some more than S3 gets in one part.
const PARTS: usize = 1_000_000;

fn part(values: impl Into<Vec<i64>>) -> ComputeStreamRequest {
    ComputeStreamRequest { values: values.into(), ..Default::default() }
}

/// The integers from 0 to that number, cut into messages of that many.
fn parts(count: i64, size: usize) -> Vec<ComputeStreamRequest> {
    (0..count).collect::<Vec<_>>().chunks(size).map(part).collect()
}

/// A message of the largest integers, which take ten bytes each.
fn large_part(count: usize) -> ComputeStreamRequest {
    part(vec![i64::MIN; count])
}

async fn send(
    stack: &TestStack,
    messages: impl Stream<Item = ComputeStreamRequest> + Send + 'static,
) -> Result<ComputeResponse, Status> {
    Ok(stack.client().await.compute_stream(messages).await?.into_inner())
}

/// Messages that a test sends one by one. The stream does not end before the sender is dropped.
fn by_hand() -> (mpsc::UnboundedSender<ComputeStreamRequest>, UnboundedReceiverStream<ComputeStreamRequest>) {
    let (sender, messages) = mpsc::unbounded_channel();
    (sender, UnboundedReceiverStream::new(messages))
}

fn refused(answer: Result<ComputeResponse, Status>, code: Code, reason: &str) -> Status {
    let status = answer.expect_err("it is refused");
    check(&status, code, reason);
    status
}

/// The field and the description of the only violation.
fn violation(status: &Status) -> (String, String) {
    let mut violations = status.get_details_bad_request().expect("there is one").field_violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    let only = violations.remove(0);
    (only.field, only.description)
}

fn s3(stack: &TestStack) -> S3 {
    S3::from_conf(aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build())
}

async fn payloads(s3: &S3) -> Vec<String> {
    let listed = s3.list_objects_v2().bucket(LOG_BUCKET).prefix("payloads/").send().await.unwrap();
    listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

async fn uploads(s3: &S3) -> usize {
    s3.list_multipart_uploads().bucket(LOG_BUCKET).send().await.unwrap().uploads().len()
}

/// Waits until S3 has nothing of any request, neither whole nor in parts, and makes sure that the queue has none either.
async fn nothing_is_left(stack: &TestStack) {
    let s3 = s3(stack);
    until(async || payloads(&s3).await.is_empty() && uploads(&s3).await == 0).await;
    assert_eq!(message_counts(&stack.sqs(), REQUEST_QUEUE).await, (0, 0));
}

/// Takes the next request from the queue.
async fn receive(stack: &TestStack) -> Message {
    let sqs = stack.sqs();
    let url = queue_url(&sqs, REQUEST_QUEUE).await;
    let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20).message_attribute_names("All");
    let message = receive.send().await.unwrap().messages.expect("a message comes").remove(0);
    sqs.delete_message().queue_url(url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    message
}

fn attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.message_attributes()?.get(name)?.string_value()
}

#[tokio::test]
async fn a_short_list_is_answered_however_it_is_cut() {
    let stack = TestStack::start().await;
    for size in [1, 2, 100] {
        let mut messages = parts(100, size);
        messages[0].quantiles = vec![1.0];
        messages[0].histogram = Some(HistogramOptions { bins: 2 });
        messages.push(part([]));
        let answer = send(&stack, stream::iter(messages)).await.unwrap();
        let statistics = answer.statistics.unwrap();
        assert_eq!((statistics.count, statistics.mean, statistics.max), (100, 49.5, 99));
        assert_eq!(statistics.quantiles[0].value, 99.0);
        assert_eq!(statistics.histogram.unwrap().counts, [50, 50]);
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_short_list_is_the_same_message_that_compute_sends() {
    let stack = without_workers(|_| {}).await;
    let (mut unary, mut streaming) = (stack.client().await, stack.client().await);
    let request = ComputeRequest { quantiles: vec![0.5], finish_late: true, ..values([4, 5, 2]) };
    let first = ComputeStreamRequest { quantiles: vec![0.5], finish_late: true, ..part([4]) };
    let calls = [
        tokio::spawn(async move { unary.compute(request).await }),
        tokio::spawn(async move { streaming.compute_stream(stream::iter([first, part([5, 2])])).await }),
    ];
    let (one, other) = (receive(&stack).await, receive(&stack).await);
    assert_eq!(one.body(), Some(r#"{"values":[4,5,2],"quantiles":[0.5],"finish_late":true}"#));
    assert_eq!(one.body(), other.body());
    for name in ["Digest", "Method", "ContentType", "ExtendedPayloadSize"] {
        assert_eq!(attribute(&one, name), attribute(&other, name), "{name}");
    }
    calls.into_iter().for_each(|call| call.abort());
    stack.stop().await;
}

#[tokio::test]
async fn a_long_list_lies_in_s3_with_one_digest_however_it_is_cut() {
    let stack = without_workers(|_| {}).await;
    let mut digests = Vec::new();
    for size in [1_000, 65_536, 65_537, 200_000] {
        let mut messages = parts(LONG, size);
        messages[0] = ComputeStreamRequest {
            quantiles: vec![0.5, 0.9],
            histogram: Some(HistogramOptions { bins: 3 }),
            finish_late: true,
            ..messages[0].clone()
        };
        let mut client = stack.client().await;
        let call = tokio::spawn(async move { client.compute_stream(stream::iter(messages)).await });
        let message = receive(&stack).await;
        call.abort();

        let [class, location]: [Value; 2] = serde_json::from_str(message.body().unwrap()).unwrap();
        assert_eq!(class, "software.amazon.payloadoffloading.PayloadS3Pointer");
        let key = location["s3Key"].as_str().unwrap();
        assert_eq!(location, json!({ "s3BucketName": LOG_BUCKET, "s3Key": key }));
        let object = s3(&stack).get_object().bucket(LOG_BUCKET).key(key).send().await.unwrap();
        assert_eq!(object.content_type(), Some("application/x-protobuf"));
        let payload = object.body.collect().await.unwrap().into_bytes();
        assert_eq!(attribute(&message, "ContentType"), Some("application/x-protobuf"));
        assert_eq!(attribute(&message, "ExtendedPayloadSize"), Some(payload.len().to_string().as_str()));
        assert_eq!(attribute(&message, "Method"), Some("compute.v1.ComputeService/Compute"));
        let expected = ComputeRequest {
            quantiles: vec![0.5, 0.9],
            histogram: Some(HistogramOptions { bins: 3 }),
            finish_late: true,
            ..values((0..LONG).collect::<Vec<_>>())
        };
        assert!(ComputeRequest::decode(payload).unwrap() == expected, "cut every {size} values");
        digests.push(attribute(&message, "Digest").unwrap().to_owned());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
    assert_eq!(digests[0].len(), 64);
    stack.stop().await;
}

#[tokio::test]
async fn a_message_after_the_first_one_has_values_and_nothing_else() {
    let stack = without_workers(|_| {}).await;
    for (field, message) in [
        ("quantiles", ComputeStreamRequest { quantiles: vec![0.5], ..part([1]) }),
        ("histogram", ComputeStreamRequest { histogram: Some(HistogramOptions { bins: 1 }), ..part([1]) }),
        ("finish_late", ComputeStreamRequest { finish_late: true, ..part([1]) }),
        ("operation_id", ComputeStreamRequest { operation_id: "1".to_owned(), ..part([1]) }),
    ] {
        let messages = stream::iter([part([1]), large_part(PARTS), message]);
        let status = refused(send(&stack, messages).await, Code::InvalidArgument, "INVALID_REQUEST");
        let description = "message 3 of the stream has it, and only the first one may";
        assert_eq!(violation(&status), (field.to_owned(), description.to_owned()));
    }
    nothing_is_left(&stack).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_without_values_is_invalid() {
    let stack = without_workers(|_| {}).await;
    for messages in [vec![], vec![part([])], vec![part([]), part([])]] {
        let status = refused(send(&stack, stream::iter(messages)).await, Code::InvalidArgument, "INVALID_REQUEST");
        let description = "the list is empty, it must hold 1 to 100000000 values";
        assert_eq!(violation(&status), ("values".to_owned(), description.to_owned()));
    }
    stack.stop().await;
}

#[tokio::test]
async fn what_cannot_be_computed_is_refused_at_the_first_message() {
    let stack = without_workers(|_| {}).await;
    let (sender, messages) = by_hand();
    sender.send(ComputeStreamRequest { quantiles: vec![2.0], ..part([1]) }).unwrap();
    let status = refused(send(&stack, messages).await, Code::InvalidArgument, "INVALID_REQUEST");
    assert_eq!(violation(&status).0, "quantiles[0]");
    drop(sender);
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_that_stops_sending_is_answered_and_leaves_nothing() {
    let stack = without_workers(|config| config.stream_idle_timeout = Duration::from_millis(300)).await;
    for before in [vec![], vec![part([1])], vec![large_part(PARTS)]] {
        let (sender, messages) = by_hand();
        let has_options = !before.is_empty();
        before.into_iter().for_each(|message| sender.send(message).unwrap());
        let status = refused(send(&stack, messages).await, Code::DeadlineExceeded, "STREAM_STALLED");
        assert_eq!(error_info(&status).metadata["idle_timeout_ms"], "300");
        assert!(has_options || !error_info(&status).metadata.contains_key("finish_late"));
        drop(sender);
    }
    nothing_is_left(&stack).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_that_goes_on_for_too_long_is_answered_at_its_deadline() {
    // The gateway's own deadline: on a slow machine the timer of a client with one fires first.
    let stack = without_workers(|config| config.default_deadline = Duration::from_secs(2)).await;
    let messages = stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((part([1]), ()))
    });
    let messages = stream::iter([large_part(PARTS)]).chain(messages);
    refused(send(&stack, messages).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    nothing_is_left(&stack).await;
    stack.stop().await;
}

/// What comes of a call whose body these frames are; after them it breaks off, or stays open for ever, or ends.
async fn raw(stack: &TestStack, frames: Vec<Vec<u8>>, end: End) -> Option<Status> {
    let frames = frames.into_iter().map(|frame| Ok(Frame::data(Bytes::from(frame))));
    let end: stream::BoxStream<'_, Result<_, std::io::Error>> = match end {
        End::Proper => stream::empty().boxed(),
        End::Break => stream::iter([Err(std::io::Error::other("the caller dies"))]).boxed(),
    };
    let body = Body::new(StreamBody::new(stream::iter(frames).chain(end)));
    let request = Request::post(COMPUTE_STREAM).header("content-type", "application/grpc").body(body).unwrap();
    let response = stack.channel().await.oneshot(request).await.ok()?;
    Status::from_header_map(response.headers())
}

#[derive(Debug, Clone, Copy)]
enum End {
    Proper,
    Break,
}

fn framed(message: &ComputeStreamRequest) -> Vec<u8> {
    frame(0, &message.encode_to_vec())
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_list_and_leaves_nothing() {
    let stack = TestStack::start().await;
    for message in [part([1, 2, 3]), large_part(PARTS)] {
        let whole = framed(&message);
        for frames in [vec![whole.clone()], vec![whole.clone(), whole[..100.min(whole.len() / 2)].to_vec()]] {
            assert!(raw(&stack, frames, End::Break).await.is_none_or(|status| status.code() != Code::Ok));
        }
    }
    // A call of its own at the end, so that all of those before have been dealt with.
    send(&stack, stream::iter([part([1])])).await.unwrap();
    stack.until_queues_are_empty().await;
    nothing_is_left(&stack).await;
    assert_eq!(stack.log_records().len(), 1, "none of them was worked");
    stack.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_message_are_malformed_wherever_they_stand() {
    let stack = without_workers(|_| {}).await;
    let good = framed(&large_part(PARTS));
    for bad in
        [frame(0, &[0xff; 4]), frame(0, b"\x0a\x05\x01"), frame(7, b""), frame(1, b""), vec![0, 0], good[..9].to_vec()]
    {
        for frames in [vec![bad.clone()], vec![good.clone(), bad.clone()]] {
            let status = raw(&stack, frames, End::Proper).await.expect("an answer");
            check(&status, Code::InvalidArgument, "MALFORMED_MESSAGE");
        }
    }
    nothing_is_left(&stack).await;
    stack.stop().await;
}

#[tokio::test]
async fn every_message_is_held_to_the_limit_of_its_size() {
    let stack = without_workers(|config| config.max_message_size = 2 << 20).await;
    let messages = stream::iter((0..8).map(|_| large_part(200_000)).chain([large_part(300_000)]));
    let status = refused(send(&stack, messages).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    let metadata = error_info(&status).metadata;
    assert_eq!((metadata["size"].as_str(), metadata["limit"].as_str()), ("3000005", "2097152"));
    nothing_is_left(&stack).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_list_for_which_there_is_no_memory_may_come_again() {
    let stack = without_workers(|config| config.memory_budget = Some(20 << 20)).await;
    let short = send(&stack, stream::iter([ComputeStreamRequest { quantiles: vec![2.0], ..part([1]) }])).await;
    refused(short, Code::InvalidArgument, "INVALID_REQUEST");
    let messages = stream::iter(parts(LONG, 10_000));
    let status = refused(send(&stack, messages).await, Code::ResourceExhausted, "MEMORY_EXHAUSTED");
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    stack.stop().await;
}

#[tokio::test]
async fn an_s3_that_takes_nothing_is_unavailable() {
    let stack = without_workers(|config| config.log_bucket = "no-such-bucket".to_owned()).await;
    for messages in [parts(LONG, 1_000), vec![large_part(PARTS), part([1])]] {
        let answer = send(&stack, stream::iter(messages)).await;
        let status = refused(answer, Code::Unavailable, "PAYLOAD_UNAVAILABLE");
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        assert!(!status.message().contains("bucket"), "the caller has no business with it: {status:?}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_payload_whose_request_is_not_sent_is_deleted() {
    let stack = without_workers(|config| config.max_in_flight = 1).await;
    let (sender, messages) = by_hand();
    sender.send(large_part(PARTS)).unwrap();
    let mut client = stack.client().await;
    let streaming = tokio::spawn(async move { client.compute_stream(messages).await });
    let s3 = s3(&stack);
    until(async || uploads(&s3).await == 1).await;

    let mut client = stack.client().await;
    let waiting = tokio::spawn(async move { client.compute(values([1])).await });
    until(async || message_counts(&stack.sqs(), REQUEST_QUEUE).await.0 == 1).await;
    drop(sender);
    let status = streaming.await.unwrap().unwrap_err();
    check(&status, Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT");
    until(async || payloads(&s3).await.is_empty() && uploads(&s3).await == 0).await;

    let (_sender, messages) = by_hand();
    refused(send(&stack, messages).await, Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT");
    waiting.abort();
    stack.stop().await;
}

#[tokio::test]
async fn a_stream_left_at_the_drain_limit_is_answered_unavailable() {
    let stack = without_workers(|config| config.drain_limit = Duration::from_millis(100)).await;
    let (sender, messages) = by_hand();
    sender.send(large_part(PARTS)).unwrap();
    let mut client = stack.client().await;
    let streaming = tokio::spawn(async move { client.compute_stream(messages).await });
    let s3 = s3(&stack);
    until(async || uploads(&s3).await == 1).await;
    stack.stop().await;
    let status = streaming.await.unwrap().unwrap_err();
    check(&status, Code::Unavailable, "SHUTTING_DOWN");
    drop(sender);
}

#[tokio::test]
async fn a_browser_may_send_a_stream_in_one_body() {
    let stack = TestStack::start().await;
    for form in FORMS {
        let frames = parts(100, 30).iter().flat_map(framed).collect();
        let answer = call_web_with_frames(stack.address(), form, COMPUTE_STREAM, &[], frames).await;
        assert_eq!(answer.trailers["grpc-status"], "0");
        let response = ComputeResponse::decode(answer.messages[0].clone()).unwrap();
        assert_eq!(response.statistics.unwrap().mean, 49.5);
    }
    stack.stop().await;
}

//! Requests and replies that are too large for a queue, from caller to log.

use std::collections::BTreeMap;
use std::time::Duration;

use compute_local::stack::{LOG_BUCKET, REQUEST_QUEUE};
use compute_operations::Bucket;
use compute_operations::payload::{Payloads, Stored};
use compute_proto::v1::{ComputeRequest, HistogramOptions};
use compute_proto::{COMPUTE_METHOD, wire};
use prost::Message as _;
use sqs_rpc::{Body, Call, CallError, Failure, Pointer, Reply, Requester, RequesterConfig, StartError};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::kit::{TestStack, message_counts, until};

const LONG: Duration = Duration::from_secs(60);

/// Requests of more than 65,536 values are written on a thread for it.
const LARGE: i64 = 200_000;

fn request(values: impl IntoIterator<Item = i64>) -> ComputeRequest {
    ComputeRequest { values: values.into_iter().collect(), ..ComputeRequest::default() }
}

fn payloads(stack: &TestStack) -> Payloads {
    Payloads::new(Bucket::new(&stack.aws(), LOG_BUCKET))
}

fn s3(stack: &TestStack) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// The payloads there are, and the uploads under way.
async fn stored(stack: &TestStack) -> Vec<String> {
    let s3 = s3(stack);
    let objects = s3.list_objects_v2().bucket(LOG_BUCKET).prefix("payloads/").send().await.unwrap();
    let uploads = s3.list_multipart_uploads().bucket(LOG_BUCKET).send().await.unwrap();
    let objects = objects.contents.unwrap_or_default().into_iter().filter_map(|object| object.key);
    objects.chain(uploads.uploads.unwrap_or_default().into_iter().filter_map(|upload| upload.key)).collect()
}

async fn requester(stack: &TestStack) -> Result<Requester, StartError> {
    let mut config = RequesterConfig::new(REQUEST_QUEUE);
    config.poll_wait = Duration::from_secs(1);
    Requester::start(&stack.aws_of("gateway"), config).await
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

#[tokio::test]
async fn a_large_request_goes_through_s3_and_its_record_has_the_first_values_and_their_number() {
    let stack = TestStack::start().await;
    let asked = ComputeRequest { quantiles: vec![0.25], ..request((0..LARGE).rev()) };
    let answer = stack.client().await.compute(asked.clone()).await.expect("an answer").into_inner();

    let statistics = answer.statistics.expect("statistics");
    assert_eq!((statistics.count, statistics.min, statistics.max), (LARGE as u64, 0, LARGE - 1));
    assert_eq!((statistics.median, statistics.quantiles[0].value), (99_999.5, 49_999.75));
    let [payload] = stored(&stack).await.try_into().expect("one payload");
    let object = s3(&stack).get_object().bucket(LOG_BUCKET).key(&payload).send().await.unwrap();
    assert_eq!(object.content_type(), Some("application/json"));
    let text = object.body.collect().await.unwrap().to_vec();
    assert!(text == wire::request_to_json(&asked).into_bytes());

    stack.until_queues_are_empty().await;
    let [record] = stack.log_records().try_into().expect("one record");
    assert_eq!((record["id"].as_str(), record["count"].as_u64()), (Some(&*answer.operation_id), Some(LARGE as u64)));
    assert_eq!(record["values"].as_array().map(Vec::len), Some(1_000));
    let summary = record["summary"].as_str().expect("a summary");
    assert!(summary.contains(", 199000, …] (200000 values)\nMin:0\n"), "{summary:.100}");
    stack.stop().await;
}

#[tokio::test]
async fn a_request_is_a_message_up_to_the_limit_and_a_payload_above_it() {
    // Small requests are written by the thread that serves the call, others by one of their own.
    for count in [700, 70_000_i64] {
        let values = request(vec![7; usize::try_from(count).unwrap()]);
        let text = wire::request_to_json(&values).len();
        let stack = TestStack::start_with(|config| config.workers = 0).await;
        let overhead = requester(&stack).await.expect("it starts").attributes_size(COMPUTE_METHOD, None);
        stack.stop().await;
        for (limit, payloads) in [(text + overhead, 0), (text + overhead - 1, 1)] {
            let stack = TestStack::start_with(|config| config.gateway.max_inline_size = limit).await;
            let answer = stack.client().await.compute(values.clone()).await.expect("an answer").into_inner();
            assert_eq!(answer.statistics.expect("statistics").sum, (7 * count).to_string());
            assert_eq!(stored(&stack).await.len(), payloads, "{count} values, {limit} bytes");
            stack.stop().await;
        }
    }
}

#[tokio::test]
async fn a_large_reply_goes_through_s3() {
    let stack = TestStack::start_with(|config| config.worker.limits.max_inline_size = 1_024).await;
    let asked = ComputeRequest { histogram: Some(HistogramOptions { bins: 1_000 }), ..request(0..1_000) };
    let answer = stack.client().await.compute(asked).await.expect("an answer").into_inner();
    assert_eq!(answer.statistics.expect("statistics").histogram.expect("a histogram").counts, vec![1; 1_000]);
    assert_eq!(stored(&stack).await.len(), 1);
    stack.client().await.compute(request([1])).await.expect("an answer");
    assert_eq!(stored(&stack).await.len(), 1, "a small one does not");
    stack.stop().await;
}

#[tokio::test]
async fn a_call_that_is_not_sent_leaves_no_payload() {
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.gateway.max_in_flight = 1;
    })
    .await;
    let mut client = stack.client().await;
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { client.compute(request([1])).await }
    });
    until(async || message_counts(&stack.sqs(), REQUEST_QUEUE).await.0 == 1).await;
    let refused = client.compute(request(0..LARGE)).await.expect_err("one call is in flight");
    assert_eq!(reason(&refused), "TOO_MANY_IN_FLIGHT");
    until(async || stored(&stack).await.is_empty()).await;
    assert!(stack.stack.traffic().requests("s3:DeleteObject").handled == 1);
    assert_eq!(message_counts(&stack.sqs(), REQUEST_QUEUE).await.0, 1);
    waiting.abort();
    stack.stop().await;
}

#[tokio::test]
async fn a_call_that_may_have_been_sent_keeps_its_payload() {
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.gateway.default_deadline = Duration::from_secs(3);
    })
    .await;
    let status = stack.client().await.compute(request(0..LARGE)).await.expect_err("nobody works");
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(message_counts(&stack.sqs(), REQUEST_QUEUE).await.0, 1);
    assert_eq!(stored(&stack).await.len(), 1);
    stack.stop().await;
}

#[tokio::test]
async fn a_deadline_that_passes_during_the_upload_leaves_nothing() {
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.chaos = Some("delay=4000-4000ms".parse().expect("chaos"));
        config.gateway.default_deadline = Duration::from_secs(3);
    })
    .await;
    let status = stack.client().await.compute(request(0..LARGE)).await.expect_err("S3 takes four seconds");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"));
    // The request is under way still, and is made undone.
    until(async || stack.stack.traffic().requests("s3:DeleteObject").handled == 1).await;
    assert_eq!(stack.stack.traffic().requests("s3:PutObject").handled, 1);
    assert_eq!(stored(&stack).await, [""; 0]);
    stack.stop().await;
}

#[tokio::test]
async fn a_caller_that_leaves_during_the_upload_leaves_nothing() {
    let chaos = "delay=300-300ms".parse().expect("chaos");
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.chaos = Some(chaos);
    })
    .await;
    let mut client = stack.client().await;
    // Above 8 MiB, so that the upload has parts.
    let caller = tokio::spawn(async move { client.compute(request(1_000_000..2_300_000)).await });
    until(async || stack.stack.traffic().requests("s3:CreateMultipartUpload").arrived == 1).await;
    caller.abort();
    until(async || stack.stack.traffic().requests("s3:AbortMultipartUpload").handled == 1).await;
    assert_eq!(stored(&stack).await, [""; 0]);
    assert_eq!(message_counts(&stack.sqs(), REQUEST_QUEUE).await, (0, 0));
    stack.stop().await;
}

#[tokio::test]
async fn without_s3_large_calls_are_answered_so_and_small_ones_are_answered() {
    let stack = TestStack::start().await;
    stack.stack.outage().s3(true);
    let mut client = stack.client().await;
    for values in [LARGE, 1_300_000] {
        let status = client.compute(request(1_000_000..1_000_000 + values)).await.expect_err("S3 is away");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "PAYLOAD_UNAVAILABLE"));
        assert!(status.get_details_retry_info().is_some());
    }
    client.compute(request([1])).await.expect("an answer");
    stack.stack.outage().s3(false);
    client.compute(request(0..LARGE)).await.expect("an answer");
    assert_eq!(stored(&stack).await.len(), 1);
    stack.stop().await;
}

/// Puts a payload into S3, for a request made by hand.
async fn put(stack: &TestStack, media_type: &'static str, data: &[u8]) -> Stored {
    let mut writer = payloads(stack).write(media_type);
    writer.write(data).await.unwrap();
    writer.finish().await.unwrap()
}

fn call(stored: &Stored, content_type: Option<&str>) -> Call {
    Call {
        id: Uuid::now_v7(),
        method: COMPUTE_METHOD.to_owned(),
        body: Body::InS3 { pointer: Pointer::new(LOG_BUCKET, stored.id), size: stored.size },
        digest: Some(stored.digest.clone()),
        content_type: content_type.map(str::to_owned),
        deadline: Instant::now() + LONG,
        finish_late: false,
        tenant: None,
        traceparent: None,
    }
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

async fn ask(requester: &Requester, call: Call) -> Result<Reply, Failure> {
    match requester.call(call).await {
        Ok(reply) => Ok(reply),
        Err(CallError::Failed(failure)) => Err(failure),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_serialized_request_is_worked_and_what_is_wrong_with_one_is_answered() {
    let stack = TestStack::start_with(|config| {
        config.worker.limits.max_values = 150_000;
        config.worker.limits.memory_budget = Some(64 << 20);
    })
    .await;
    let requester = requester(&stack).await.expect("it starts");
    let large = ComputeRequest { quantiles: vec![1.0], ..request(-50_000..50_000) };
    let good = put(&stack, PROTOBUF, &large.encode_to_vec()).await;
    let reply = ask(&requester, call(&good, Some(PROTOBUF))).await.expect("a reply");
    assert!(reply.body.contains(r#""count":100000,"min":-50000,"max":49999,"median":-0.5"#), "{}", reply.body);

    let invalid = ComputeRequest { quantiles: vec![7.0], ..large.clone() };
    let (truncated, long) = (&large.encode_to_vec()[..100_000], request(0..150_001));
    let wrong = [
        ("garbage", put(&stack, PROTOBUF, b"not a message").await, Some(PROTOBUF), 3),
        ("nothing", put(&stack, PROTOBUF, &[]).await, Some(PROTOBUF), 3),
        ("half", put(&stack, PROTOBUF, truncated).await, Some(PROTOBUF), 3),
        ("a field out of its range", put(&stack, PROTOBUF, &invalid.encode_to_vec()).await, Some(PROTOBUF), 3),
        ("a list too long", put(&stack, PROTOBUF, &long.encode_to_vec()).await, Some(PROTOBUF), 8),
        ("a list too long as text", put(&stack, JSON, wire::request_to_json(&long).as_bytes()).await, None, 8),
        ("another type", put(&stack, "text/xml", b"<values/>").await, Some("text/xml"), 3),
        ("no text", put(&stack, JSON, &[0xff; 9]).await, None, 3),
        ("another digest", Stored { digest: "0".repeat(64), ..good.clone() }, Some(PROTOBUF), 3),
        ("another size", Stored { size: good.size + 1, ..good.clone() }, Some(PROTOBUF), 3),
        ("an impossible size", Stored { size: u64::MAX, ..good.clone() }, Some(PROTOBUF), 3),
        ("a payload that is gone", Stored { id: Uuid::now_v7(), ..good.clone() }, Some(PROTOBUF), 15),
    ];
    let mut codes = BTreeMap::new();
    for (name, stored, content_type, code) in wrong {
        let call = call(&stored, content_type);
        codes.insert(call.id.to_string(), i64::from(code));
        let failure = ask(&requester, call).await.expect_err(name);
        assert_eq!(failure.code, code, "{name}: {failure}");
        assert_eq!(
            compute_proto::validate::limit_from_details(&failure.details),
            (code == 8).then_some(150_000),
            "{name}"
        );
    }

    stack.until_queues_are_empty().await;
    for record in stack.log_records() {
        let code = codes.remove(record["id"].as_str().expect("an id")).unwrap_or(0);
        assert_eq!(record["status"], code, "{record}");
    }
    assert!(codes.is_empty(), "not all are logged");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn the_caller_learns_how_many_values_the_worker_takes() {
    let stack = TestStack::start_with(|config| config.worker.limits.max_values = 1_000).await;
    for values in [1_001, LARGE] {
        let status = stack.client().await.compute(request(0..values)).await.expect_err("too many");
        let info = status.get_details_error_info().expect("details");
        assert_eq!((status.code(), info.reason.as_str()), (Code::ResourceExhausted, "TOO_MANY_VALUES"));
        assert_eq!(info.metadata.get("limit").map(String::as_str), Some("1000"));
        assert!(status.get_details_retry_info().is_none(), "no try will be better");
    }
    stack.client().await.compute(request(0..1_000)).await.expect("an answer");
    stack.stop().await;
}

#[tokio::test]
async fn a_worker_waits_for_s3_to_come_back_before_it_answers() {
    let stack = TestStack::start().await;
    let requester = requester(&stack).await.expect("it starts");
    let stored = put(&stack, PROTOBUF, &request(0..LARGE).encode_to_vec()).await;
    stack.stack.outage().s3(true);
    let before = stack.stack.traffic().requests("s3:GetObject").arrived;
    let asked = tokio::spawn({
        let (requester, call) = (requester.clone(), call(&stored, Some(PROTOBUF)));
        async move { ask(&requester, call).await }
    });
    // More than the attempts that the SDK makes of one request.
    until(async || stack.stack.traffic().requests("s3:GetObject").arrived > before + 6).await;
    stack.stack.outage().s3(false);
    asked.await.expect("no panic").expect("a reply");
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_bucket_that_may_not_be_used_does_not_keep_the_worker_from_its_other_work() {
    let stack = TestStack::start_with(|config| config.worker.concurrency = 1).await;
    let requester = requester(&stack).await.expect("it starts");
    s3(&stack).delete_bucket().bucket(LOG_BUCKET).send().await.expect("it is empty");
    let nowhere = Stored { id: Uuid::now_v7(), size: 5, digest: "0".repeat(64) };
    let failure = ask(&requester, call(&nowhere, Some(PROTOBUF))).await.expect_err("there is no bucket");
    assert_eq!((failure.code, failure.message.as_str()), (13, "the worker failed"));
    stack.client().await.compute(request([1])).await.expect("an answer");

    s3(&stack).create_bucket().bucket(LOG_BUCKET).send().await.expect("it is made");
    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records().len(), 2);
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn many_large_requests_share_a_small_memory_and_all_are_answered() {
    const CALLS: i64 = 24;
    // One of them can need most of it: a payload of 4 MB might have as many values, at 10 bytes each.
    let stack = TestStack::start_with(|config| config.worker.limits.memory_budget = Some(64 << 20)).await;
    let requester = requester(&stack).await.expect("it starts");
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..CALLS {
        let values = request((0..400_000).map(|value| i64::MAX - value - number));
        let stored = put(&stack, PROTOBUF, &values.encode_to_vec()).await;
        let (requester, call) = (requester.clone(), call(&stored, Some(PROTOBUF)));
        calls.spawn(async move { (number, ask(&requester, call).await) });
    }
    while let Some(answered) = calls.join_next().await {
        let (number, reply) = answered.expect("no panic");
        let body = reply.expect("a reply").body;
        assert!(body.contains(&format!(r#""max":"{}""#, i64::MAX - number)), "{body}");
    }
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn while_sqs_and_s3_fail_now_and_then_large_calls_end_with_right_answers_or_typed_errors() {
    let chaos = "seed=3,duplicate=5%,throttle=3%,error=2%,delay=0-50ms,lost-response=2%,partial=5%,s3-error=5%";
    let stack = TestStack::start_with(|config| config.chaos = Some(chaos.parse().expect("chaos"))).await;
    let client = stack.client().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..30 {
        let mut client = client.clone();
        calls.spawn(async move { (number, client.compute(request(number..number + LARGE)).await) });
    }
    let mut answered = 0;
    while let Some(call) = calls.join_next().await {
        match call.expect("no panic") {
            (number, Ok(answer)) => {
                let statistics = answer.into_inner().statistics.expect("statistics");
                assert_eq!((statistics.count, statistics.min), (LARGE as u64, number));
                answered += 1;
            }
            (_, Err(status)) => assert!(
                matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted),
                "{status:?}"
            ),
        }
    }
    assert!(answered >= 20, "{answered} of 30 were answered");
    stack.until_queues_are_empty().await;
    stack.stop().await;
}

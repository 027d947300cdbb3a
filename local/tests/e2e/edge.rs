//! What stands between the socket and the queue: protocols, the page, health, reflection, and the errors of calls that never
//! reach a worker. gRPC-Web is in `grpc_web`.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use compute_local::stack::REQUEST_QUEUE;
use compute_proto::v1::ComputeRequest;
use http::{Request, Version};
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::{ErrorInfo, StatusExt as _};
use tower::ServiceExt as _;

use crate::http1::{self, frame, get};
use crate::kit::{TestStack, queue_url, until};

pub(crate) const COMPUTE: &str = "/compute.v1.ComputeService/Compute";
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn values(values: impl Into<Vec<i64>>) -> ComputeRequest {
    ComputeRequest { values: values.into(), ..Default::default() }
}

/// A gateway without a worker.
pub(crate) async fn without_workers(change: impl FnOnce(&mut compute_gateway::Config)) -> TestStack {
    TestStack::start_with(|config| {
        config.workers = 0;
        change(&mut config.gateway);
    })
    .await
}

pub(crate) fn error_info(status: &Status) -> ErrorInfo {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "compute.v1");
    info
}

/// Asserts code and reason, and that the operation is the same in metadata and details.
pub(crate) fn check(status: &Status, code: Code, reason: &str) {
    let info = error_info(status);
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    let id = status.metadata().get("operation-id").expect("an operation id").to_str().unwrap();
    assert_eq!(info.metadata["operation_id"], id);
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7);
}

/// A request over HTTP/2 that may be no call at all, and what comes back.
pub(crate) async fn http2(channel: Channel, request: http::request::Builder, body: Bytes) -> http::Response<Bytes> {
    let request = request.body(Body::new(http_body_util::Full::new(body))).unwrap();
    let response = channel.oneshot(request).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    let (parts, body) = response.into_parts();
    http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_call_stands_on_the_queue_as_the_wire_contract_has_it() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let stack = without_workers(|_| {}).await;
    let mut request = tonic::Request::new(values([4, 5, 2, 35, 2452]));
    request.set_timeout(Duration::from_secs(60));
    request.metadata_mut().insert("traceparent", TRACE.parse().unwrap());
    let mut client = stack.client().await;
    let waiting = tokio::spawn(async move { client.compute(request).await });

    let sqs = stack.sqs();
    let url = queue_url(&sqs, REQUEST_QUEUE).await;
    let receive = sqs.receive_message().queue_url(&url).wait_time_seconds(20).message_attribute_names("All");
    let message = receive.send().await.unwrap().messages.unwrap().remove(0);
    assert_eq!(message.body(), Some(r#"{"values":[4,5,2,35,2452]}"#));
    let attributes = message.message_attributes.unwrap();
    let attribute = |name: &str| attributes.get(name).and_then(|value| value.string_value()).unwrap_or_default();
    assert_eq!(uuid::Uuid::parse_str(attribute("CorrelationId")).unwrap().get_version_num(), 7);
    assert_eq!((attribute("Method"), attribute("traceparent")), ("compute.v1.ComputeService/Compute", TRACE));
    assert!(attribute("ReplyTo").contains("/compute-replies-"), "{attributes:?}");
    let timeout: u64 = attribute("TimeoutMs").parse().unwrap();
    assert!((1..=59_950).contains(&timeout), "{timeout} ms: the caller's timeout less the margin");
    waiting.abort();
    stack.stop().await;
}

#[tokio::test]
async fn a_deadline_without_a_worker_is_answered_before_the_callers_own_timer_fires() {
    let stack = without_workers(|_| {}).await;
    for finish_late in [false, true] {
        // tonic's timer in the server would answer CANCELLED, without details. So does the client's, but with a source: on a
        // machine that stands still for long enough that one may fire first, and only then it is tried again.
        let mut attempts = 0..5;
        let status = loop {
            assert!(attempts.next().is_some(), "the client's timer fires first, again and again");
            let mut request = tonic::Request::new(ComputeRequest { finish_late, ..values([1]) });
            request.set_timeout(Duration::from_secs(1));
            let status = stack.client().await.compute(request).await.unwrap_err();
            if status.source().is_none() {
                break status;
            }
        };
        check(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        assert_eq!(error_info(&status).metadata["finish_late"], finish_late.to_string());
    }
    stack.stop().await;
}

#[tokio::test]
async fn the_gateways_limits_hold_for_callers_that_ask_for_more_or_for_nothing() {
    let stack = without_workers(|config| {
        config.default_deadline = Duration::from_millis(100);
        config.max_deadline = Duration::from_millis(200);
    })
    .await;
    let status = stack.client().await.compute(values([1])).await.unwrap_err();
    check(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let mut request = tonic::Request::new(values([1]));
    request.set_timeout(Duration::from_secs(3600));
    let status = tokio::time::timeout(PATIENCE, stack.client().await.compute(request)).await.unwrap().unwrap_err();
    check(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    stack.stop().await;
}

#[tokio::test]
async fn a_malformed_timeout_is_an_invalid_argument() {
    let stack = without_workers(|_| {}).await;
    let request = Request::post(COMPUTE).header("content-type", "application/grpc").header("grpc-timeout", "1x");
    let response = http2(stack.channel().await, request, frame(0, &[]).into()).await;
    let status = Status::from_header_map(response.headers()).unwrap();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "grpc-timeout");
    stack.stop().await;
}

#[tokio::test]
async fn an_invalid_request_names_every_field() {
    let stack = without_workers(|_| {}).await;
    let request = ComputeRequest { quantiles: vec![0.5, 1.5], ..values([]) };
    let status = stack.client().await.compute(request).await.unwrap_err();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["values", "quantiles[1]"]);
    stack.stop().await;
}

#[tokio::test]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let stack = without_workers(|_| {}).await;
    for body in [frame(0, &[0xff; 4]), frame(0, b"\x0a\x05\x01"), frame(7, b""), vec![0, 0], Vec::new()] {
        let request = Request::post(COMPUTE).header("content-type", "application/grpc");
        let response = http2(stack.channel().await, request, body.into()).await;
        check(&Status::from_header_map(response.headers()).unwrap(), Code::InvalidArgument, "MALFORMED_MESSAGE");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_with_its_size_and_the_limit() {
    let stack = without_workers(|config| {
        config.max_message_size = 1024;
        config.default_deadline = Duration::from_millis(100);
    })
    .await;
    // A byte each: 1021 values and three bytes of tag and length are 1024.
    let status = stack.client().await.compute(values(vec![1; 1022])).await.unwrap_err();
    check(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    let metadata = error_info(&status).metadata;
    assert_eq!((metadata["size"].as_str(), metadata["limit"].as_str()), ("1025", "1024"));

    let status = stack.client().await.compute(values(vec![1; 1021])).await.unwrap_err();
    check(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    stack.stop().await;
}

#[tokio::test]
async fn a_list_of_hundreds_of_kilobytes_is_answered() {
    let stack = TestStack::start().await;
    let answer = stack.client().await.compute(values((0..60_000).collect::<Vec<_>>())).await.unwrap().into_inner();
    let statistics = answer.statistics.unwrap();
    assert_eq!((statistics.count, statistics.max, statistics.mean), (60_000, 59_999, 29_999.5));
    stack.stop().await;
}

#[tokio::test]
async fn a_list_that_a_queue_message_cannot_hold_is_answered() {
    let stack = TestStack::start().await;
    let answer = stack.client().await.compute(values(vec![i64::MAX; 60_000])).await.unwrap().into_inner();
    let statistics = answer.statistics.unwrap();
    assert_eq!((statistics.count, statistics.min, statistics.variance), (60_000, i64::MAX, 0.0));
    stack.stop().await;
}

#[tokio::test]
async fn an_http1_client_that_sends_too_much_gets_to_read_why() {
    const LIMIT: usize = 8 << 20;
    let stack = without_workers(|config| config.max_message_size = LIMIT).await;
    let body = frame(0, &vec![0; LIMIT + LIMIT / 2]);
    let mut stream = TcpStream::connect(stack.address()).await.unwrap();
    let head = format!(
        "POST {COMPUTE} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/grpc-web+proto\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.expect("all of it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\r\ngrpc-status: 8\r\n"), "{answer}");
    stack.stop().await;
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_outlive_the_deadline() {
    let stack = without_workers(|_| {}).await;
    let mut stream = TcpStream::connect(stack.address()).await.unwrap();
    let head = format!(
        "POST {COMPUTE} HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/grpc-web+proto\r\n\
         grpc-timeout: 100m\r\ncontent-length: 100\r\nconnection: close\r\n\r\n",
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&frame(0, &[0; 95])[..10]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("\r\ngrpc-status: 4\r\n") && answer.contains("\r\noperation-id: "), "{answer}");
    stack.stop().await;
}

#[tokio::test]
async fn a_call_beyond_the_limit_in_flight_is_told_when_to_try_again() {
    let stack = without_workers(|config| config.max_in_flight = 1).await;
    let mut first = stack.client().await;
    let waiting = tokio::spawn(async move { first.compute(values([1])).await });
    let mut client = stack.client().await;
    // Until the first is in flight, the second may be: its short deadline then frees the place.
    until(async || {
        let mut second = tonic::Request::new(values([2]));
        second.set_timeout(Duration::from_millis(100));
        let status = client.compute(second).await.unwrap_err();
        if status.code() == Code::ResourceExhausted {
            check(&status, Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT");
            assert_eq!(error_info(&status).metadata["limit"], "1");
            assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        }
        status.code() == Code::ResourceExhausted
    })
    .await;
    waiting.abort();
    stack.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_404_to_a_browser_and_unimplemented_to_a_caller() {
    let stack = without_workers(|_| {}).await;
    assert_eq!(get(stack.address(), "/nothing").await.status(), 404);
    for path in ["/compute.v1.NoService/Compute", "/compute.v1.ComputeService/NoMethod"] {
        let request = Request::post(path).header("content-type", "application/grpc");
        let response = http2(stack.channel().await, request, Bytes::new()).await;
        let headers = response.headers();
        assert_eq!(
            (&headers["grpc-status"], &headers["content-type"]),
            (&"12".parse().unwrap(), &"application/grpc".parse().unwrap())
        );

        let web = [("content-type", "application/grpc-web+proto")];
        let response = http1::send(stack.address(), http1::request("POST", path, &web, Bytes::new())).await;
        let headers = response.headers();
        assert_eq!(headers["grpc-status"], "12");
        assert_eq!(headers["content-type"], "application/grpc-web+proto");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_request_that_is_no_call_is_told_what_is_wrong_in_http() {
    let stack = without_workers(|_| {}).await;
    let response = get(stack.address(), COMPUTE).await;
    assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "POST"));
    let request = Request::get(COMPUTE).header("content-type", "application/grpc");
    assert_eq!(http2(stack.channel().await, request, Bytes::new()).await.status(), 405);

    for (content_type, expected) in
        [("application/json", 415), ("application/grpc+json", 415), ("application/grpc", 505)]
    {
        let request = http1::request("POST", COMPUTE, &[("content-type", content_type)], Bytes::new());
        assert_eq!(http1::send(stack.address(), request).await.status(), expected, "{content_type}");
    }
    stack.stop().await;
}

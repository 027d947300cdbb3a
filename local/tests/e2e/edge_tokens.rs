//! Who may call: tokens, what their tenants may do, and pages of other origins.

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ComputeResponse, GetOperationRequest, ListOperationsRequest};
use http::HeaderValue;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::edge::{COMPUTE, check, error_info, values, without_workers};
use crate::http1::{self, FORMS, call_web, get};
use crate::kit::{TestStack, config, message_counts, until};

const GET_OPERATION: &str = "/compute.v1.ComputeService/GetOperation";

/// A file with a token for each of these, whose lines end as they say.
fn tokens(lines: &[(&str, &str)]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    write(file.path(), lines);
    file
}

fn write(path: &Path, lines: &[(&str, &str)]) {
    let mut text = String::from("# tokens of a test\n");
    for (token, rest) in lines {
        writeln!(text, "{} {rest}", hex::encode(Sha256::digest(token))).unwrap();
    }
    std::fs::write(path, text).unwrap();
}

fn credentials(token: &str) -> MetadataValue<Ascii> {
    format!("Bearer {token}").parse().unwrap()
}

fn with<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", credentials(token));
    request
}

fn details(status: &tonic::Status) -> (Code, String) {
    (status.code(), error_info(status).reason)
}

#[tokio::test]
async fn a_call_needs_a_token_and_everything_about_it_is_its_tenants_alone() {
    let file = tokens(&[("key of acme", "acme"), ("key of zeta", "zeta")]);
    let stack = TestStack::start_with(|config| config.gateway.edge.tokens = Some(file.path().to_owned())).await;
    let mut client = stack.client().await;
    let refused = client.compute(values([1])).await.unwrap_err();
    check(&refused, Code::Unauthenticated, "TOKEN_MISSING");
    for wrong in ["key of nobody", "key of acm", "key of acme acme", "acme"] {
        let refused = client.compute(with(wrong, values([1]))).await.unwrap_err();
        check(&refused, Code::Unauthenticated, "TOKEN_UNKNOWN");
        assert!(!format!("{refused:?}").contains(wrong), "{refused:?}");
    }

    let answer = client.compute(with("key of acme", values([4, 5, 2, 35, 2452]))).await.unwrap().into_inner();
    assert_eq!(answer.statistics.unwrap().mean, 499.6);
    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records()[0]["tenant"], "acme");

    let name = GetOperationRequest { name: format!("operations/{}", answer.operation_id) };
    let theirs = client.get_operation(with("key of zeta", name.clone())).await.unwrap_err();
    assert_eq!(theirs.code(), Code::NotFound, "another tenant's operation");
    client.get_operation(with("key of acme", name.clone())).await.expect("their own");
    check(&client.get_operation(name).await.unwrap_err(), Code::Unauthenticated, "TOKEN_MISSING");
    for (token, expected) in [("key of zeta", 0), ("key of acme", 1)] {
        let listed = client.list_operations(with(token, ListOperationsRequest::default())).await.unwrap();
        assert_eq!(listed.into_inner().operations.len(), expected, "{token}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn browsers_need_a_token_for_calls_and_nobody_needs_one_for_the_page_health_and_the_description_of_the_api() {
    let file = tokens(&[("key of acme", "acme")]);
    let stack = TestStack::start_with(|config| config.gateway.edge.tokens = Some(file.path().to_owned())).await;
    for form in FORMS {
        let refused = call_web(stack.address(), form, COMPUTE, &[], &values([1])).await;
        check(&refused.early_error(), Code::Unauthenticated, "TOKEN_MISSING");
        let refused = call_web(stack.address(), form, COMPUTE, &[("authorization", "Bearer x")], &values([1])).await;
        check(&refused.early_error(), Code::Unauthenticated, "TOKEN_UNKNOWN");
        let headers = [("authorization", "Bearer key of acme")];
        let answer = call_web(stack.address(), form, COMPUTE, &headers, &values([1, 2])).await;
        assert_eq!(ComputeResponse::decode(answer.messages[0].clone()).unwrap().statistics.unwrap().mean, 1.5);
    }
    for path in ["/", "/favicon.svg", "/healthz"] {
        assert_eq!(get(stack.address(), path).await.status(), 200, "{path}");
    }
    HealthClient::new(stack.channel().await).check(HealthCheckRequest::default()).await.expect("it is open");
    stack.stop().await;
}

#[tokio::test]
async fn a_tenant_that_calls_too_often_is_told_when_to_come_back_and_others_are_not_held_up() {
    let file = tokens(&[("noisy", "noisy rate=2/s"), ("also noisy", "noisy rate=2/s"), ("quiet", "quiet")]);
    let stack = TestStack::start_with(|config| config.gateway.edge.tokens = Some(file.path().to_owned())).await;
    let mut client = stack.client().await;
    let get = || GetOperationRequest { name: "no name at all".to_owned() };
    // The calls of a second, and as many more as come in that time on a slow machine, until one is refused.
    let mut calls = 0;
    let refused = loop {
        calls += 1;
        let token = if calls % 2 == 0 { "noisy" } else { "also noisy" };
        let status = client.get_operation(with(token, get())).await.unwrap_err();
        if status.code() != Code::InvalidArgument {
            break status;
        }
    };
    assert!(calls > 2, "two are let in at once");
    check(&refused, Code::ResourceExhausted, "RATE_LIMITED");
    assert_eq!(error_info(&refused).metadata["rate"], "2");
    let delay = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(!delay.is_zero() && delay <= Duration::from_millis(500), "{delay:?}");
    client.compute(with("quiet", values([1]))).await.expect("others may call");
    tokio::time::sleep(delay).await;
    client.compute(with("noisy", values([1]))).await.expect("after that time it may call again");
    stack.stop().await;
}

#[tokio::test]
async fn a_tenant_has_no_more_calls_in_flight_than_it_may_and_gets_the_places_back() {
    let file = tokens(&[("few", "few in-flight=1"), ("many", "many")]);
    let stack = without_workers(|config| config.edge.tokens = Some(file.path().to_owned())).await;
    let mut client = stack.client().await;
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { client.compute(with("few", values([1]))).await }
    });
    until(async || message_counts(&stack.sqs(), compute_local::stack::REQUEST_QUEUE).await.0 == 1).await;
    let refused = client.compute(with("few", values([1]))).await.unwrap_err();
    check(&refused, Code::ResourceExhausted, "TOO_MANY_OF_TENANT");
    assert!(refused.get_details_retry_info().is_some());
    let mut other = with("many", values([1]));
    other.set_timeout(Duration::from_millis(200));
    assert_eq!(client.compute(other).await.unwrap_err().code(), Code::DeadlineExceeded, "it was let in");

    waiting.abort();
    let name = || GetOperationRequest { name: "no name at all".to_owned() };
    until(async || {
        client.clone().get_operation(with("few", name())).await.unwrap_err().code() == Code::InvalidArgument
    })
    .await;
    stack.stop().await;
}

#[tokio::test]
async fn tokens_are_taken_in_and_out_of_force_by_changing_their_file_and_a_bad_file_changes_nothing() {
    let file = tokens(&[("old", "acme")]);
    let stack = TestStack::start_with(|config| config.gateway.edge.tokens = Some(file.path().to_owned())).await;
    let client = stack.client().await;
    let code = async |token: &str| {
        let answer = client.clone().compute(with(token, values([1]))).await;
        answer.map_or_else(|status| status.code(), |_| Code::Ok)
    };
    assert_eq!((code("old").await, code("new").await), (Code::Ok, Code::Unauthenticated));
    write(file.path(), &[("old", "acme"), ("new", "acme")]);
    until(async || code("new").await == Code::Ok).await;
    assert_eq!(code("old").await, Code::Ok);
    write(file.path(), &[("new", "acme")]);
    until(async || code("old").await == Code::Unauthenticated).await;

    std::fs::write(file.path(), "").unwrap();
    let stays = async || {
        for _ in 0..30 {
            assert_eq!(code("new").await, Code::Ok);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    stays().await;
    std::fs::remove_file(file.path()).unwrap();
    stays().await;
    write(file.path(), &[("newer", "acme")]);
    until(async || code("newer").await == Code::Ok).await;
    stack.stop().await;
}

/// An address of this host that is not of loopback, if it has one. Nothing is sent.
fn outer_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

#[tokio::test]
async fn a_gateway_that_can_be_reached_from_elsewhere_takes_no_token_in_plaintext_and_wants_one_unless_told_otherwise()
{
    let start = async |change: fn(&mut compute_gateway::EdgeConfig, &Path)| {
        let (data, file) = (tempfile::tempdir().unwrap(), tokens(&[("key", "acme")]));
        let mut config = config(data.path());
        change(&mut config.gateway.edge, file.path());
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let aws = TcpListener::bind("127.0.0.1:0").await.unwrap();
        compute_local::Stack::start(config, listener, aws).await.map(|stack| (stack, port, data, file))
    };
    let refused = start(|_, _| {}).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("--allow-anonymous") && refused.contains("0.0.0.0"), "{refused}");

    let (stack, ..) = start(|edge, _| edge.allow_anonymous = true).await.expect("it was told to");
    stack.stop().await;

    let (stack, port, _data, _file) = start(|edge, file| edge.tokens = Some(file.to_owned())).await.expect("it asks");
    let client = async |address: SocketAddr| {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        ComputeServiceClient::new(endpoint.connect().await.unwrap())
    };
    let mut within = client(([127, 0, 0, 1], port).into()).await;
    within.compute(with("key", values([1]))).await.expect("nobody else can read it");
    // Without a network there is no other address; the rule itself has a test of its own.
    if let Some(address) = outer_address() {
        let mut from_elsewhere = client((address, port).into()).await;
        for token in ["key", "another"] {
            let refused = from_elsewhere.compute(with(token, values([1]))).await.unwrap_err();
            check(&refused, Code::Unauthenticated, "TOKEN_IN_PLAINTEXT");
        }
        assert_eq!(details(&from_elsewhere.compute(values([1])).await.unwrap_err()).1, "TOKEN_MISSING");
    }
    stack.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_may_call_only_if_they_are_named() {
    const FRIEND: &str = "https://friend.example";
    let ask = async |stack: &TestStack, origin: &str, path: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type,grpc-timeout,traceparent,x-grpc-web"),
        ];
        http1::send(stack.address(), http1::request("OPTIONS", path, &headers, Bytes::new())).await
    };
    let closed = without_workers(|_| {}).await;
    let answer = ask(&closed, FRIEND, COMPUTE).await;
    assert!(!answer.status().is_success() && !answer.headers().contains_key("access-control-allow-origin"));
    closed.stop().await;

    let origins = vec![HeaderValue::from_static("http://localhost:3000"), HeaderValue::from_static(FRIEND)];
    let stack = TestStack::start_with(|config| config.gateway.edge.allow_origin = origins).await;
    for path in [COMPUTE, GET_OPERATION] {
        let answer = ask(&stack, FRIEND, path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["access-control-allow-origin"], FRIEND);
        let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
        for header in ["authorization", "content-type", "grpc-timeout", "traceparent", "x-grpc-web"] {
            assert!(allowed.contains(header), "{allowed}");
        }
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "no cookies");
    }
    for stranger in ["https://stranger.example", "http://friend.example", "null"] {
        assert!(!ask(&stack, stranger, COMPUTE).await.headers().contains_key("access-control-allow-origin"));
    }
    for form in FORMS {
        let answer = call_web(stack.address(), form, COMPUTE, &[("origin", FRIEND)], &values([])).await;
        assert_eq!(answer.headers["access-control-allow-origin"], FRIEND);
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        for header in ["grpc-status", "grpc-message", "grpc-status-details-bin", "operation-id"] {
            assert!(exposed.contains(header), "{exposed}");
        }
        let answer = call_web(stack.address(), form, COMPUTE, &[("origin", FRIEND)], &values([1, 2])).await;
        assert_eq!(answer.trailers["grpc-status"], "0");
    }
    stack.stop().await;
}

//! What the port takes of those who mean no good, or know no better: headers, compression, silence, connections.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::edge::{COMPUTE, check, error_info, http2, values, without_workers};
use crate::http1::{FORMS, call_web, call_web_with_frames, frame};
use crate::kit::{TestStack, until};

const PATIENCE: Duration = Duration::from_secs(60);

fn call() -> http::request::Builder {
    Request::post(COMPUTE).header("content-type", "application/grpc")
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused_by_name_and_beyond_reason_by_http() {
    let stack = TestStack::start().await;
    let channel = stack.channel().await;
    let request = call().header("x-large", "x".repeat(17 << 10));
    let response = http2(channel.clone(), request, frame(0, &[]).into()).await;
    let status = Status::from_header_map(response.headers()).unwrap();
    check(&status, Code::ResourceExhausted, "HEADERS_TOO_LARGE");
    assert_eq!(error_info(&status).metadata["limit"], (16 << 10).to_string());
    let many = (0..300).fold(call(), |request, n| request.header(format!("x-{n:03}"), "twenty-nine bytes, some more"));
    let response = http2(channel.clone(), many, frame(0, &[]).into()).await;
    check(&Status::from_header_map(response.headers()).unwrap(), Code::ResourceExhausted, "HEADERS_TOO_LARGE");
    let response = http2(channel.clone(), call().header("x-huge", "x".repeat(70 << 10)), frame(0, &[]).into()).await;
    assert_eq!(response.status(), 431);

    let large = "x".repeat(17 << 10);
    for form in FORMS {
        let answer = call_web(stack.address(), form, COMPUTE, &[("x-large", &large)], &values([1])).await;
        check(&answer.early_error(), Code::ResourceExhausted, "HEADERS_TOO_LARGE");
    }
    for head in [
        format!("x-huge: {}\r\n", "x".repeat(70 << 10)),
        (0..101).map(|n| format!("x-{n}: 1\r\n")).collect::<String>(),
        "x-endless: ".to_owned() + &"x".repeat(1 << 20),
    ] {
        let mut stream = TcpStream::connect(stack.address()).await.unwrap();
        let request = format!("POST {COMPUTE} HTTP/1.1\r\nhost: gateway\r\n{head}\r\n\r\n");
        // It hangs up on one who goes on sending.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it hangs up");
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    }
    let answer = stack.client().await.compute(values([1, 2])).await.expect("service goes on");
    assert_eq!(answer.into_inner().statistics.unwrap().mean, 1.5);
    stack.stop().await;
}

#[tokio::test]
async fn compressed_messages_are_refused_before_they_are_unpacked() {
    let stack = without_workers(|_| {}).await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 17, "64 MiB in {} bytes", bomb.len());
    for encoding in ["gzip", "deflate", "zstd", "snappy", "x"] {
        let request = call().header("grpc-encoding", encoding);
        let response = http2(stack.channel().await, request, frame(1, &bomb).into()).await;
        assert_eq!(response.headers()["grpc-accept-encoding"], "identity");
        let status = Status::from_header_map(response.headers()).unwrap();
        check(&status, Code::Unimplemented, "COMPRESSION_UNSUPPORTED");
    }
    // Compressed, and not saying so, or saying it in words that gRPC does not have.
    for header in ["x-nothing", "content-encoding", "transfer-encoding"] {
        let request = if header == "transfer-encoding" { call() } else { call().header(header, "gzip") };
        let response = http2(stack.channel().await, request, frame(1, &bomb).into()).await;
        check(&Status::from_header_map(response.headers()).unwrap(), Code::InvalidArgument, "MALFORMED_MESSAGE");
    }
    for form in FORMS {
        let headers = [("grpc-encoding", "gzip")];
        let answer = call_web_with_frames(stack.address(), form, COMPUTE, &headers, frame(1, &bomb)).await;
        check(&answer.early_error(), Code::Unimplemented, "COMPRESSION_UNSUPPORTED");
    }
    stack.stop().await;
}

#[tokio::test]
async fn one_who_stops_in_the_middle_of_a_message_is_told_so_and_holds_no_memory() {
    let stack = without_workers(|config| config.stream_idle_timeout = Duration::from_millis(300)).await;
    let mut stream = TcpStream::connect(stack.address()).await.unwrap();
    let head = "content-type: application/grpc-web+proto\r\ncontent-length: 1000000\r\n";
    let request = format!("POST {COMPUTE} HTTP/1.1\r\nhost: gateway\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(&frame(0, &[0; 1_000])[..500]).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is answered");
    assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(answer.contains("grpc-status: 4\r\n"), "{answer}");
    assert!(answer.contains("nothing%20has%20come%20of%20the%20request"), "{answer}");
    stack.stop().await;
}

#[tokio::test]
async fn so_many_may_watch_without_credentials_and_calls_go_on() {
    let stack = without_workers(|_| {}).await;
    let mut health = HealthClient::new(stack.channel().await);
    let mut watches = Vec::new();
    let refused = loop {
        assert!(watches.len() <= 1_000, "there is an end to it");
        match health.watch(HealthCheckRequest::default()).await {
            Ok(watch) => watches.push(watch),
            Err(status) => break status,
        }
    };
    assert_eq!((refused.code(), watches.len()), (Code::ResourceExhausted, 1_000));
    let status = stack.client().await.compute(values([])).await.unwrap_err();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    drop(watches);
    until(async || health.watch(HealthCheckRequest::default()).await.is_ok()).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_connection_without_a_call_ends_in_time_and_one_with_a_call_does_not_and_clients_open_another() {
    let stack = without_workers(|config| {
        config.edge.idle_timeout = Duration::from_secs(1);
        config.default_deadline = Duration::from_secs(4);
    })
    .await;
    let mut silent = TcpStream::connect(stack.address()).await.unwrap();
    let mut half = TcpStream::connect(stack.address()).await.unwrap();
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    let mut client = stack.client().await;
    let waiting = client.compute(values([1])).await.unwrap_err();
    check(&waiting, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    // It begins after the client's own has become idle, and so ends after it. The client may still be about to hear of that.
    let mut last = TcpStream::connect(stack.address()).await.unwrap();
    for stream in [&mut silent, &mut half, &mut last] {
        let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.expect("it is ended");
        assert!(matches!(ended, Ok(0)) || ended.is_err());
    }
    until(async || client.clone().compute(values([])).await.unwrap_err().code() == Code::InvalidArgument).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_one_without_a_call() {
    let stack = without_workers(|config| {
        config.edge.max_connections = 3;
        config.default_deadline = Duration::from_secs(5);
    })
    .await;
    let mut client = stack.client().await;
    let waiting = tokio::spawn(async move { client.compute(values([1])).await });
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(TcpStream::connect(stack.address()).await.unwrap());
    }
    for stream in &mut idle[..8] {
        let ended = tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.expect("its place is taken");
        assert!(matches!(ended, Ok(0)) || ended.is_err());
    }
    let status = stack.client().await.compute(values([])).await.unwrap_err();
    check(&status, Code::InvalidArgument, "INVALID_REQUEST");
    check(&waiting.await.unwrap().unwrap_err(), Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    stack.stop().await;
}

//! The port that SQS and S3 share.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::endpoint::{BUCKET, Endpoint, code};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const LONG_POLL: &str = "POST / HTTP/1.1\r\nhost: localhost\r\nx-amz-target: AmazonSQS.ReceiveMessage\r\n\
    content-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_target_header_leads_to_sqs_and_everything_else_to_s3() {
    let dir = tempfile::tempdir().unwrap();
    let sqs = |request: http::Request<hyper::body::Incoming>| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Full::new(Bytes::from([b"sqs got ", body.as_ref()].concat())))
    };
    let endpoint = Endpoint::start_with(dir.path(), sqs).await;
    let answer = endpoint.raw(&LONG_POLL.replace("content-length", "connection: close\r\ncontent-length")).await;
    assert!(answer.ends_with("sqs got {}"), "{answer}");
    let answer = endpoint.raw("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("<Name>compute-logs</Name>"), "{answer}");
    assert!(answer.contains("x-amz-request-id: "), "{answer}");
}

#[tokio::test]
async fn another_service_in_the_json_protocol_is_refused_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let request = "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
        content-length: 2\r\n\r\n{}";
    let answer = endpoint.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("#UnknownOperationException\""), "{answer}");
    assert!(answer.contains("DynamoDB_20120810.ListTables"), "{answer}");
}

#[tokio::test]
async fn an_old_sqs_client_is_told_to_speak_json() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let body = "Action=SendMessage&MessageBody=hello&Version=2012-11-05";
    for request in [
        format!(
            "POST /000000000000/compute-requests HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded; charset=utf-8\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        format!("GET /?{body} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
    ] {
        let answer = endpoint.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(answer.contains("<Code>InvalidAction</Code>"), "{answer}");
        assert!(answer.contains("JSON protocol"), "{answer}");
        assert!(answer.contains("<RequestId>"), "{answer}");
    }
}

#[tokio::test]
async fn another_service_in_the_query_protocol_is_told_what_is_here() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let request =
        "GET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = endpoint.raw(request).await;
    assert!(answer.contains("this service is not served here"), "{answer}");
}

#[tokio::test]
async fn a_long_poll_ends_when_its_client_hangs_up() {
    /// Tells when it is dropped.
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.send("dropped").ok();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (events, mut seen) = mpsc::unbounded_channel();
    let sqs = move |request: http::Request<hyper::body::Incoming>| {
        let events = events.clone();
        async move {
            request.into_body().collect().await.unwrap();
            let _guard = Dropped(events.clone());
            events.send("polling").ok();
            std::future::pending::<Response<Full<Bytes>>>().await
        }
    };
    let endpoint = Endpoint::start_with(dir.path(), sqs).await;
    let mut client = TcpStream::connect(endpoint.address).await.unwrap();
    client.write_all(LONG_POLL.as_bytes()).await.unwrap();
    assert_eq!(timeout(PATIENCE, seen.recv()).await.unwrap(), Some("polling"));
    drop(client);
    assert_eq!(timeout(PATIENCE, seen.recv()).await.unwrap(), Some("dropped"));
}

#[tokio::test]
async fn a_shutdown_lets_requests_in_flight_finish() {
    let dir = tempfile::tempdir().unwrap();
    let (started, mut polling) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let sqs = move |_| {
        let (started, released) = (started.clone(), Arc::clone(&released));
        async move {
            started.send(()).ok();
            released.notified().await;
            Response::new(Full::new(Bytes::from_static(b"finished")))
        }
    };
    let endpoint = Endpoint::start_with(dir.path(), sqs).await;
    let address = endpoint.address;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(LONG_POLL.as_bytes()).await.unwrap();
    timeout(PATIENCE, polling.recv()).await.unwrap().unwrap();

    let stopped = endpoint.stop();
    // The listener is closed before the connections are drained.
    timeout(PATIENCE, async { while TcpStream::connect(address).await.is_ok() {} }).await.unwrap();
    assert!(!stopped.is_finished());
    release.notify_one();
    let mut answer = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&answer).ends_with("finished"));
    timeout(PATIENCE, stopped).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_shutdown_that_is_cut_short_ends_the_connections() {
    let dir = tempfile::tempdir().unwrap();
    let (started, mut polling) = mpsc::unbounded_channel();
    let sqs = move |_| {
        started.send(()).ok();
        std::future::pending()
    };
    let endpoint = Endpoint::start_with(dir.path(), sqs).await;
    let mut client = TcpStream::connect(endpoint.address).await.unwrap();
    client.write_all(LONG_POLL.as_bytes()).await.unwrap();
    timeout(PATIENCE, polling.recv()).await.unwrap().unwrap();
    endpoint.stop().abort();
    assert_eq!(timeout(PATIENCE, client.read(&mut [0])).await.unwrap().unwrap(), 0);
}

/// What the port tells of its traffic.
async fn traffic(endpoint: &Endpoint) -> serde_json::Value {
    let answer = endpoint.raw(&traffic_request("GET", "localhost")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn traffic_request(method: &str, host: &str) -> String {
    format!("{method} /_compute/traffic HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn what_was_counted_can_be_read_and_reading_is_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    assert_eq!(traffic(&endpoint).await, serde_json::json!({}));
    // SQS bills each 64 KiB begun.
    let (head, body) = LONG_POLL.split_once("content-length: 2\r\n\r\n").unwrap();
    let send = format!("{head}connection: close\r\ncontent-length: 65537\r\n\r\n{}{}", body, " ".repeat(65_535));
    endpoint.raw(&send.replace("ReceiveMessage", "SendMessage")).await;
    endpoint.s3().list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let expected = serde_json::json!({
        "s3:ListObjects": {"arrived": 1, "handled": 1, "billed": 1},
        "sqs:SendMessage": {"arrived": 1, "handled": 1, "billed": 2},
    });
    assert_eq!(traffic(&endpoint).await, expected);
    assert_eq!(traffic(&endpoint).await, expected);
    let refused = endpoint.raw(&traffic_request("DELETE", "localhost")).await;
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET\r\n"), "{refused}");
}

#[tokio::test]
async fn polls_that_bring_no_message_are_counted_among_those_handled() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start_chaotic(dir.path(), "seed=1").await;
    let sqs = endpoint.sqs(RetryConfig::disabled());
    let queue = sqs.create_queue().queue_name("polled").send().await.unwrap().queue_url.unwrap();
    let poll = || sqs.receive_message().queue_url(&queue).send();
    assert_eq!(poll().await.unwrap().messages().len(), 0);
    sqs.send_message().queue_url(&queue).message_body("a message").send().await.unwrap();
    assert_eq!(poll().await.unwrap().messages().len(), 1);
    let expected = serde_json::json!({"arrived": 2, "handled": 2, "billed": 2, "empty": 1});
    assert_eq!(traffic(&endpoint).await["sqs:ReceiveMessage"], expected);
}

#[tokio::test]
async fn an_object_may_have_the_name_that_traffic_is_read_at() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"an object");
    endpoint.s3().put_object().bucket(BUCKET).key("_compute/traffic").body(body).send().await.unwrap();
    let answer = endpoint.raw(&traffic_request("GET", &format!("{BUCKET}.localhost"))).await;
    assert!(answer.ends_with("\r\n\r\nan object"), "{answer}");
}

#[tokio::test]
async fn no_fault_and_no_outage_keeps_traffic_from_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start_chaotic(dir.path(), "seed=1,s3-error=100%,lost-response=100%").await;
    endpoint.gate.outage().sqs(true);
    endpoint.gate.outage().s3(true);
    let list = endpoint.s3().list_objects_v2().bucket(BUCKET).send().await;
    assert_eq!(code(list), "ServiceUnavailable");
    let expected = serde_json::json!({"s3:ListObjects": {"arrived": 1, "handled": 0, "billed": 0}});
    assert_eq!(traffic(&endpoint).await, expected);
}

//! The one port on which the embedded SQS and S3 answer.
//!
//! A request with a header `X-Amz-Target: AmazonSQS.…` is SQS's (its JSON protocol), every other one is S3's. HTTP/1.1 without
//! TLS, like what an SDK expects behind `AWS_ENDPOINT_URL=http://127.0.0.1:…`.
//!
//! `GET /_compute/traffic` is neither's, since no bucket's name starts with an underscore: it tells how often each operation was
//! asked for so far, so that a program outside can compute a bill. It is not counted itself, and no chaos or outage touches it.
//!
//! ```json
//! {"s3:PutObject": {"arrived": 100, "handled": 99, "billed": 99},
//!  "sqs:ReceiveMessage": {"arrived": 20, "handled": 20, "billed": 20, "empty": 8},
//!  "sqs:SendMessageBatch": {"arrived": 12, "handled": 12, "billed": 14}}
//! ```
//!
//! The fields are those of [`Requests`](crate::chaos::Requests); operations that nobody asked for are not there, nor
//! is an `empty` of 0.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::chaos::{Gate, Operation};
use crate::s3::{S3Store, bucket_in_host};

const TARGET: &str = "x-amz-target";
const REQUEST_ID: &str = "x-amz-request-id";
/// Where what was counted can be read.
const TRAFFIC: &str = "/_compute/traffic";
/// What a refused request may have for a body, in bytes; none that means well has more.
const MAX_REFUSED: usize = 64 << 10;
/// How long to wait when the process has no file handle left for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves SQS by `sqs` and S3 by `s3`, both behind `gate`, until `shutdown`, then lets the requests in flight finish: a long poll may take 20 s, so
/// the caller bounds the wait. Dropping the future ends the connections.
///
/// The future that `sqs` returns is dropped when its caller hangs up, so a message is not handed to somebody who is gone.
pub async fn serve<H, F>(
    listener: TcpListener,
    sqs: H,
    s3: S3Store,
    gate: Arc<Gate>,
    shutdown: impl Future<Output = ()>,
) where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => {
                if let Err(panic) = ended {
                    tracing::error!(%panic, "a connection's task failed");
                }
                continue;
            }
        };
        let (sqs, s3, gate) = (sqs.clone(), s3.clone(), gate.clone());
        let service = service_fn(move |request| answer(request, sqs.clone(), s3.clone(), gate.clone()));
        let connection = graceful.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The next connection, whatever goes wrong with others.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are short; holding one back for a fuller packet would only delay it.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                return stream;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn answer<H, F>(
    request: Request<Incoming>,
    sqs: H,
    s3: S3Store,
    gate: Arc<Gate>,
) -> Result<Response<s3s::Body>, s3s::HttpError>
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Full<Bytes>>>,
{
    let id = Uuid::new_v4().to_string();
    let mut response = match request.headers().get(TARGET) {
        Some(target) if target.as_bytes().starts_with(b"AmazonSQS.") => {
            let operation = Operation::of_sqs(target.as_bytes());
            let handle = |request| async move { Ok(sqs(request).await.map(s3s::Body::http_body)) };
            gate.pass(operation, request, handle).await?
        }
        Some(_) => unknown_service(&request),
        None if asks_for_traffic(&request) => tell_traffic(&request, &gate),
        None if may_be_query(&request) => refuse_query(request, &id).await,
        None => {
            gate.pass(Operation::of_s3(&request), request, |request| async move { s3.handle(request).await }).await?
        }
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().entry(REQUEST_ID).or_insert(id);
    }
    Ok(response)
}

/// Whether this is for us. With a bucket in the host name it is an object of that bucket.
fn asks_for_traffic(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    request.uri().path() == TRAFFIC && bucket_in_host(host).is_none()
}

fn tell_traffic(request: &Request<Incoming>, gate: &Gate) -> Response<s3s::Body> {
    if request.method() != Method::GET {
        let mut response = Response::new(s3s::Body::empty());
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let counted = serde_json::json!(gate.traffic().requests);
    answer_with(StatusCode::OK, "application/json", counted.to_string())
}

/// A call of another service, in the JSON protocol.
fn unknown_service(request: &Request<Incoming>) -> Response<s3s::Body> {
    let target = request.headers().get(TARGET).and_then(|target| target.to_str().ok()).unwrap_or_default();
    let error = serde_json::json!({
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": format!("{target:?} is not served here: this endpoint has SQS and S3"),
    });
    refusal("application/x-amz-json-1.0", error.to_string())
}

/// Whether this may be a call in the query protocol, which SQS clients spoke once and some services' still do. S3 has no
/// POST without a query string.
fn may_be_query(request: &Request<Incoming>) -> bool {
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    match request.uri().query() {
        Some(query) => parameter(query, "Action").is_some() && parameter(query, "Version").is_some(),
        None => is_form && request.method() == Method::POST,
    }
}

async fn refuse_query(request: Request<Incoming>, id: &str) -> Response<s3s::Body> {
    let mut parameters = request.uri().query().unwrap_or_default().to_owned();
    if let Ok(body) = Limited::new(request.into_body(), MAX_REFUSED).collect().await {
        parameters.push('&');
        parameters.push_str(&String::from_utf8_lossy(&body.to_bytes()));
    }
    // botocore went over to JSON in November 2023, back again, and over for good in April 2024.
    let message = if parameter(&parameters, "Version") == Some(SQS_VERSION) {
        "the query protocol of SQS is not spoken here, only its JSON protocol, which all AWS SDKs and the AWS CLI speak since \
         May 2024: use a newer one"
    } else {
        "this service is not served here: this endpoint has SQS (in its JSON protocol) and S3"
    };
    refusal(
        "text/xml",
        format!(
            "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/{SQS_VERSION}/\"><Error>\
             <Type>Sender</Type><Code>InvalidAction</Code><Message>{message}</Message><Detail/></Error>\
             <RequestId>{id}</RequestId></ErrorResponse>\n"
        ),
    )
}

/// The version of SQS's query API.
const SQS_VERSION: &str = "2012-11-05";

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn refusal(content_type: &'static str, body: String) -> Response<s3s::Body> {
    answer_with(StatusCode::BAD_REQUEST, content_type, body)
}

fn answer_with(status: StatusCode, content_type: &'static str, body: String) -> Response<s3s::Body> {
    let mut response = Response::new(s3s::Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

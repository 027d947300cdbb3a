//! AWS JSON 1.0 over HTTP: requests in, answers and errors out.
//!
//! Source: [the protocol](https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html) and
//! [its query-compatible errors](https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::SqsError;
use crate::chaos::NoMessages;

/// More than a batch of 1 MiB can take with every byte escaped.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// One request, read to its end.
#[derive(Debug)]
pub(super) struct Call {
    /// Name of the action, not known to be one.
    pub(super) action: String,
    /// Host and port by which the client reached us: queue URLs begin with it.
    pub(super) host: String,
    body: Bytes,
}

impl Call {
    pub(super) async fn read<B>(request: Request<B>) -> Result<Self, SqsError>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let target = request.headers().get("x-amz-target").map_or("", |target| target.to_str().unwrap_or_default());
        let action = target.strip_prefix("AmazonSQS.").ok_or_else(|| SqsError::UnknownOperation(target.to_owned()))?;
        let action = action.to_owned();
        if request.method() != Method::POST {
            return Err(SqsError::UnknownOperation(format!("{} {action}", request.method())));
        }
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host =
            host.or(request.uri().authority().map(http::uri::Authority::as_str)).unwrap_or("localhost").to_owned();
        let body = Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                SqsError::RequestTooLarge(MAX_REQUEST_BYTES)
            } else {
                SqsError::Serialization(format!("the body could not be read: {error}"))
            }
        })?;
        Ok(Self { action, host, body: body.to_bytes() })
    }
}

/// The call's parameters.
///
/// # Errors
///
/// [`Serialization`](SqsError::Serialization) if the body is not JSON of this shape. No body is taken for no parameters.
pub(super) fn input<T: DeserializeOwned>(call: &Call) -> Result<T, SqsError> {
    let body = if call.body.is_empty() { b"{}" } else { call.body.as_ref() };
    // As text, since that is checked once to be UTF-8, and not string by string. What is none is told where it is not.
    let input = std::str::from_utf8(body).map_or_else(|_| serde_json::from_slice(body), serde_json::from_str);
    input.map_err(|error| SqsError::Serialization(error.to_string()))
}

/// The value of a parameter that must be there.
pub(super) fn required<T>(name: &'static str, value: Option<T>) -> Result<T, SqsError> {
    value.ok_or(SqsError::MissingParameter(name))
}

/// Checks an optional integer against its range.
pub(super) fn in_range(name: &'static str, value: Option<i64>, least: u64, most: u64) -> Result<Option<u64>, SqsError> {
    let Some(value) = value else { return Ok(None) };
    match u64::try_from(value) {
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => Err(SqsError::parameter(name, value, format!("Must be >= {least} and <= {most}, if provided."))),
    }
}

/// The JSON of a successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    json: Vec<u8>,
    /// Whether a queue was polled and had nothing.
    brings_no_messages: bool,
}

impl Answer {
    pub(super) fn new(output: &impl Serialize) -> Self {
        let json = serde_json::to_vec(output).expect("outputs are structs with string keys, which are always JSON");
        Self { json, brings_no_messages: false }
    }

    /// Of a poll that found no message.
    pub(super) fn no_messages(output: &impl Serialize) -> Self {
        Self { brings_no_messages: true, ..Self::new(output) }
    }

    /// Of an action without output.
    pub(super) fn empty() -> Self {
        Self { json: b"{}".to_vec(), brings_no_messages: false }
    }
}

#[derive(Serialize)]
struct ErrorBody {
    #[serde(rename = "__type")]
    shape: &'static str,
    message: String,
}

impl SqsError {
    /// The answer to whatever was asked.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        response(Err(self))
    }
}

pub(super) fn response(outcome: Result<Answer, SqsError>) -> Response<Full<Bytes>> {
    let brings_no_messages = outcome.as_ref().is_ok_and(|answer| answer.brings_no_messages);
    let (status, query_error, body) = match outcome {
        Ok(answer) => (StatusCode::OK, None, answer.json),
        Err(error) => {
            let codes = error.codes();
            let body = Answer::new(&ErrorBody { shape: codes.shape, message: error.to_string() });
            let fault = if error.is_sender_fault() { "Sender" } else { "Receiver" };
            (error.status(), Some(format!("{};{fault}", codes.query)), body.json)
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    let id = HeaderValue::try_from(Uuid::new_v4().to_string()).expect("a UUID is visible ASCII");
    headers.insert("x-amzn-requestid", id);
    if let Some(query_error) = query_error {
        headers.insert("x-amzn-query-error", HeaderValue::try_from(query_error).expect("codes are visible ASCII"));
    }
    if brings_no_messages {
        response.extensions_mut().insert(NoMessages);
    }
    response
}

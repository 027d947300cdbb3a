//! HTTP/1.1 as browsers speak it, and gRPC-Web by hand on top.
//!
//! gRPC-Web: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>. A body is a row of frames: a flag, the length in
//! four bytes, big-endian, and the content. Flag 0x00 is a message, 0x80 the trailers, as lines of HTTP/1.1 headers. The text
//! form is base64 of that.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpStream;
use tonic::Status;

/// Sends one request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    Response::from_parts(parts, body)
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Response<Bytes> {
    send(address, request("GET", path, &[], Bytes::new())).await
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "gateway");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Full::new(body)).unwrap()
}

/// The two forms of gRPC-Web.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Binary,
    Text,
}

pub(crate) const FORMS: [Form; 2] = [Form::Binary, Form::Text];

impl Form {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Binary => "application/grpc-web+proto",
            Self::Text => "application/grpc-web-text+proto",
        }
    }

    fn encode(self, frames: Vec<u8>) -> Bytes {
        match self {
            Self::Binary => frames.into(),
            Self::Text => BASE64_STANDARD.encode(frames).into(),
        }
    }

    /// A server may encode its frames one by one, each with padding of its own, so that four characters at a time are decoded.
    fn decode(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Binary => body.to_vec(),
            Self::Text => body.chunks(4).flat_map(|group| BASE64_STANDARD.decode(group).unwrap()).collect(),
        }
    }
}

/// What a call over gRPC-Web brings.
#[derive(Debug)]
pub(crate) struct WebAnswer {
    pub(crate) headers: HeaderMap,
    pub(crate) messages: Vec<Bytes>,
    /// Empty if there was no trailer frame: an early error has its status among the headers.
    pub(crate) trailers: HeaderMap,
}

impl WebAnswer {
    /// The status that comes in place of a message.
    pub(crate) fn early_error(&self) -> Status {
        assert!(self.messages.is_empty() && self.trailers.is_empty(), "{self:?}");
        Status::from_header_map(&self.headers).expect("a status among the headers")
    }

    pub(crate) fn operation_id(&self) -> &str {
        self.headers["operation-id"].to_str().unwrap()
    }
}

/// Calls `path` with one message.
pub(crate) async fn call_web(
    address: SocketAddr,
    form: Form,
    path: &str,
    headers: &[(&str, &str)],
    message: &impl Message,
) -> WebAnswer {
    call_web_with(address, form, path, headers, message.encode_to_vec()).await
}

/// Calls `path` with bytes in place of a message.
pub(crate) async fn call_web_with(
    address: SocketAddr,
    form: Form,
    path: &str,
    headers: &[(&str, &str)],
    message: Vec<u8>,
) -> WebAnswer {
    call_web_with_frames(address, form, path, headers, frame(0, &message)).await
}

/// Calls `path` with a body of these frames.
pub(crate) async fn call_web_with_frames(
    address: SocketAddr,
    form: Form,
    path: &str,
    headers: &[(&str, &str)],
    frames: Vec<u8>,
) -> WebAnswer {
    let own = [("content-type", form.content_type()), ("accept", form.content_type()), ("x-grpc-web", "1")];
    let body = form.encode(frames);
    let response = send(address, request("POST", path, &[&own[..], headers].concat(), body)).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.headers()["content-type"], form.content_type(), "{response:?}");
    read(form, response)
}

pub(crate) fn frame(flag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&[flag][..], &length.to_be_bytes(), content].concat()
}

fn read(form: Form, response: Response<Bytes>) -> WebAnswer {
    let (parts, body) = response.into_parts();
    let mut rest = Bytes::from(form.decode(&body));
    let mut answer = WebAnswer { headers: parts.headers, messages: Vec::new(), trailers: HeaderMap::new() };
    while !rest.is_empty() {
        assert!(answer.trailers.is_empty(), "nothing follows the trailers");
        let prefix = rest.split_to(5);
        let content = rest.split_to(u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize);
        match prefix[0] {
            0x00 => answer.messages.push(content),
            0x80 => answer.trailers = trailers(&content),
            flag => panic!("a frame with flag {flag:#x}"),
        }
    }
    answer
}

fn trailers(content: &[u8]) -> HeaderMap {
    let lines = std::str::from_utf8(content).unwrap().split_terminator("\r\n");
    let pairs = lines.map(|line| line.split_once(':').expect("a name and a value"));
    pairs.map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.trim().parse().unwrap())).collect()
}

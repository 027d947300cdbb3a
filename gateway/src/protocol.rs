//! Which requests are calls: what stands before the gRPC services, and after all routes.
//!
//! tonic answers to whatever reaches a service's path. Here a browser that strays there, or a client of the wrong protocol,
//! is told so in HTTP, and a gRPC client that calls what does not exist is told so in gRPC.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use tonic::{Code, Status};

/// How a call is encoded, by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    GrpcWeb,
}

impl Protocol {
    /// Messages are Protocol Buffers: other encodings of gRPC, such as `application/grpc+json`, are not spoken here.
    fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(header::CONTENT_TYPE)?.as_bytes() {
            b"application/grpc" | b"application/grpc+proto" => Some(Self::Grpc),
            b"application/grpc-web"
            | b"application/grpc-web+proto"
            | b"application/grpc-web-text"
            | b"application/grpc-web-text+proto" => Some(Self::GrpcWeb),
            _ => None,
        }
    }
}

/// Whether this is a call over plain gRPC, which [`only_calls`] lets through.
pub(crate) fn is_grpc<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::POST
        && request.version() == Version::HTTP_2
        && Protocol::of(request.headers()) == Some(Protocol::Grpc)
}

/// Lets calls through to the services and answers everything else in HTTP.
pub(crate) async fn only_calls(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], "calls are made with POST\n")
            .into_response();
    }
    match (Protocol::of(request.headers()), request.version()) {
        (Some(Protocol::GrpcWeb), _) | (Some(Protocol::Grpc), Version::HTTP_2) => next.run(request).await,
        (Some(Protocol::Grpc), _) => {
            let body = "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web\n";
            (StatusCode::HTTP_VERSION_NOT_SUPPORTED, body).into_response()
        }
        (None, _) => {
            let body =
                "the content type of a call is application/grpc, application/grpc-web or application/grpc-web-text\n";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, body).into_response()
        }
    }
}

/// Answers requests for paths that do not exist: UNIMPLEMENTED in the caller's protocol, 404 to anything but a call.
pub(crate) async fn not_found(request: Request) -> Response {
    if Protocol::of(request.headers()).is_none() {
        return (StatusCode::NOT_FOUND, "there is nothing here\n").into_response();
    }
    let content_type = request.headers().get(header::CONTENT_TYPE).cloned();
    let mut response = Status::new(Code::Unimplemented, "there is no such service").into_http::<axum::body::Body>();
    let content_type = content_type.unwrap_or(HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &'static str) -> Option<Protocol> {
        Protocol::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]))
    }

    #[test]
    fn the_content_type_tells_the_protocol() {
        assert_eq!(of("application/grpc"), Some(Protocol::Grpc));
        assert_eq!(of("application/grpc-web-text+proto"), Some(Protocol::GrpcWeb));
        for other in ["", "application/grpc+json", "application/grpc-web+json", "application/json", "application/grpcx"]
        {
            assert_eq!(of(other), None, "{other:?}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), None);
    }
}

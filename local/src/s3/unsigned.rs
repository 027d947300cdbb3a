//! Takes the signature off a request, so that any credentials do.
//!
//! `s3s` lets unsigned requests through but must verify a signature that is there, and nobody knows the secret keys of made-up
//! credentials. With the signature goes the coding that only signed bodies have.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri, request};
use hyper::body::Body;
use s3s::{S3Result, s3_error};

use super::aws_chunked::Decoded;
pub(super) use super::aws_chunked::Trailers;

const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const CHUNKED: &str = "aws-chunked";

/// Query parameters of presigned URLs, versions 4 and 2.
const SIGNING_PARAMETERS: [&str; 11] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
];

/// The same request, unsigned and with a plain body. A chunked body's [`Trailers`] are among the extensions.
///
/// # Errors
/// `MissingContentLength` if a chunked body does not say how long it is.
pub(super) fn without_signature<B>(request: Request<B>) -> S3Result<Request<s3s::Body>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static + Into<s3s::Body>,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let (mut parts, body) = request.into_parts();
    parts.headers.remove(AUTHORIZATION);
    if let Some(uri) = without_signing_parameters(&parts.uri) {
        parts.uri = uri;
    }
    let body = if is_chunked(&parts.headers) {
        let trailers = Trailers::default();
        describe_decoded(&mut parts, &trailers)?;
        s3s::Body::http_body_unsync(Decoded::new(body, trailers))
    } else {
        body.into()
    };
    Ok(Request::from_parts(parts, body))
}

fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get(&CONTENT_SHA256).is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
        || codings(headers).any(|coding| coding.eq_ignore_ascii_case(CHUNKED))
}

fn codings(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|coding| !coding.is_empty())
}

/// Makes the headers say what is true of the decoded body.
fn describe_decoded(parts: &mut request::Parts, trailers: &Trailers) -> S3Result<()> {
    let length = parts.headers.remove(&DECODED_LENGTH).ok_or_else(|| {
        s3_error!(MissingContentLength, "You must provide the x-amz-decoded-content-length HTTP header")
    })?;
    parts.headers.insert(CONTENT_LENGTH, length);
    let kept: Vec<_> = codings(&parts.headers).filter(|coding| !coding.eq_ignore_ascii_case(CHUNKED)).collect();
    match HeaderValue::from_str(&kept.join(",")) {
        Ok(kept) if !kept.is_empty() => drop(parts.headers.insert(CONTENT_ENCODING, kept)),
        _ => drop(parts.headers.remove(CONTENT_ENCODING)),
    }
    parts.extensions.insert(trailers.clone());
    Ok(())
}

/// The URI without the parameters of a presigned URL; `None` if it has none.
fn without_signing_parameters(uri: &Uri) -> Option<Uri> {
    let query = uri.query()?;
    let is_signing = |parameter: &&str| {
        let name = parameter.split('=').next().unwrap_or_default();
        SIGNING_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    let kept: Vec<_> = query.split('&').filter(|parameter| !is_signing(parameter)).collect();
    if kept.len() == query.split('&').count() {
        return None;
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", uri.path(), kept.join("&")).parse().ok()
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    fn unsigned(request: request::Builder, body: &'static str) -> S3Result<Request<s3s::Body>> {
        let request = request.body(s3s::Body::http_body(Full::new(Bytes::from_static(body.as_bytes()))));
        without_signature(request.expect("a valid request").map(Wrapped))
    }

    /// `s3s::Body` with an error that is `std::error::Error`, as hyper's is.
    struct Wrapped(s3s::Body);

    impl From<Wrapped> for s3s::Body {
        fn from(body: Wrapped) -> Self {
            body.0
        }
    }

    impl Body for Wrapped {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            std::pin::Pin::new(&mut self.0).poll_frame(context).map_err(std::io::Error::other)
        }
    }

    #[test]
    fn a_presigned_url_keeps_its_other_parameters() {
        let uri = "/b/k?uploads&X-Amz-Signature=00&prefix=a%26b&x-amz-date=1&Expires=3".parse().expect("a URI");
        assert_eq!(without_signing_parameters(&uri), Some("/b/k?uploads&prefix=a%26b".parse().expect("a URI")));
        let uri = "/b/k?AWSAccessKeyId=1&Signature=2".parse().expect("a URI");
        assert_eq!(without_signing_parameters(&uri), Some("/b/k".parse().expect("a URI")));
        assert_eq!(without_signing_parameters(&"/b/k?prefix=Signature".parse().expect("a URI")), None);
    }

    #[tokio::test]
    async fn a_chunked_body_becomes_a_plain_one() {
        let request = Request::put("/b/k")
            .header("authorization", "AWS4-HMAC-SHA256 …")
            .header("content-encoding", "aws-chunked,gzip")
            .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .header("x-amz-decoded-content-length", "5")
            .header("content-length", "99");
        let request = unsigned(request, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n").expect("accepted");
        assert_eq!(request.headers()["content-length"], "5");
        assert_eq!(request.headers()["content-encoding"], "gzip");
        assert!(!request.headers().contains_key("authorization"));
        let trailers = request.extensions().get::<Trailers>().cloned().expect("the trailers' place");
        assert_eq!(request.into_body().collect().await.expect("well-formed").to_bytes(), "hello");
        assert_eq!(trailers.get()["x-amz-checksum-crc32"], "NhCmhg==");
    }

    #[test]
    fn a_chunked_body_must_say_how_long_it_is() {
        let request = Request::put("/b/k").header("content-encoding", "aws-chunked");
        let error = unsigned(request, "0\r\n\r\n").expect_err("refused");
        assert_eq!(*error.code(), s3s::S3ErrorCode::MissingContentLength);
    }
}

//! The page: the built bundle of `web/`, embedded, so that the gateway's binary is all there is to deploy.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// Everything comes from this origin, and nothing inline: what a page shows of a caller's input can then not run as code.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const FILES: [File; 4] = [
    File { path: "/", content_type: "text/html; charset=utf-8", content: include_bytes!("../../web/dist/index.html") },
    File {
        path: "/app.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../web/dist/app.js"),
    },
    File {
        path: "/app.css",
        content_type: "text/css; charset=utf-8",
        content: include_bytes!("../../web/dist/app.css"),
    },
    File { path: "/favicon.svg", content_type: "image/svg+xml", content: include_bytes!("../../web/dist/favicon.svg") },
];

/// The routes of the page: `GET` and `HEAD` of each of its files.
pub(crate) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |routes, file| {
        let etag = etag(file.content);
        routes.route(file.path, get(move |headers: HeaderMap| async move { answer(&file, &etag, &headers) }))
    })
}

/// A browser asks each time whether its copy is current (`no-cache`), so that a new gateway brings a new page at once, and
/// gets 304 without content if it is.
fn answer(file: &File, etag: &HeaderValue, request: &HeaderMap) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    if is_current(request, etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type))];
    (headers, content_type, file.content).into_response()
}

/// Whether one of the entity tags in `If-None-Match` is this one. The comparison is the weak one of RFC 9110, section 13.1.2.
fn is_current(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let tags = request.get_all(header::IF_NONE_MATCH).iter().flat_map(|value| value.as_bytes().split(|c| *c == b','));
    tags.map(<[u8]>::trim_ascii).any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

/// A strong entity tag: half of the SHA-256 of the content is more than enough to tell versions apart.
fn etag(content: &[u8]) -> HeaderValue {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(content)[..16]));
    HeaderValue::try_from(tag).expect("quotes and hexadecimal digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_current_when_any_of_its_tags_matches() {
        let tag = etag(b"content");
        let tag_text = tag.to_str().expect("ASCII");
        assert_ne!(tag, etag(b"other content"));
        for (if_none_match, expected) in [
            (tag_text.to_owned(), true),
            (format!("W/{tag_text}"), true),
            (format!("\"x\", {tag_text}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let value = HeaderValue::try_from(&if_none_match).expect("ASCII");
            let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(is_current(&request, &tag), expected, "{if_none_match}");
        }
        assert!(!is_current(&HeaderMap::new(), &tag));
    }
}

//! The page: the built bundle of `web/`, embedded, so that the gateway's binary is all there is to deploy.

mod coding;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use coding::Coding;

/// What a browser is told with each file. Everything comes from this origin, and nothing inline: what the page shows of a
/// caller's input can then not run as code. No other site gets at the page through a frame or a window it opened, and the page
/// asks for no device.
const POLICIES: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The names in this folder hold a hash of the content, so that a copy never goes out of date.
const HASHED: &str = "/assets/";

#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

/// The files of `web/dist`, a table that the build script writes.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// The routes of the page: `GET` and `HEAD` of each of its files.
pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |routes, file| {
        let tag = tag(file.plain);
        routes.route(file.path, get(move |headers: HeaderMap| async move { answer(file, &tag, &headers) }))
    })
}

/// The file in the coding that the browser likes best, or 304 without content if it has a current copy.
fn answer(file: &File, tag: &str, request: &HeaderMap) -> Response {
    let coding = Coding::preferred(request);
    let etag = etag(tag, coding);
    let mut response = if is_current(request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let content = match coding {
            Coding::Brotli => file.brotli,
            Coding::Gzip => file.gzip,
            Coding::Identity => file.plain,
        };
        let mut response = ([(header::CONTENT_TYPE, file.content_type)], content).into_response();
        if let Some(name) = coding.name() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response
    };
    let headers = response.headers_mut();
    headers.extend(POLICIES.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching(file.path)));
    headers.insert(header::ETAG, etag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// How long a copy is good. That of a name with a hash is for a year, the longest that caches know. Of the others, such as the
/// page itself, a browser asks each time whether its copy is current, so that a new gateway brings a new page at once. They
/// may be kept (`no-cache`, and not `no-store`), which a browser needs to bring a page back as it was left.
fn caching(path: &str) -> &'static str {
    if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

/// Whether one of the entity tags in `If-None-Match` is this one. The comparison is the weak one of RFC 9110, section 13.1.2.
fn is_current(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let tags = request.get_all(header::IF_NONE_MATCH).iter().flat_map(|value| value.as_bytes().split(|c| *c == b','));
    tags.map(<[u8]>::trim_ascii).any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

/// Tells versions of a file apart, for which half of the SHA-256 of its content is more than enough.
fn tag(content: &[u8]) -> String {
    hex::encode(&Sha256::digest(content)[..16])
}

/// A strong entity tag: each coding of a version has its own.
fn etag(tag: &str, coding: Coding) -> HeaderValue {
    let text = match coding.name() {
        Some(name) => format!("\"{tag}-{name}\""),
        None => format!("\"{tag}\""),
    };
    HeaderValue::try_from(text).expect("quotes, hexadecimal digits and the names of codings are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_current_when_any_of_its_tags_matches() {
        let etag = etag(&tag(b"content"), Coding::Gzip);
        let text = etag.to_str().expect("ASCII");
        for (if_none_match, expected) in [
            (text.to_owned(), true),
            (format!("W/{text}"), true),
            (format!("\"x\", {text}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let value = HeaderValue::try_from(&if_none_match).expect("ASCII");
            let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, value)]);
            assert_eq!(is_current(&request, &etag), expected, "{if_none_match}");
        }
        assert!(!is_current(&HeaderMap::new(), &etag));
    }

    #[test]
    fn each_version_and_coding_of_a_file_has_an_entity_tag_of_its_own() {
        let codings = [Coding::Brotli, Coding::Gzip, Coding::Identity];
        let tags = [&b"content"[..], b"other content"]
            .iter()
            .flat_map(|content| codings.map(|coding| etag(&tag(content), coding)))
            .collect::<std::collections::HashSet<_>>();
        assert_eq!(tags.len(), 6);
    }

    #[test]
    fn only_names_with_a_hash_may_be_kept_without_asking() {
        assert_eq!(caching("/"), "no-cache");
        assert_eq!(caching("/favicon.svg"), "no-cache");
        assert!(caching("/assets/app-0123ABCD.js").contains("immutable"));
    }
}

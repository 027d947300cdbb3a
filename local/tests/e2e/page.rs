//! What a browser gets from the gateway's port: the page and its files.

use std::io::Read as _;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Response;

use crate::edge::without_workers;
use crate::http1::{self, get};

/// The page's files that a browser loads, as the page names them.
async fn files(address: SocketAddr) -> Vec<String> {
    let page = get(address, "/").await;
    let html = std::str::from_utf8(page.body()).unwrap();
    let named = html.split(['"', ' ']).filter(|word| word.starts_with("/assets/") || *word == "/favicon.svg");
    let files: Vec<_> = std::iter::once("/").chain(named).map(str::to_owned).collect();
    assert!(files.len() >= 4, "the page, its code, its style and its icon: {files:?}");
    files
}

async fn get_as(address: SocketAddr, path: &str, accept_encoding: &str) -> Response<Bytes> {
    http1::send(address, http1::request("GET", path, &[("accept-encoding", accept_encoding)], Bytes::new())).await
}

fn header<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_page_and_its_files_come_with_what_a_browser_needs_to_be_safe() {
    let stack = without_workers(|_| {}).await;
    for path in files(stack.address()).await {
        let response = get(stack.address(), &path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(!response.body().is_empty(), "{path}");
        let extension = path.rsplit_once('.').map_or("html", |(_, extension)| extension);
        let content_type = match extension {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => panic!("{path}"),
        };
        assert_eq!(header(&response, "content-type"), content_type, "{path}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(header(&response, "permissions-policy").contains("camera=()"), "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("worker-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
    let post = http1::send(stack.address(), http1::request("POST", "/", &[], Bytes::new())).await;
    assert_eq!(post.status(), 405);
    stack.stop().await;
}

#[tokio::test]
async fn files_named_by_their_content_are_kept_for_a_year_and_the_page_is_asked_for_each_time() {
    let stack = without_workers(|_| {}).await;
    for path in files(stack.address()).await {
        let expected = if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let response = get(stack.address(), &path).await;
        assert_eq!(header(&response, "cache-control"), expected, "{path}");

        let etag = header(&response, "etag");
        let again = http1::request("GET", &path, &[("if-none-match", etag)], Bytes::new());
        let again = http1::send(stack.address(), again).await;
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0), "{path}");
        for name in ["etag", "cache-control", "vary", "content-security-policy"] {
            assert_eq!(header(&again, name), header(&response, name), "{path}: {name}");
        }
    }
    let former = get(stack.address(), "/assets/app-00000000.js").await;
    assert_eq!((former.status().as_u16(), header(&former, "cache-control")), (404, ""));
    stack.stop().await;
}

#[tokio::test]
async fn each_file_comes_in_the_coding_that_the_browser_likes_best_and_is_the_same_in_all() {
    let stack = without_workers(|_| {}).await;
    for path in files(stack.address()).await {
        let plain = get(stack.address(), &path).await;
        assert_eq!(header(&plain, "content-encoding"), "", "{path}");
        let brotli = get_as(stack.address(), &path, "gzip, deflate, br").await;
        let gzip = get_as(stack.address(), &path, "br;q=0.1, gzip").await;
        for (response, coding) in [(&brotli, "br"), (&gzip, "gzip")] {
            assert_eq!(header(response, "content-encoding"), coding, "{path}");
            assert_eq!(header(response, "vary"), "accept-encoding", "{path}");
            assert_eq!(header(response, "content-length"), response.body().len().to_string(), "{path}");
            assert!(response.body().len() < plain.body().len(), "{path} in {coding}");
            assert_ne!(header(response, "etag"), header(&plain, "etag"), "{path} in {coding}");
        }
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut brotli.body().as_ref(), &mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body().as_ref(), "{path}");
        unpacked.clear();
        flate2::read::GzDecoder::new(gzip.body().as_ref()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body().as_ref(), "{path}");
    }
    stack.stop().await;
}

#[tokio::test]
async fn head_gives_the_headers_of_get_without_content() {
    let stack = without_workers(|_| {}).await;
    for path in files(stack.address()).await {
        for accept_encoding in ["identity", "br"] {
            let get = get_as(stack.address(), &path, accept_encoding).await;
            let head = http1::request("HEAD", &path, &[("accept-encoding", accept_encoding)], Bytes::new());
            let head = http1::send(stack.address(), head).await;
            assert_eq!((head.status().as_u16(), head.body().len()), (200, 0), "{path}");
            for name in ["content-length", "content-type", "content-encoding", "etag", "cache-control", "vary"] {
                assert_eq!(header(&head, name), header(&get, name), "{path}: {name}");
            }
        }
    }
    stack.stop().await;
}

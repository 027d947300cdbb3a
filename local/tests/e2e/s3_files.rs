//! What the embedded S3 promises the person who looks into its folder.

use std::fs;
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use compute_local::s3::{CreateBucketError, OpenError, S3Store};

use crate::endpoint::{BUCKET, Endpoint, code};

/// All files below a folder, relative to it, but for the lock.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with(".lock") {
                found.push(path.strip_prefix(dir).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

async fn put(endpoint: &Endpoint, key: &str, body: &str) {
    let body = ByteStream::from(body.as_bytes().to_vec());
    endpoint.s3().put_object().bucket(BUCKET).key(key).body(body).send().await.unwrap();
}

async fn get(endpoint: &Endpoint, key: &str) -> String {
    let object = endpoint.s3().get_object().bucket(BUCKET).key(key).send().await.unwrap();
    String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap()
}

async fn keys(endpoint: &Endpoint) -> Vec<String> {
    let page = endpoint.s3().list_objects_v2().bucket(BUCKET).send().await.unwrap();
    page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_log_object_is_one_plain_file_under_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let key = "operations/tenant=-/dt=2026-11-24/8203547912345-01939d3c-7e5a-7000-8000-000000000000.json";
    let write = endpoint.s3().put_object().bucket(BUCKET).key(key).content_type("application/json").if_none_match("*");
    write.body(ByteStream::from_static(b"{}\n")).send().await.unwrap();
    let file = Path::new(BUCKET).join(key);
    assert_eq!(files(dir.path()), std::slice::from_ref(&file));
    assert_eq!(fs::read_to_string(dir.path().join(file)).unwrap(), "{}\n");
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let head = endpoint.s3().head_object().bucket(BUCKET).key(key).send().await.unwrap();
    assert_eq!(head.content_type(), Some("application/json"));
    let again = endpoint.s3().put_object().bucket(BUCKET).key(key).if_none_match("*").send().await;
    assert_eq!(code(again), "PreconditionFailed");
}

#[tokio::test]
async fn no_key_leads_out_of_its_bucket() {
    let outside = tempfile::tempdir().unwrap();
    let dir = outside.path().join("s3");
    let endpoint = Endpoint::start(&dir).await;
    // SDKs and browsers tidy such paths away, so they are sent as they are.
    for (target, key) in [
        ("../../escaped", "../../escaped"),
        ("%2e%2e/%2e%2e/escaped", "../../escaped"),
        ("..%2F..%2Fescaped", "../../escaped"),
        ("a/../../../escaped", "a/../../../escaped"),
        ("/etc/passwd", "/etc/passwd"),
        (".", "."),
        ("a%00b", "a\0b"),
    ] {
        let request = format!(
            "PUT /{BUCKET}/{target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx",
            endpoint.address
        );
        let answer = endpoint.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{target}: {answer}");
        let request =
            format!("GET /{BUCKET}/{target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", endpoint.address);
        assert!(endpoint.raw(&request).await.ends_with("\r\nx"), "{key:?}");
    }
    for path in files(outside.path()) {
        let inside = path.starts_with(Path::new("s3").join(BUCKET)) || path.starts_with("s3/.attributes");
        assert!(inside, "{} is outside", path.display());
    }
    for bucket in ["..", ".attributes", "%2e%2e", "a%2Fb"] {
        let request = format!(
            "PUT /{bucket}/k HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx",
            endpoint.address
        );
        let answer = endpoint.raw(&request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{bucket}: {answer}");
    }
}

#[tokio::test]
async fn a_key_may_also_be_a_folder_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    for (key, body) in [("a", "1"), ("a/b", "2"), ("c/d", "3"), ("c", "4"), ("c/", "5"), ("a/b/c//d", "6")] {
        put(&endpoint, key, body).await;
    }
    put(&endpoint, "a", "7").await;
    let expected = [("a", "7"), ("a/b", "2"), ("a/b/c//d", "6"), ("c", "4"), ("c/", "5"), ("c/d", "3")];
    let listed = keys(&endpoint).await;
    assert_eq!(listed, expected.map(|(key, _)| key));
    for (key, body) in expected {
        assert_eq!(get(&endpoint, key).await, body, "{key}");
    }
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    assert_eq!(keys(&endpoint).await, listed);
    for (key, body) in expected {
        assert_eq!(get(&endpoint, key).await, body, "{key} after a restart");
        endpoint.s3().delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
    assert_eq!(files(dir.path()), [] as [PathBuf; 0]);
    assert_eq!(fs::read_dir(dir.path().join(BUCKET)).unwrap().count(), 0, "empty folders go");
}

#[tokio::test]
async fn files_changed_by_hand_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    put(&endpoint, "edited.txt", "before").await;
    put(&endpoint, "removed.txt", "before").await;
    fs::write(dir.path().join(BUCKET).join("edited.txt"), "after it was edited").unwrap();
    fs::remove_file(dir.path().join(BUCKET).join("removed.txt")).unwrap();
    let head = endpoint.s3().head_object().bucket(BUCKET).key("edited.txt").send().await.unwrap();
    assert_eq!((head.content_length(), head.content_type()), (Some(19), Some("text/plain")));
    assert_eq!(head.e_tag(), Some("\"34d3953c0d541622263ca9061d966e67\""));
    assert_eq!(get(&endpoint, "edited.txt").await, "after it was edited");
    assert_eq!(code(endpoint.s3().get_object().bucket(BUCKET).key("removed.txt").send().await), "NoSuchKey");
    assert_eq!(keys(&endpoint).await, ["edited.txt"]);
    endpoint.stop().await.unwrap();

    fs::create_dir(dir.path().join(BUCKET).join("new")).unwrap();
    fs::write(dir.path().join(BUCKET).join("new/one.json"), "{}").unwrap();
    fs::write(dir.path().join(BUCKET).join("new/50%.txt"), "no key has this name").unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    assert_eq!(keys(&endpoint).await, ["edited.txt", "new/one.json"]);
}

#[tokio::test]
async fn one_process_at_a_time_has_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = S3Store::open(dir.path()).await.unwrap();
    let second = S3Store::open(dir.path()).await.expect_err("it is in use");
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    drop(first);
    S3Store::open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_bucket_with_a_bad_name_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = S3Store::open(dir.path()).await.unwrap();
    for name in ["..", "a", "Upper", "a/b", "127.0.0.1"] {
        let refused = store.create_bucket_if_absent(name).await.expect_err("refused");
        assert!(matches!(refused, CreateBucketError::Name { .. }), "{refused}");
    }
    store.create_bucket_if_absent("a-good-one").await.unwrap();
    store.create_bucket_if_absent("a-good-one").await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".scratch")).unwrap();
    fs::write(dir.path().join(".scratch/half"), "half an obj").unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    assert_eq!(files(dir.path()), [] as [PathBuf; 0]);
    // A body that breaks off leaves nothing either.
    let request = format!("PUT /{BUCKET}/k HTTP/1.1\r\nhost: {}\r\ncontent-length: 100\r\n\r\nhalf", endpoint.address);
    {
        use tokio::io::AsyncWriteExt;
        let mut client = tokio::net::TcpStream::connect(endpoint.address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
    }
    endpoint.stop().await.unwrap();
    assert_eq!(files(dir.path()), [] as [PathBuf; 0]);
}

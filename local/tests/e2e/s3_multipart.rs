//! Multipart uploads to the embedded S3.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::endpoint::{BUCKET, Endpoint, code};
use crate::kit::until;

/// The smallest part that need not be the last.
const PART: usize = 5 << 20;

async fn start(client: &Client, key: &str) -> String {
    let started = client.create_multipart_upload().bucket(BUCKET).key(key).content_type("text/x-test").send().await;
    started.unwrap().upload_id().unwrap().to_owned()
}

async fn upload(client: &Client, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let part = client.upload_part().bucket(BUCKET).key(key).upload_id(id).part_number(number);
    let part = part.body(ByteStream::from(body)).send().await.unwrap();
    CompletedPart::builder().part_number(number).e_tag(part.e_tag().unwrap()).build()
}

fn named(parts: impl IntoIterator<Item = CompletedPart>) -> CompletedMultipartUpload {
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().collect())).build()
}

#[tokio::test]
async fn parts_in_any_order_become_one_object_that_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "big/one").await;
    let last = upload(&client, "big/one", &id, 7, b"the end".to_vec()).await;
    upload(&client, "big/one", &id, 2, vec![b'x'; PART]).await;
    let first = upload(&client, "big/one", &id, 2, vec![b'a'; PART]).await;
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let uploads = client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), Some(id.as_str()));
    let listed = client.list_parts().bucket(BUCKET).key("big/one").upload_id(&id).send().await.unwrap();
    let listed: Vec<_> = listed.parts().iter().map(|part| (part.part_number(), part.size(), part.e_tag())).collect();
    assert_eq!(listed, [(Some(2), Some(PART as i64), first.e_tag()), (Some(7), Some(7), last.e_tag())]);

    let complete = client.complete_multipart_upload().bucket(BUCKET).key("big/one").upload_id(&id);
    let done = complete.multipart_upload(named([first, last])).send().await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""), "{:?}", done.e_tag());
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let get = client.get_object().bucket(BUCKET).key("big/one").checksum_mode(ChecksumMode::Enabled);
    let object = get.send().await.unwrap();
    assert_eq!(object.e_tag(), done.e_tag());
    assert_eq!(object.content_type(), Some("text/x-test"));
    let body = object.body.collect().await.unwrap().to_vec();
    assert_eq!(body.len(), PART + 7);
    assert!(body[..PART].iter().all(|&byte| byte == b'a') && body.ends_with(b"the end"));
    assert!(client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap().uploads().is_empty());
}

#[tokio::test]
async fn a_composite_checksum_is_that_of_the_parts_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let start = client.create_multipart_upload().bucket(BUCKET).key("k").checksum_algorithm(ChecksumAlgorithm::Sha256);
    let id = start.send().await.unwrap().upload_id().unwrap().to_owned();
    let part = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(1);
    let part = part.checksum_algorithm(ChecksumAlgorithm::Sha256).body(ByteStream::from_static(b"hello world"));
    let part = part.send().await.unwrap();
    assert_eq!(part.checksum_sha256(), Some("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="));
    let part = CompletedPart::builder().part_number(1).e_tag(part.e_tag().unwrap());
    let wrong = named([part.clone().checksum_sha256("AAAA").build()]);
    let complete = || client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
    assert_eq!(code(complete().multipart_upload(wrong).send().await), "InvalidPart");
    let done = complete().multipart_upload(named([part.build()])).send().await.unwrap();
    // sha256(sha256("hello world")), as Python's hashlib has it.
    assert_eq!(done.checksum_sha256(), Some("vGLUuA2eNtopwWxdTZ8Rcx82BSxyQBp2wjwPtam3RCM=-1"));
}

#[tokio::test]
async fn an_upload_that_does_not_add_up_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    let small = upload(&client, "k", &id, 1, b"small".to_vec()).await;
    let last = upload(&client, "k", &id, 2, b"last".to_vec()).await;
    let complete = |parts: Vec<CompletedPart>| {
        let complete = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id);
        complete.multipart_upload(named(parts)).send()
    };
    assert_eq!(code(complete(vec![small.clone(), last.clone()]).await), "EntityTooSmall");
    assert_eq!(code(complete(vec![last.clone(), small.clone()]).await), "InvalidPartOrder");
    let missing = CompletedPart::builder().part_number(3).e_tag("\"00\"").build();
    assert_eq!(code(complete(vec![missing]).await), "InvalidPart");
    let other = CompletedPart::builder().part_number(1).e_tag(last.e_tag().unwrap()).build();
    assert_eq!(code(complete(vec![other]).await), "InvalidPart");
    let part = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(10_001).send().await;
    assert_eq!(code(part), "InvalidArgument");
    complete(vec![last]).await.unwrap();
}

#[tokio::test]
async fn a_create_only_completion_does_not_replace_an_object() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    let part = upload(&client, "k", &id, 1, b"late".to_vec()).await;
    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"early")).send().await.unwrap();
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id).if_none_match("*");
    assert_eq!(code(complete.multipart_upload(named([part])).send().await), "PreconditionFailed");
    let object = client.get_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"early");
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    upload(&client, "k", &id, 1, b"x".to_vec()).await;
    let other_key = client.list_parts().bucket(BUCKET).key("other").upload_id(&id).send().await;
    assert_eq!(code(other_key), "NoSuchUpload");
    client.abort_multipart_upload().bucket(BUCKET).key("k").upload_id(&id).send().await.unwrap();
    let part = client.upload_part().bucket(BUCKET).key("k").upload_id(&id).part_number(1).send().await;
    assert_eq!(code(part), "NoSuchUpload");
    let nonsense = client.abort_multipart_upload().bucket(BUCKET).key("k").upload_id("../../x").send().await;
    assert_eq!(code(nonsense), "NoSuchUpload");
    assert_eq!(std::fs::read_dir(dir.path().join(".uploads").join(BUCKET)).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_can_be_copied_from_a_range_of_an_object() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    client.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"0123456789")).send().await.unwrap();
    let id = start(&client, "b").await;
    let copy = client.upload_part_copy().bucket(BUCKET).key("b").upload_id(&id).part_number(1);
    let copy = copy.copy_source(format!("{BUCKET}/a")).copy_source_range("bytes=2-5").send().await.unwrap();
    let etag = copy.copy_part_result().unwrap().e_tag().unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("b").upload_id(&id);
    complete.multipart_upload(named([part])).send().await.unwrap();
    let object = client.get_object().bucket(BUCKET).key("b").send().await.unwrap();
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"2345");
}

/// Parts of two sizes, each with bytes of its own.
fn bodies() -> Vec<Vec<u8>> {
    let even = (1..=3).map(|n| vec![n; PART]);
    even.chain([b"the end".to_vec()]).collect()
}

async fn complete(client: &Client, id: &str, parts: Vec<CompletedPart>) {
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(id);
    complete.multipart_upload(named(parts)).send().await.unwrap();
}

/// The content, whose checksum the SDK compares with the one that the answer says it has.
async fn content(client: &Client) -> Vec<u8> {
    let object = client.get_object().bucket(BUCKET).key("k").checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
    assert!(object.checksum_crc64_nvme().is_some());
    object.body.collect().await.unwrap().to_vec()
}

fn upload_dir(dir: &Path, id: &str) -> std::path::PathBuf {
    dir.join(".uploads").join(BUCKET).join(id)
}

#[tokio::test]
async fn even_parts_become_the_object_without_being_copied_whatever_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    let bodies = bodies();
    let third = upload(&client, "k", &id, 3, bodies[2].clone()).await;
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let part = |number: i32, body: &Vec<u8>| {
        let (client, id, body) = (client.clone(), id.clone(), body.clone());
        async move { upload(&client, "k", &id, number, body).await }
    };
    let (first, second, last) = tokio::join!(part(1, &bodies[0]), part(2, &bodies[1]), part(4, &bodies[3]));
    let listed = client.list_parts().bucket(BUCKET).key("k").upload_id(&id).send().await.unwrap();
    let sizes: Vec<_> = listed.parts().iter().map(|part| part.size().unwrap()).collect();
    assert_eq!(sizes, [PART as i64, PART as i64, PART as i64, 7]);
    let whole = std::fs::metadata(upload_dir(dir.path(), &id).join("whole")).unwrap().ino();
    complete(&client, &id, vec![first, second, third, last]).await;
    assert_eq!(std::fs::metadata(dir.path().join(BUCKET).join("k")).unwrap().ino(), whole, "it is the same file");
    assert_eq!(content(&client).await, bodies.concat());
    assert!(!upload_dir(dir.path(), &id).exists());
    assert_eq!(std::fs::read_dir(dir.path().join(".scratch")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_that_was_replaced_counts_as_it_was_uploaded_last() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    let mut bodies = bodies();
    upload(&client, "k", &id, 1, vec![b'x'; PART]).await;
    let mut parts = Vec::new();
    for (number, body) in (1..).zip(&bodies) {
        parts.push(upload(&client, "k", &id, number, body.clone()).await);
    }
    // And one that is left out in the end.
    upload(&client, "k", &id, 5, b"too much".to_vec()).await;
    bodies.remove(1);
    parts.remove(1);
    complete(&client, &id, parts).await;
    assert_eq!(content(&client).await, bodies.concat());
}

#[tokio::test]
async fn a_part_whose_first_attempt_broke_off_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let id = start(&client, "k").await;
    let bodies = bodies();
    let first = upload(&client, "k", &id, 1, bodies[0].clone()).await;
    // More than is held in memory, so that some of it is written.
    let request = format!(
        "PUT /{BUCKET}/k?partNumber=2&uploadId={id} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {PART}\r\n\r\n{}",
        "garbage".repeat(PART / 10)
    );
    let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let whole = upload_dir(dir.path(), &id).join("whole");
    until(async || std::fs::metadata(&whole).unwrap().len() > PART as u64).await;
    drop(stream);

    let second = upload(&client, "k", &id, 2, bodies[1].clone()).await;
    complete(&client, &id, vec![first, second]).await;
    assert_eq!(content(&client).await, bodies[..2].concat());
}

#[tokio::test]
async fn an_upload_whose_completion_was_refused_can_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    client.put_object().bucket(BUCKET).key("k").body(ByteStream::from_static(b"early")).send().await.unwrap();
    let id = start(&client, "k").await;
    let bodies = bodies();
    let first = upload(&client, "k", &id, 1, bodies[0].clone()).await;
    let refused = client.complete_multipart_upload().bucket(BUCKET).key("k").upload_id(&id).mpu_object_size(1);
    assert_eq!(code(refused.multipart_upload(named([first.clone()])).send().await), "InvalidRequest");
    assert_eq!(content_of_put(&client).await, b"early");
    let second = upload(&client, "k", &id, 2, bodies[1].clone()).await;
    complete(&client, &id, vec![first, second]).await;
    assert_eq!(content(&client).await, bodies[..2].concat());
}

async fn content_of_put(client: &Client) -> Vec<u8> {
    let object = client.get_object().bucket(BUCKET).key("k").send().await.unwrap();
    object.body.collect().await.unwrap().to_vec()
}

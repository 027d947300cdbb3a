//! Payloads in the embedded S3: written and read as streams, with nothing left behind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compute_operations::Bucket;
use compute_operations::payload::{Payloads, ReadError};
use futures_util::poll;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use crate::endpoint::{BUCKET, Endpoint};
use crate::kit::until;
use crate::proxy::Proxy;

const MIB: usize = 1 << 20;
const PART: usize = 8 * MIB;

/// The payloads at an endpoint, or at a proxy in front of one.
fn payloads(address: std::net::SocketAddr) -> Payloads {
    let aws = compute_process::aws::for_endpoint(&format!("http://{address}"));
    Payloads::new(Bucket::new(&aws, BUCKET))
}

/// Bytes that do not repeat in any period of a part.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index ^ (index >> 8) ^ (index >> 16)) as u8).collect()
}

async fn read(payloads: &Payloads, id: uuid::Uuid) -> Vec<u8> {
    let mut reader = payloads.read(id).await.unwrap().expect("it is there");
    let mut read = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    read
}

/// The keys of the objects, and those of the uploads that are not complete.
async fn left_behind(endpoint: &Endpoint) -> (Vec<String>, Vec<String>) {
    let s3 = endpoint.s3();
    let objects = s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let uploads = s3.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    let objects = objects.contents().iter().filter_map(|object| object.key.clone()).collect();
    (objects, uploads.uploads().iter().filter_map(|upload| upload.key.clone()).collect())
}

async fn endpoint(dir: &Path, chaos: Option<&str>) -> Endpoint {
    match chaos {
        Some(chaos) => Endpoint::start_chaotic(dir, chaos).await,
        None => Endpoint::start(dir).await,
    }
}

#[tokio::test]
async fn what_is_written_in_any_pieces_is_read_back_and_its_size_and_digest_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), None).await;
    let payloads = payloads(endpoint.address);
    for (size, piece) in [(0, 1), (5, 2), (PART - 1, PART), (PART, MIB + 1), (PART + 1, 3 * PART), (3 * PART, PART)] {
        let written = bytes(size);
        let mut writer = payloads.write("application/x-protobuf");
        for piece in written.chunks(piece) {
            writer.write(piece).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert_eq!((stored.size, stored.digest), (size as u64, hex::encode(Sha256::digest(&written))));
        assert!(read(&payloads, stored.id).await == written, "{size} bytes in pieces of {piece}");

        let key = format!("payloads/{}", stored.id);
        let head = endpoint.s3().head_object().bucket(BUCKET).key(&key).send().await.unwrap();
        assert_eq!(head.content_type(), Some("application/x-protobuf"));
        payloads.delete(stored.id).await.unwrap();
        assert!(payloads.read(stored.id).await.unwrap().is_none());
    }
    assert_eq!(left_behind(&endpoint).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_writer_dropped_in_the_midst_of_any_request_leaves_nothing() {
    for (size, operation) in [
        (1, "s3:PutObject"),
        (2 * PART, "s3:CreateMultipartUpload"),
        (2 * PART, "s3:UploadPart"),
        (2 * PART, "s3:CompleteMultipartUpload"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = endpoint(dir.path(), Some("delay=50-50ms")).await;
        let payloads = payloads(endpoint.address);
        let mut writer = payloads.write("application/json");
        let writing = tokio::spawn(async move {
            writer.write(&bytes(size)).await?;
            writer.finish().await
        });
        until(async || endpoint.gate.traffic().requests(operation).arrived > 0).await;
        writing.abort();
        assert!(writing.await.is_err_and(|error| error.is_cancelled()), "{operation} takes a while");

        payloads.settled().await;
        let handled = endpoint.gate.traffic().requests(operation).handled;
        assert!(handled > 0, "{operation} ended, and was made undone");
        assert_eq!(left_behind(&endpoint).await, (vec![], vec![]), "{operation}");
    }
}

#[tokio::test]
async fn a_payload_is_deleted_unless_its_message_may_have_been_sent() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), None).await;
    let payloads = payloads(endpoint.address);
    let (kept, dropped) = (payloads.write("application/json"), payloads.write("application/json"));
    let (kept, dropped) = (kept.finish().await.unwrap(), dropped.finish().await.unwrap());
    payloads.unsent(kept.id).sent();
    drop(payloads.unsent(dropped.id));
    payloads.settled().await;
    assert_eq!(left_behind(&endpoint).await, (vec![format!("payloads/{}", kept.id)], vec![]));
}

#[tokio::test]
async fn a_slow_s3_slows_the_sender_down_and_no_more_than_three_parts_wait() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), None).await;
    let proxy = Proxy::start(endpoint.address).await;
    let payloads = payloads(proxy.address);
    let written = Arc::new(AtomicU64::new(0));
    proxy.stop_uplink();
    let mut writing = Box::pin({
        let (payloads, written) = (payloads.clone(), written.clone());
        async move {
            let mut writer = payloads.write("application/x-protobuf");
            for piece in bytes(6 * PART).chunks(MIB) {
                writer.write(piece).await?;
                written.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
            writer.finish().await
        }
    });
    let stored = loop {
        // Everything that can go on does, then the network carries a bit more.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        if let std::task::Poll::Ready(stored) = poll!(&mut writing) {
            break stored.unwrap();
        }
        let waiting = written.load(Ordering::SeqCst).saturating_sub(proxy.carried());
        // What the system's buffers hold has been carried as well, as far as the proxy has seen it.
        assert!(waiting <= 3 * PART as u64, "{waiting} bytes wait");
        proxy.carry(MIB / 2);
    };
    assert_eq!(stored.size, 6 * PART as u64);
    assert!(read(&self::payloads(endpoint.address), stored.id).await == bytes(6 * PART));
}

#[tokio::test]
async fn while_s3_fails_now_and_then_a_payload_is_whole_or_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), Some("seed=11,s3-error=8%,throttle=4%,lost-response=8%,delay=0-20ms")).await;
    let payloads = payloads(endpoint.address);
    let mut writes = JoinSet::new();
    for number in 0..12 {
        let payloads = payloads.clone();
        writes.spawn(async move {
            let size = [PART / 4, 2 * PART + 5][number % 2];
            let mut writer = payloads.write("application/json");
            writer.write(&bytes(size)).await?;
            writer.finish().await
        });
    }
    let stored: Vec<_> = writes.join_all().await.into_iter().filter_map(Result::ok).collect();
    payloads.settled().await;
    assert!(stored.len() >= 6, "{} of 12 payloads were written", stored.len());

    let mut objects = Vec::new();
    // The client of tests does not try again.
    until(async || {
        let listed = endpoint.s3().list_objects_v2().bucket(BUCKET).send().await;
        let listed = listed.map(|listed| listed.contents.unwrap_or_default());
        listed.map(|listed| objects = listed.into_iter().filter_map(|object| object.key).collect()).is_ok()
    })
    .await;
    let mut expected: Vec<_> = stored.iter().map(|stored| format!("payloads/{}", stored.id)).collect();
    objects.sort();
    expected.sort();
    assert_eq!(objects, expected);
    for stored in stored {
        let size = usize::try_from(stored.size).unwrap();
        assert!(read(&payloads, stored.id).await == bytes(size));
    }
}

#[tokio::test]
async fn a_writer_says_again_why_its_payload_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), None).await;
    let aws = compute_process::aws::for_endpoint(&format!("http://{}", endpoint.address));
    let payloads = Payloads::new(Bucket::new(&aws, "no-such-bucket"));
    let mut writer = payloads.write("application/json");
    let part = bytes(PART);
    let error = loop {
        if let Err(error) = writer.write(&part).await {
            break error;
        }
    };
    assert!(error.is_refusal() && error.to_string().contains("CreateMultipartUpload"), "{error}");
    assert_eq!(writer.write(&part).await.unwrap_err().to_string(), error.to_string());
    assert_eq!(writer.finish().await.unwrap_err().to_string(), error.to_string());
    assert!(payloads.write("application/json").finish().await.unwrap_err().to_string().contains("PutObject"));
}

#[tokio::test]
async fn a_reader_goes_on_where_the_connection_broke() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = endpoint(dir.path(), None).await;
    let mut writer = payloads(endpoint.address).write("application/json");
    writer.write(&bytes(2 * MIB)).await.unwrap();
    let stored = writer.finish().await.unwrap();

    let proxy = Proxy::start(endpoint.address).await;
    proxy.cut_after([MIB / 2, MIB, 100_000]);
    let mut reader = payloads(proxy.address).read(stored.id).await.unwrap().expect("it is there");
    let (mut read, mut broken) = (Vec::new(), 0);
    loop {
        match reader.next().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(ReadError::Bucket(_)) => broken += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((broken, proxy.cuts_left()), (3, 0));
    assert!(read == bytes(2 * MIB));
}

#[tokio::test]
async fn a_payload_replaced_or_deleted_while_it_is_read_is_not_mixed_with_the_other() {
    for is_replaced in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let endpoint = endpoint(dir.path(), None).await;
        let mut writer = payloads(endpoint.address).write("application/json");
        writer.write(&bytes(2 * MIB)).await.unwrap();
        let stored = writer.finish().await.unwrap();
        let (s3, key) = (endpoint.s3(), format!("payloads/{}", stored.id));

        let proxy = Proxy::start(endpoint.address).await;
        proxy.cut_after([MIB]);
        let mut reader = payloads(proxy.address).read(stored.id).await.unwrap().expect("it is there");
        let changed = loop {
            match reader.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it was cut"),
                Err(ReadError::Bucket(_)) if is_replaced => {
                    let other = vec![b'x'; 2 * MIB].into();
                    s3.put_object().bucket(BUCKET).key(&key).body(other).send().await.unwrap();
                }
                Err(ReadError::Bucket(_)) => drop(s3.delete_object().bucket(BUCKET).key(&key).send().await.unwrap()),
                Err(error) => break error,
            }
        };
        assert!(matches!(changed, ReadError::Changed { .. }), "{changed}");
    }
}

//! What the tests of the log start from: records, and objects put by hand in the documented form.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::ByteStream;
use compute_local::stack::LOG_BUCKET;
use compute_operations::Bucket;
use compute_operations::log::{LogReader, Query};
use compute_operations::record::{Error, LogValues, Operation, Record, Times};
use flate2::Compression;
use flate2::write::GzEncoder;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::kit::TestStack;

pub(crate) const DAY: i64 = 24 * 3_600_000;

/// An embedded S3, without workers.
pub(crate) async fn start() -> TestStack {
    TestStack::start_with(|config| config.workers = 0).await
}

pub(crate) async fn bucket(stack: &TestStack) -> Bucket {
    Bucket::open(&stack.aws(), LOG_BUCKET).await.expect("the bucket is there")
}

/// The same, for what a worker does, or an operator.
pub(crate) async fn bucket_of(stack: &TestStack, role: &str) -> Bucket {
    Bucket::open(&stack.aws_of(role), LOG_BUCKET).await.expect("the bucket is there")
}

pub(crate) fn s3(stack: &TestStack) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

pub(crate) fn id_at(ms: i64) -> Uuid {
    let random: [u8; 10] = Uuid::new_v4().into_bytes()[..10].try_into().unwrap();
    uuid::Builder::from_unix_timestamp_millis(ms.try_into().unwrap(), &random).into_uuid()
}

pub(crate) fn date(ms: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(ms / 1000).unwrap().date()
}

/// A record that tells by its worker's name where it was put.
pub(crate) fn record(tenant: Option<&str>, id: Uuid, worker: &str) -> Record {
    let operation = Operation {
        id,
        tenant: tenant.map(str::to_owned),
        method: "test/Log".to_owned(),
        times: Times::default(),
        worker: worker.to_owned(),
        digest: "ab".repeat(32),
    };
    Record::failed(operation, None, Error { code: 3, message: "of a test".to_owned() }, LogValues::All)
}

fn folder(log: &str, tenant: Option<&str>, ms: i64) -> String {
    format!("{log}/tenant={}/dt={}/{:013}", tenant.unwrap_or("-"), date(ms), 9_999_999_999_999 - ms)
}

/// The key of a record's own object.
pub(crate) fn object_key(tenant: Option<&str>, id: Uuid) -> String {
    let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
    let ms = i64::try_from(seconds).unwrap() * 1000 + i64::from(nanoseconds / 1_000_000);
    format!("{}-{id}.json", folder("operations", tenant, ms))
}

pub(crate) fn batch_key(tenant: Option<&str>, committed: i64, ids: &[Uuid]) -> String {
    let (smallest, largest) = (ids.iter().min().unwrap().simple(), ids.iter().max().unwrap().simple());
    format!("{}-{smallest}-{largest}.ndjson.gz", folder("batches", tenant, committed))
}

pub(crate) fn batch_content(records: &[Record]) -> Vec<u8> {
    let mut records: Vec<_> = records.iter().collect();
    records.sort_by_key(|record| record.id);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for record in records {
        writeln!(encoder, "{}", record.to_json()).unwrap();
    }
    encoder.finish().unwrap()
}

pub(crate) async fn put(s3: &aws_sdk_s3::Client, key: &str, content: Vec<u8>) {
    s3.put_object().bucket(LOG_BUCKET).key(key).body(ByteStream::from(content)).send().await.expect("it is put");
}

/// Puts a batch as a worker would; returns its key.
pub(crate) async fn put_batch(
    s3: &aws_sdk_s3::Client,
    tenant: Option<&str>,
    committed: i64,
    records: &[Record],
) -> String {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    let key = batch_key(tenant, committed, &ids);
    put(s3, &key, batch_content(records)).await;
    key
}

/// The keys of all objects with this prefix.
pub(crate) async fn keys(s3: &aws_sdk_s3::Client, prefix: &str) -> Vec<String> {
    let answer = s3.list_objects_v2().bucket(LOG_BUCKET).prefix(prefix).send().await.expect("a listing");
    assert_ne!(answer.is_truncated, Some(true), "few enough for one page");
    answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect()
}

pub(crate) fn newest(tenant: Option<&str>, limit: usize) -> Query {
    Query { tenant: tenant.map(str::to_owned), day: None, before: None, limit }
}

/// All records of a listing, which must be without damage, and each page but the last full.
pub(crate) async fn all(reader: &LogReader, query: Query) -> Vec<Record> {
    let limit = query.limit;
    let mut pages = reader.pages(query);
    let mut records = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        assert_eq!(page.damaged, 0);
        assert!(page.records.len() == limit || !page.has_more);
        records.extend(page.records);
    }
    records
}

pub(crate) fn ids(records: &[Record]) -> Vec<Uuid> {
    records.iter().map(|record| record.id).collect()
}

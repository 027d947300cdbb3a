//! What workers that log in batches are promised.

use std::time::Duration;

use compute_local::Config;
use compute_local::stack::LOG_BUCKET;
use compute_operations::log::{BatchLimits, LogReader, LogWriter};
use compute_proto::v1::ComputeRequest;
use compute_worker::LogMode;
use futures_util::future;
use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use crate::kit::{TestStack, start_in, until};
use crate::log_kit::{all, bucket, ids, keys, newest, record, s3, start};

const LONG: Duration = Duration::from_secs(60);

fn in_batches(config: &mut Config) {
    config.worker.log_mode = LogMode::Batch;
    // Nothing may wait for it.
    config.worker.log_flush_interval = LONG;
}

/// Makes calls, `width` at once; returns the ids of their operations.
async fn call(stack: &TestStack, calls: usize, width: usize) -> Vec<Uuid> {
    let client = stack.client().await;
    let calls = (0..calls).map(|_| {
        let mut client = client.clone();
        async move {
            let request = ComputeRequest { values: vec![4, 5, 2, 35, 2452], ..ComputeRequest::default() };
            let answer = client.compute(request).await.expect("an answer").into_inner();
            Uuid::parse_str(&answer.operation_id).expect("an id")
        }
    });
    let mut ids: Vec<_> = stream::iter(calls).buffer_unordered(width).collect().await;
    ids.sort_by(|a, b| b.cmp(a));
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_under_load_fills_its_batches_and_never_waits_for_the_interval() {
    let stack = TestStack::start_with(in_batches).await;
    // More than it may leave unsettled: it would stop receiving if batches waited.
    let operations = call(&stack, 3_000, 500).await;
    let data = stack.stop().await;
    // The stop has flushed the last ones.
    let stack = start_in(data.path(), |config| config.workers = 0).await;
    let aws = compute_process::aws::for_endpoint(&stack.aws_endpoint());
    let reader = LogReader::new(compute_operations::Bucket::open(&aws, LOG_BUCKET).await.unwrap());
    assert_eq!(ids(&all(&reader, newest(None, 1_000)).await), operations);
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&aws).force_path_style(true).build());
    let batches = keys(&s3, "batches/").await.len();
    assert!(batches <= 30, "{batches} PUTs for 3,000 operations");
    assert_eq!(keys(&s3, "operations/").await, [""; 0]);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_flushes_at_once() {
    let stack = TestStack::start_with(in_batches).await;
    let operations = call(&stack, 3, 3).await;
    // They wait for others: nothing is logged and deleted yet.
    assert_eq!(keys(&s3(&stack), "batches/").await, [""; 0]);
    let data = tokio::time::timeout(LONG / 2, stack.stop()).await.expect("long before the interval has passed");
    let stack = start_in(data.path(), |config| config.workers = 0).await;
    let aws = compute_process::aws::for_endpoint(&stack.aws_endpoint());
    let reader = LogReader::new(compute_operations::Bucket::open(&aws, LOG_BUCKET).await.unwrap());
    assert_eq!(ids(&all(&reader, newest(None, 10)).await), operations);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_s3_is_away_calls_are_answered_and_logged_when_it_is_back() {
    let stack = TestStack::start_with(|config| {
        config.worker.log_mode = LogMode::Batch;
        config.worker.log_flush_interval = Duration::from_millis(20);
    })
    .await;
    stack.stack.outage().s3(true);
    let operations = call(&stack, 30, 30).await;
    stack.stack.outage().s3(false);
    stack.until_queues_are_empty().await;
    let reader = LogReader::new(bucket(&stack).await);
    assert_eq!(ids(&all(&reader, newest(None, 100)).await), operations);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_all_faults_at_once_what_was_answered_is_in_the_log_once() {
    let faults =
        "seed=7,duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=5%,partial=5%,s3-error=10%";
    let stack = TestStack::start_with(|config| {
        config.chaos = Some(faults.parse().expect("chaos"));
        config.workers = 2;
        config.worker.log_mode = LogMode::Batch;
        // Each batch is read below, with its own chance to fail: some dozens of them are enough.
        config.worker.log_flush_interval = Duration::from_millis(100);
    })
    .await;
    let client = stack.client().await;
    let calls = (0..300).map(|number| {
        let mut client = client.clone();
        async move { client.compute(ComputeRequest { values: vec![number], ..ComputeRequest::default() }).await }
    });
    let calls: Vec<_> = stream::iter(calls).buffer_unordered(50).collect().await;
    // What a caller is told when AWS fails is the business of other tests.
    let answered: Vec<_> = calls.into_iter().flatten().map(|answer| answer.into_inner().operation_id).collect();
    assert!(answered.len() > 250, "{} answered", answered.len());
    stack.until_queues_are_empty().await;
    let reader = LogReader::new(bucket(&stack).await);
    // S3 goes on failing, for readers too.
    let mut logged = None;
    until(async || {
        logged = reader.list(&newest(None, 1_000)).await.ok();
        logged.is_some()
    })
    .await;
    let logged = ids(&logged.expect("a listing").records);
    assert!(logged.is_sorted_by(|a, b| a > b), "each once, newest first");
    assert!(answered.iter().all(|id| logged.iter().any(|logged| logged.to_string() == *id)));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_s3_is_that_of_each_record_of_the_batch() {
    let stack = start().await;
    let limits = BatchLimits { flush_interval: LONG, max_records: 3 };
    let writer = LogWriter::batching(bucket(&stack).await, limits);
    let records: Vec<_> = (0..3).map(|_| record(None, Uuid::now_v7(), "w")).collect();
    stack.stack.outage().s3(true);
    let written = future::join_all(records.iter().map(|record| writer.write(record))).await;
    assert!(written.iter().all(Result::is_err), "{written:?}");
    stack.stack.outage().s3(false);
    let written = future::join_all(records.iter().map(|record| writer.write(record))).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_never_mixes_tenants() {
    let stack = start().await;
    let writer = LogWriter::batching(bucket(&stack).await, BatchLimits { flush_interval: LONG, max_records: 1_000 });
    let tenants = ["a", "b", "c"];
    let records: Vec<_> = (0..30).map(|n| record(Some(tenants[n % tenants.len()]), Uuid::now_v7(), "w")).collect();
    let writes = future::join_all(records.iter().map(|record| writer.write(record)));
    // They all wait until they are told not to.
    let (written, ()) = future::join(writes, async { writer.flush_at_once() }).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(writer.stats().batches, 3);
    let reader = LogReader::new(bucket(&stack).await);
    for tenant in tenants {
        let read = all(&reader, newest(Some(tenant), 100)).await;
        assert_eq!(read.len(), 10);
        assert!(read.iter().all(|record| record.tenant.as_deref() == Some(tenant)));
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_is_dropped_leaves_nobody_waiting() {
    let stack = start().await;
    let writer = LogWriter::batching(bucket(&stack).await, BatchLimits { flush_interval: LONG, max_records: 1_000 });
    let record = record(None, Uuid::now_v7(), "w");
    // Given up while it waits, as at a drain limit.
    assert!(tokio::time::timeout(Duration::from_millis(50), writer.write(&record)).await.is_err());
    drop(writer);
    // What was handed over is still put.
    let reader = LogReader::new(bucket(&stack).await);
    until(async || reader.find(None, record.id).await.unwrap().is_some()).await;
    stack.stop().await;
}

//! What readers of the log are promised, in either mode.

use std::collections::BTreeSet;
use std::time::Duration;

use compute_operations::log::{BatchLimits, LogError, LogReader, LogWriter, Query};
use compute_operations::record::{Operation, Record, Times};
use futures_util::future;
use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use crate::log_kit::{
    DAY, all, batch_key, bucket, id_at, ids, newest, now_ms, object_key, put, put_batch, record, s3, start,
};

/// Many at once, as a worker writes them.
async fn write_all(writer: &LogWriter, records: &[Record]) {
    future::try_join_all(records.iter().map(|record| writer.write(record))).await.expect("they are written");
}

fn batching(bucket: compute_operations::Bucket, max_records: usize) -> LogWriter {
    LogWriter::batching(bucket, BatchLimits { flush_interval: Duration::from_millis(20), max_records })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_either_mode_has_written_is_found_and_listed_newest_first() {
    let stack = start().await;
    let bucket = bucket(&stack).await;
    let (objects, batches) = (LogWriter::new(bucket.clone()), batching(bucket.clone(), 10));
    let records: Vec<_> = (0..60).map(|_| record(Some("acme"), Uuid::now_v7(), "w")).collect();
    let other = record(None, Uuid::now_v7(), "w");
    write_all(&objects, &records[..20]).await;
    write_all(&batches, &records[20..]).await;
    batches.write(&other).await.unwrap();
    // A redelivery to a worker of the other mode.
    objects.write(&records[30]).await.unwrap();
    batches.write(&records[10]).await.unwrap();

    let reader = LogReader::new(bucket);
    for record in &records {
        assert_eq!(reader.find(Some("acme"), record.id).await.unwrap().as_ref(), Some(record));
        assert_eq!(reader.find(None, record.id).await.unwrap(), None, "that of another tenant");
    }
    let mut expected = records.clone();
    expected.sort_by_key(|record| std::cmp::Reverse(record.id));
    for limit in [1, 7, 60, 1_000] {
        assert_eq!(all(&reader, newest(Some("acme"), limit)).await, expected);
    }
    assert_eq!(all(&reader, newest(None, 10)).await, [other]);
    assert_eq!(all(&reader, newest(Some("nobody"), 10)).await, []);
    assert_eq!(reader.tenants().await.unwrap(), [None, Some("acme".to_owned())]);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_stay_as_they_are_while_records_arrive() {
    let stack = start().await;
    let bucket = bucket(&stack).await;
    let (objects, batches) = (LogWriter::new(bucket.clone()), batching(bucket.clone(), 5));
    let write_some = async || {
        let records: Vec<_> = (0..20).map(|_| record(None, Uuid::now_v7(), "w")).collect();
        future::join(write_all(&objects, &records[..5]), write_all(&batches, &records[5..])).await;
        records
    };
    let before = write_some().await;
    let reader = LogReader::new(bucket);
    let (mut pages, mut seen) = (reader.pages(newest(None, 6)), Vec::new());
    while let Some(page) = pages.next().await.unwrap() {
        seen.extend(ids(&page.records));
        write_some().await;
    }
    let mut expected = ids(&before);
    expected.sort_by(|a, b| b.cmp(a));
    assert_eq!(seen, expected);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_waits_finds_an_operation_once_it_is_there() {
    let stack = start().await;
    let bucket = bucket(&stack).await;
    let reader = LogReader::new(bucket.clone());
    let (early, late) = (record(None, Uuid::now_v7(), "early"), record(None, id_at(now_ms() - 2 * DAY), "late"));
    let (mut early_finder, mut late_finder) =
        (reader.finder(None, early.id).unwrap(), reader.finder(None, late.id).unwrap());
    for _ in 0..2 {
        assert_eq!(early_finder.look().await.unwrap(), None);
        assert_eq!(late_finder.look().await.unwrap(), None);
    }
    let writer = batching(bucket, 2);
    write_all(&writer, &[early.clone(), late.clone()]).await;
    assert_eq!(early_finder.look().await.unwrap(), Some(early));
    assert_eq!(late_finder.look().await.unwrap(), Some(late));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_nobody_would_look_for_in_a_batch_gets_an_object() {
    let stack = start().await;
    let bucket = bucket(&stack).await;
    let writer = batching(bucket.clone(), 10);
    let now = now_ms();
    let records: Vec<_> = [now - 30 * DAY, now + 400 * DAY, now].map(|ms| record(None, id_at(ms), "w")).into();
    write_all(&writer, &records).await;
    let reader = LogReader::new(bucket);
    for record in &records {
        assert_eq!(reader.find(None, record.id).await.unwrap().as_ref(), Some(record));
    }
    let stats = writer.stats();
    assert_eq!((stats.records, stats.batches, stats.puts), (3, 1, 3));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_mark_is_shown_until_there_is_a_record_of_either_kind() {
    let stack = start().await;
    let bucket = bucket(&stack).await;
    let (objects, batches) = (LogWriter::new(bucket.clone()), batching(bucket.clone(), 1));
    let reader = LogReader::new(bucket);
    for (tenant, writer) in [("objects", &objects), ("batches", &batches)] {
        let record = record(Some(tenant), Uuid::now_v7(), "w");
        let operation = Operation {
            id: record.id,
            tenant: record.tenant.clone(),
            method: record.method.clone(),
            times: Times::default(),
            worker: "w".to_owned(),
            digest: record.digest.clone(),
        };
        let mark = Record::dead_mark(operation, 10);
        assert!(mark.error.as_ref().is_some_and(|error| error.code == 13 && error.message.contains("10 deliveries")));
        writer.mark_dead(&mark).await.unwrap();
        assert_eq!(reader.find(Some(tenant), record.id).await.unwrap().as_ref(), Some(&mark));
        assert_eq!(all(&reader, newest(Some(tenant), 1)).await, [mark]);
        writer.write(&record).await.unwrap();
        assert_eq!(reader.find(Some(tenant), record.id).await.unwrap().as_ref(), Some(&record));
        assert_eq!(all(&reader, newest(Some(tenant), 1)).await, [record]);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_an_error_to_those_who_look_for_it_and_left_out_of_listings() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    let now = now_ms();
    let records: Vec<_> = (0..6).map(|n| record(None, id_at(now - 1_000 * n), "w")).collect();
    let reader = LogReader::new(bucket);
    // One that is whole, one that is no gzip, one of which a line is broken; and an object that is no record.
    put_batch(&s3, None, now, &records[..2]).await;
    put(&s3, &batch_key(None, now, &ids(&records[2..4])), b"garbage".into()).await;
    let mut broken = record(None, records[4].id, "w").to_json().replace("\"method\"", "\"odd\"") + "\n";
    broken += &(records[5].to_json() + "\n");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, broken.as_bytes()).unwrap();
    put(&s3, &batch_key(None, now, &ids(&records[4..6])), encoder.finish().unwrap()).await;
    let own = id_at(now - 10_000);
    put(&s3, &object_key(None, own), b"{}".into()).await;

    for (id, is_damaged) in [(records[0].id, false), (records[2].id, true), (records[4].id, true), (own, true)] {
        let found = reader.find(None, id).await;
        assert_eq!(matches!(found, Err(LogError::Content { .. })), is_damaged, "{found:?}");
    }
    let page = reader.list(&newest(None, 10)).await.unwrap();
    let readable = [0, 1, 5].map(|n| records[n].id);
    assert_eq!((ids(&page.records), page.has_more, page.damaged), (readable.to_vec(), false, 3));
    let page = reader.list(&newest(None, 3)).await.unwrap();
    assert_eq!(ids(&page.records), readable, "a page is full all the same");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_many_records_needs_few_requests_and_what_is_remembered_for_it_is_right() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    // 2,000 batches of 5 on two days, in the order of time.
    let start = now_ms() - DAY;
    let puts = (0..2_000_i64).map(|n| {
        let s3 = s3.clone();
        let records: Vec<_> = (0..5).map(|k| record(None, id_at(start + 40_000 * n + k), "w")).collect();
        async move { put_batch(&s3, None, start + 40_000 * n + 4, &records).await }
    });
    stream::iter(puts).buffer_unordered(32).for_each(|_key| future::ready(())).await;
    let reader = LogReader::new(bucket);
    let requests = || stack.stack.traffic().requests.values().map(|requests| requests.handled).sum::<u64>();
    let before = requests();
    let page = reader.list(&newest(None, 100)).await.unwrap();
    assert_eq!(page.records.len(), 100);
    assert!(requests() - before < 60, "{} for the first page", requests() - before);
    let deep = Query { before: Some(id_at(start + 40_000 * 500)), ..newest(None, 100) };
    let first = reader.list(&deep).await.unwrap();
    let before = requests();
    assert_eq!(reader.list(&deep).await.unwrap(), first);
    assert!(requests() - before < 60, "{} for a deep page", requests() - before);
    // One that was committed now, long after the others of the page, is seen beside what is remembered.
    let late = record(None, id_at(start + 40_000 * 490), "late");
    put_batch(&s3, None, now_ms(), std::slice::from_ref(&late)).await;
    let page = reader.list(&deep).await.unwrap();
    assert!(page.records.contains(&late) && page.records.len() == 100);
    let distinct: BTreeSet<_> = ids(&first.records).into_iter().collect();
    assert_eq!(distinct.len(), 100);
    assert!(reader.find(None, first.records[50].id).await.unwrap().is_some());
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_the_same_moment_are_told_apart_however_many_there_are() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    // More than a request lists: objects of one millisecond, and batches of a minute.
    let moment = now_ms() - 3_600_000;
    let objects: Vec<_> = (0..500).map(|_| record(Some("objects"), id_at(moment), "w")).collect();
    let batches: Vec<_> = (0..250).map(|n| record(Some("batches"), id_at(moment + 200 * n), "w")).collect();
    let puts = objects.iter().map(|record| async {
        put(&s3, &object_key(Some("objects"), record.id), record.to_json().into()).await;
    });
    stream::iter(puts).buffer_unordered(32).for_each(|()| future::ready(())).await;
    let s3 = &s3;
    let puts = batches.iter().zip(0..).map(|(record, n)| async move {
        put_batch(s3, Some("batches"), moment + 200 * n, std::slice::from_ref(record)).await
    });
    stream::iter(puts).buffer_unordered(32).for_each(|_key| future::ready(())).await;

    let reader = LogReader::new(bucket);
    for (tenant, mut records) in [("objects", objects), ("batches", batches)] {
        for n in [0, 1, records.len() / 2, records.len() - 1] {
            let found = reader.find(Some(tenant), records[n].id).await.unwrap();
            assert_eq!(found.as_ref(), Some(&records[n]), "number {n} of {tenant}");
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.id));
        assert_eq!(all(&reader, newest(Some(tenant), 200)).await, records);
    }
    stack.stop().await;
}

//! The log as readers see it, against a model: whatever was committed where and when, each operation is there once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use compute_operations::log::{LogReader, Query};
use compute_operations::record::Record;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use crate::log_kit::{
    DAY, all, batch_content, batch_key, bucket, date, id_at, now_ms, object_key, put, record, s3, start,
};

/// How old operations are, in milliseconds: made at the same time, within seconds, on other days, and by a host whose clock is
/// an hour ahead.
fn age() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-3_600_000), Just(0), 0..5_i64, 0..5_000_i64, (0..30_i64).prop_map(|days| days * DAY), 0..30 * DAY,]
}

/// How long after the newest operation in it a batch is committed.
fn delay() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..2_000_i64, 0..4 * 3_600_000_i64, 0..23 * DAY]
}

/// What is in the log of a tenant.
#[derive(Debug, Clone)]
struct Given {
    ages: Vec<i64>,
    /// Which operations, and how much later.
    batches: Vec<(Vec<prop::sample::Index>, i64)>,
    objects: Vec<prop::sample::Index>,
    dead_marks: Vec<prop::sample::Index>,
    limit: usize,
}

fn given() -> impl Strategy<Value = Given> {
    let some = |most| vec(any::<prop::sample::Index>(), 0..most);
    let batches = vec((vec(any::<prop::sample::Index>(), 1..8), delay()), 0..15);
    (vec(age(), 1..30), batches, some(10), some(6), 1..12_usize)
        .prop_map(|(ages, batches, objects, dead_marks, limit)| Given { ages, batches, objects, dead_marks, limit })
}

/// Puts it all into the bucket; returns the records that are to be seen.
async fn commit(s3: &aws_sdk_s3::Client, tenant: &str, ids: &[Uuid], given: &Given) -> BTreeMap<Uuid, Record> {
    let (now, tenant) = (now_ms(), Some(tenant));
    let mut seen: BTreeMap<Uuid, (i64, Record)> = BTreeMap::new();
    let mut see = |rank, record: Record| {
        let known = seen.entry(record.id).or_insert_with(|| (rank, record.clone()));
        if rank < known.0 {
            *known = (rank, record);
        }
    };
    for index in &given.dead_marks {
        let mark = record(tenant, *index.get(ids), "mark");
        let key = object_key(tenant, mark.id).replace(".json", ".dead.json");
        put(s3, &key, mark.to_json().into()).await;
        see(i64::MAX, mark);
    }
    for (number, (indices, delay)) in given.batches.iter().enumerate() {
        let mut of: Vec<_> = indices.iter().map(|index| *index.get(ids)).collect();
        of.sort();
        of.dedup();
        let made = of.iter().map(|id| i64::try_from(id.get_timestamp().unwrap().to_unix().0).unwrap() * 1000 + 999);
        // Nobody commits later than now, but with a clock that is ahead.
        let newest = made.max().unwrap();
        let committed = newest.max((newest + delay).min(now + 3_600_000)) + i64::try_from(number).unwrap();
        // What waits longer than batches are looked for gets an object of its own.
        of.retain(|id| {
            id.get_timestamp().unwrap().to_unix().0 * 1000 + 23 * 86_400_000 > committed.try_into().unwrap()
        });
        if of.is_empty() {
            continue;
        }
        let records: Vec<_> = of.iter().map(|&id| record(tenant, id, &format!("batch {number}"))).collect();
        put(s3, &batch_key(tenant, committed, &of), batch_content(&records)).await;
        records.into_iter().for_each(|record| see(committed, record));
    }
    for index in &given.objects {
        let record = record(tenant, *index.get(ids), "object");
        put(s3, &object_key(tenant, record.id), record.to_json().into()).await;
        see(0, record);
    }
    seen.into_iter().map(|(id, (_, record))| (id, record)).collect()
}

async fn check(s3: &aws_sdk_s3::Client, reader: &LogReader, tenant: &str, given: &Given) {
    let ids: Vec<_> = given.ages.iter().map(|age| id_at(now_ms() - age)).collect();
    let expected = commit(s3, tenant, &ids, given).await;

    let query = |day, before| Query { tenant: Some(tenant.to_owned()), day, before, limit: given.limit };
    let newest_first: Vec<_> = expected.values().rev().cloned().collect();
    // The second time with what the reader remembers from the first.
    for _ in 0..2 {
        assert_eq!(all(reader, query(None, None)).await, newest_first);
    }
    let middle = ids[0];
    let older: Vec<_> = expected.range(..middle).rev().map(|(_, record)| record.clone()).collect();
    assert_eq!(all(reader, query(None, Some(middle))).await, older);
    let day = date(now_ms() - given.ages[0]);
    let ms = |id: &Uuid| i64::try_from(id.get_timestamp().unwrap().to_unix().0).unwrap() * 1000;
    let of_day: Vec<_> = newest_first.iter().filter(|record| date(ms(&record.id)) == day).cloned().collect();
    assert_eq!(all(reader, query(Some(day), None)).await, of_day);

    for id in &ids {
        let found = reader.find(Some(tenant), *id).await.expect("the log can be read");
        assert_eq!(found.as_ref(), expected.get(id));
    }
    let absent = id_at(now_ms() - given.ages[0]);
    assert_eq!(reader.find(Some(tenant), absent).await.expect("the log can be read"), None);
}

#[test]
fn each_operation_is_found_and_listed_once_wherever_and_whenever_it_was_committed() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stack = runtime.block_on(start());
    let (s3, reader) = (s3(&stack), LogReader::new(runtime.block_on(bucket(&stack))));
    let tenants = AtomicU32::new(0);
    let mut runner =
        TestRunner::new(Config { cases: 16, max_shrink_iters: 64, failure_persistence: None, ..Config::default() });
    let result = runner.run(&given(), |given| {
        let tenant = format!("tenant-{}", tenants.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(check(&s3, &reader, &tenant, &given));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    runtime.block_on(stack.stop());
}

//! What those are promised who have the log forget.

use compute_local::stack::LOG_BUCKET;
use compute_operations::log::{Deleted, LogDeleter, LogError, LogReader, LogWriter};
use compute_operations::record::Record;
use uuid::Uuid;

use crate::kit::TestStack;
use crate::log_kit::{
    DAY, all, batch_content, batch_key, bucket, bucket_of, date, id_at, ids, keys, newest, now_ms, object_key, put,
    put_batch, record, s3, start,
};

const TENANT: Option<&str> = Some("acme");

async fn deleter(stack: &TestStack) -> LogDeleter {
    LogDeleter::new(bucket_of(stack, "operator").await)
}

/// A record whose request came in a payload, which is there.
async fn with_payload(s3: &aws_sdk_s3::Client, record: Record) -> Record {
    let key = format!("payloads/{}", Uuid::now_v7());
    put(s3, &key, b"[1,2,3]".into()).await;
    record.with_payload(key, 3)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_goes_from_everywhere_with_its_payload_and_the_others_stay() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    let now = now_ms();
    let mut records = Vec::new();
    for n in 0..5 {
        records.push(with_payload(&s3, record(TENANT, id_at(now - 10 * n), "w")).await);
    }
    let goes = records[2].clone();
    let alone = record(TENANT, goes.id, "another delivery");
    LogWriter::new(bucket.clone()).mark_dead(&goes).await.unwrap();
    put(&s3, &object_key(TENANT, goes.id), goes.to_json().into()).await;
    put_batch(&s3, TENANT, now, &records).await;
    put_batch(&s3, TENANT, now + 1_000, &[goes.clone(), records[0].clone()]).await;
    put_batch(&s3, TENANT, now + 2_000, &[alone]).await;

    let deleter = deleter(&stack).await;
    let deleted = deleter.delete(TENANT, goes.id).await.unwrap();
    // The mark and the record; one batch with nothing else in it; two that are written anew.
    assert_eq!((deleted.records, deleted.objects, deleted.rewritten), (5, 3, 2));

    let reader = LogReader::new(bucket);
    records.remove(2);
    assert_eq!(all(&reader, newest(TENANT, 10)).await, records);
    assert_eq!(reader.find(TENANT, goes.id).await.unwrap(), None);
    let payloads = keys(&s3, "payloads/").await;
    assert_eq!(payloads.len(), 4);
    assert!(!payloads.contains(goes.payload.as_ref().unwrap()));
    assert_eq!(deleter.delete(TENANT, goes.id).await.unwrap(), Deleted::default(), "nothing is left");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_crashed_after_any_step_is_finished_by_the_next() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    let deleter = deleter(&stack).await;
    let reader = LogReader::new(bucket);
    // The one that goes is the smallest, one in the middle, the largest.
    for (goes, tenant) in [(0, "a"), (1, "b"), (2, "c")] {
        let (now, tenant) = (now_ms(), Some(tenant));
        let mut records = Vec::new();
        for n in 0..3 {
            records.push(with_payload(&s3, record(tenant, id_at(now - 10 * n), "w")).await);
        }
        put_batch(&s3, tenant, now, &records).await;
        let gone = records.remove(goes);
        // Crashed when the payload was gone and the new batch stood beside the old one.
        s3.delete_object().bucket(LOG_BUCKET).key(gone.payload.as_ref().unwrap()).send().await.unwrap();
        if goes != 1 {
            put(&s3, &batch_key(tenant, now, &ids(&records)), batch_content(&records)).await;
        }
        assert_eq!(reader.find(tenant, records[0].id).await.unwrap().as_ref(), Some(&records[0]));
        assert_eq!(deleter.delete(tenant, gone.id).await.unwrap().rewritten, 1);
        assert_eq!(all(&reader, newest(tenant, 10)).await, records);
        assert_eq!(keys(&s3, &format!("batches/tenant={}/", tenant.unwrap())).await.len(), 1);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_damaged_batch_holds_is_not_claimed_to_be_gone() {
    let stack = start().await;
    let s3 = s3(&stack);
    let now = now_ms();
    let damaged = [id_at(now - 10), id_at(now - 5)];
    put(&s3, &batch_key(None, now, &damaged), b"garbage".into()).await;
    let deleter = deleter(&stack).await;
    let deleted = deleter.delete(None, damaged[0]).await;
    assert!(matches!(deleted, Err(LogError::Content { .. })), "{deleted:?}");
    assert_eq!(deleter.delete_tenant(None, |_| {}).await.unwrap().objects, 1, "the whole tenant can go");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_goes_whole_and_no_other() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    let now = now_ms();
    for tenant in [TENANT, Some("acme2"), None] {
        for day in 0..3 {
            let records = [0, 1].map(|n| record(tenant, id_at(now - day * DAY - n), "w"));
            put_batch(&s3, tenant, now - day * DAY, &records).await;
            let own = with_payload(&s3, record(tenant, id_at(now - day * DAY), "w")).await;
            put(&s3, &object_key(tenant, own.id), own.to_json().into()).await;
        }
    }
    put(&s3, &format!("claims/tenant=acme/{}", Uuid::now_v7()), b"{}".into()).await;
    let mut told = Deleted::default();
    let deleted = deleter(&stack).await.delete_tenant(TENANT, |so_far| told = *so_far).await.unwrap();
    assert_eq!(deleted, Deleted { records: 9, payloads: 3, objects: 6, rewritten: 0 });
    assert_eq!(told, deleted);
    for log in ["operations", "batches", "claims"] {
        assert_eq!(keys(&s3, &format!("{log}/tenant=acme/")).await, [""; 0]);
    }
    assert_eq!(keys(&s3, "payloads/").await.len(), 6);
    let reader = LogReader::new(bucket);
    for tenant in [Some("acme2"), None] {
        assert_eq!(all(&reader, newest(tenant, 10)).await.len(), 9);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_before_a_day_goes_though_it_was_committed_later() {
    let stack = start().await;
    let (bucket, s3) = (bucket(&stack).await, s3(&stack));
    let midnight = now_ms() / DAY * DAY;
    let made = |ms| record(None, id_at(midnight + ms), "w");
    let (old, late, kept) = (made(-2 * DAY), made(-1), made(0));
    put_batch(&s3, None, midnight - 2 * DAY, std::slice::from_ref(&old)).await;
    put_batch(&s3, None, midnight + 5, &[late.clone(), kept.clone()]).await;
    let (own_late, own_kept) = (made(-2), made(1));
    for record in [&own_late, &own_kept] {
        put(&s3, &object_key(None, record.id), record.to_json().into()).await;
    }
    let reader = LogReader::new(bucket);
    assert_eq!(all(&reader, newest(None, 10)).await.len(), 5);
    let deleted = deleter(&stack).await.delete_before(None, date(midnight), |_| {}).await.unwrap();
    assert_eq!(deleted, Deleted { records: 3, payloads: 0, objects: 2, rewritten: 1 });
    // The reader knows by itself that what it remembers is no more.
    assert_eq!(all(&reader, newest(None, 10)).await, [own_kept, kept]);
    for gone in [old, late, own_late] {
        assert_eq!(reader.find(None, gone.id).await.unwrap(), None);
    }
    stack.stop().await;
}

//! Removes what has expired by the lifecycle rules of its bucket.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use s3s::S3Result;
use time::OffsetDateTime;

use super::bucket::Bucket;
use super::failure::{blocking, failed};
use super::multipart::Upload;
use super::store::Store;

/// How long it takes from one sweep to the next. S3 says that it may take longer than until midnight.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Keys looked at in one go; a sweep that is dropped ends after those.
const PAGE: usize = 1000;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Objects.
    pub objects: u64,
    /// Multipart uploads that were never completed.
    pub uploads: u64,
}

/// Sweeps now and then every hour, by this clock. Does not end.
pub(super) async fn hourly(store: &Arc<Store>, clock: impl Fn() -> SystemTime) {
    let mut interval = tokio::time::interval(INTERVAL);
    loop {
        interval.tick().await;
        once(store, clock()).await;
    }
}

/// Removes all that has expired at this time. What cannot be removed is noted in the log and left to the next sweep.
pub(super) async fn once(store: &Arc<Store>, now: SystemTime) -> Swept {
    let mut swept = Swept::default();
    for (name, bucket) in store.buckets() {
        if let Err(error) = bucket_once(store, &name, &bucket, now, &mut swept).await {
            // Among them that the bucket was deleted meanwhile.
            tracing::warn!(bucket = name, %error, "cannot remove what has expired");
        }
    }
    if swept != Swept::default() {
        tracing::info!(objects = swept.objects, uploads = swept.uploads, "removed what has expired");
    }
    swept
}

async fn bucket_once(
    store: &Arc<Store>,
    name: &str,
    bucket: &Arc<Bucket>,
    now: SystemTime,
    swept: &mut Swept,
) -> S3Result<()> {
    let Some(rules) = bucket.lifecycle()? else { return Ok(()) };
    for prefix in rules.expiring_prefixes() {
        let mut after = None;
        loop {
            let (bucket, prefix) = (Arc::clone(bucket), prefix.clone());
            let (removed, last) = blocking(move || objects(&bucket, &prefix, after.as_deref(), now)).await?;
            swept.objects += removed;
            if last.is_none() {
                break;
            }
            after = last;
        }
    }
    let (store, name, bucket) = (Arc::clone(store), name.to_owned(), Arc::clone(bucket));
    swept.uploads += blocking(move || uploads(&store, &name, &bucket, now)).await?;
    Ok(())
}

/// Removes what has expired on one page of keys; how many those were, and the key to go on after.
fn objects(bucket: &Bucket, prefix: &str, after: Option<&str>, now: SystemTime) -> S3Result<(u64, Option<String>)> {
    // Read for each page: somebody may have changed them.
    let Some(rules) = bucket.lifecycle()? else { return Ok((0, None)) };
    let mut keys = bucket.keys(prefix, after, PAGE)?;
    let mut removed = 0;
    for key in &keys {
        let is_due = |modified| rules.expiration(key, modified).is_some_and(|due| due.at <= now);
        match bucket.remove_if(key, is_due) {
            Ok(was_due) => removed += u64::from(was_due),
            Err(error) => tracing::warn!(key, %error, "cannot remove an object that has expired"),
        }
    }
    let is_last = keys.len() < PAGE;
    Ok((removed, keys.pop().filter(|_| !is_last)))
}

fn uploads(store: &Store, name: &str, bucket: &Bucket, now: SystemTime) -> S3Result<u64> {
    let Some(rules) = bucket.lifecycle()? else { return Ok(0) };
    let mut removed = 0;
    for upload in Upload::all(&store.uploads(name)).map_err(failed("read the uploads"))? {
        let initiated = OffsetDateTime::from(upload.record.initiated.clone()).into();
        if rules.abortion(&upload.record.key, initiated).is_some_and(|due| due.at <= now) {
            upload.remove()?;
            removed += 1;
        }
    }
    Ok(removed)
}

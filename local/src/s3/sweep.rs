//! Removes what has expired by the lifecycle rules of its bucket.

use std::pin::pin;
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
/// Keys looked at in one go.
const PAGE: usize = 1000;

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Objects.
    pub objects: u64,
    /// Multipart uploads that were never completed.
    pub uploads: u64,
}

/// Sweeps now and then every hour, by this clock, until `stop`; a sweep under way is finished first.
pub(super) async fn hourly(store: &Arc<Store>, clock: impl Fn() -> SystemTime, stop: impl Future<Output = ()>) {
    let mut interval = tokio::time::interval(INTERVAL);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            _ = interval.tick() => {}
            () = &mut stop => return,
        }
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Mutex, PoisonError};

    use tokio::time::{Instant, sleep};

    use super::super::lifecycle::Configuration;
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn expire_after_a_day(bucket: &Bucket, store: &Store) {
        let rules = r#"{"Rules": [{"ID": "all", "Filter": {}, "Status": "Enabled", "Expiration": {"Days": 1}}]}"#;
        let rules: Configuration = serde_json::from_str(rules).expect("well-formed");
        bucket.set_lifecycle(rules, false, store.scratch()).expect("they can be stored");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_comes_at_once_and_then_every_hour_by_the_clock_until_it_is_told_to_stop() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let object = dir.path().join("bucket").join("k");
        fs::create_dir(dir.path().join("bucket")).and_then(|()| fs::write(&object, "x")).expect("the disk has room");
        let store = Arc::new(Store::open(dir.path().to_owned()).expect("it can be opened"));
        expire_after_a_day(&store.bucket("bucket").expect("it is there"), &store);
        let start = Instant::now();
        let looks = Mutex::new(Vec::new());
        let clock = || {
            looks.lock().unwrap_or_else(PoisonError::into_inner).push(start.elapsed().as_secs() / HOUR.as_secs());
            SystemTime::now() + start.elapsed()
        };

        hourly(&store, clock, sleep(23 * HOUR + HOUR / 2)).await;
        assert!(object.exists(), "a day is not over");
        assert_eq!(*looks.lock().expect("nobody panicked"), (0..=23).collect::<Vec<_>>());
        // One day, to the next midnight: two days at most. The first sweep after them comes up to an hour later.
        hourly(&store, clock, sleep(26 * HOUR)).await;
        assert!(!object.exists());
    }
}

//! Deletes records, for those who must forget.

mod rewrite;

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use time::Date;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key::{self, BatchName};
use crate::log::batch::{self, Batch};
use crate::log::batch_index::BatchIndex;
use crate::log::clock::{self, LOOK_AHEAD};
use crate::log::search::Search;
use crate::log::{LogError, LogReader};

/// How many objects are listed, and deleted, with one request.
const PAGE: usize = 1_000;

/// How many objects are read at once.
const READS_AT_ONCE: usize = 16;

/// Deletes records and the payloads they point to. It needs `s3:DeleteObject`, which workers and gateways do without.
///
/// Every deletion can be repeated: what a crash leaves half done the next one finishes. Payloads go before the records that
/// point to them, and a batch is written anew before the old one goes. Of a bucket with versioning the current versions are
/// deleted only. Have one deletion of a tenant's log run at a time: two that rewrite the same batch could each bring back what
/// the other has deleted.
#[derive(Debug, Clone)]
pub struct LogDeleter {
    bucket: Bucket,
    reader: LogReader,
}

/// What was deleted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Records, dead marks too; one that stood in the log more than once counts each time.
    pub records: u64,
    /// Payloads that they pointed to.
    pub payloads: u64,
    /// Objects of the log that are gone.
    pub objects: u64,
    /// Objects that were written anew without some of their records.
    pub rewritten: u64,
}

/// The part of a record that matters here.
#[derive(Deserialize)]
struct OnlyPayload {
    payload: Option<String>,
}

impl LogDeleter {
    /// Deletes from the log in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { reader: LogReader::new(bucket.clone()), bucket }
    }

    /// Deletes all there is of one operation, but for a claim on its id, which goes by its lifecycle rule. Nothing deleted
    /// means that there was nothing. If a message of the operation is still under way, it is worked and logged again.
    ///
    /// # Errors
    ///
    /// See [`LogError`]; [`Content`](LogError::Content) when a batch that may hold the operation cannot be read.
    pub async fn delete(&self, tenant: Option<&str>, id: Uuid) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        for key in [key::record(tenant, id)?, key::dead_mark(tenant, id)?] {
            if self.bucket.get(&key).await?.is_some() {
                self.delete_objects(&[key], &mut deleted).await?;
            }
        }
        let mut search = Search::new(self.index(), tenant, id, 0, clock::unix_ms())?;
        while let Some((_window, names)) = search.next().await? {
            for name in names {
                self.delete_from_batch(tenant, name, |other| other == id, &mut deleted).await?;
            }
        }
        Ok(deleted)
    }

    /// Deletes all operations of a tenant, and its claims on ids. `progress` is told now and then what was deleted so far.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn delete_tenant(
        &self,
        tenant: Option<&str>,
        mut progress: impl FnMut(&Deleted) + Send,
    ) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        for folder in [key::tenant_folder(tenant)?, key::batch_folder(tenant)?] {
            self.delete_folder(&folder, &mut deleted, &mut progress).await?;
        }
        let claims = key::claim_folder(tenant)?;
        loop {
            let page = self.bucket.list(&claims, None, PAGE).await?;
            self.bucket.delete_all(&page.keys).await?;
            if !page.has_more {
                return Ok(deleted);
            }
        }
    }

    /// Deletes all operations of a tenant made before this day in UTC, by the time in their ids. `progress` is told now and
    /// then what was deleted so far.
    ///
    /// # Errors
    ///
    /// See [`LogError`]. A batch of this day or a later one that cannot be read, and may hold earlier operations, is reported
    /// when all else is done.
    pub async fn delete_before(
        &self,
        tenant: Option<&str>,
        day: Date,
        mut progress: impl FnMut(&Deleted) + Send,
    ) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        for folder in [key::tenant_folder(tenant)?, key::batch_folder(tenant)?] {
            let days = self.bucket.folders(&folder).await?;
            for folder in days.iter().filter(|folder| key::day_of_folder(folder).is_some_and(|of| of < day)) {
                self.delete_folder(folder, &mut deleted, &mut progress).await?;
            }
        }
        let first = key::smallest_id(key::day_start(day));
        let last_day = key::day(key::day_start(day) + LOOK_AHEAD).unwrap_or(Date::MAX);
        let mut damage = None;
        let index = self.index();
        for day in index.days(tenant, day..=last_day).await? {
            let mut listing = index.day(tenant, day)?;
            while let Some(names) = listing.next().await? {
                for &name in names.iter().filter(|name| name.smallest < first) {
                    match self.delete_from_batch(tenant, name, |id| id < first, &mut deleted).await {
                        Err(error @ LogError::Content { .. }) => damage = Some(error),
                        done => done?,
                    }
                    progress(&deleted);
                }
            }
        }
        damage.map_or(Ok(deleted), Err)
    }

    /// A new one each time: what one keeps of listings, deletions make wrong.
    fn index(&self) -> Arc<BatchIndex> {
        Arc::new(BatchIndex::new(self.bucket.clone()))
    }

    async fn delete_folder(
        &self,
        folder: &str,
        deleted: &mut Deleted,
        progress: &mut (impl FnMut(&Deleted) + Send),
    ) -> Result<(), LogError> {
        loop {
            let page = self.bucket.list(folder, None, PAGE).await?;
            self.delete_objects(&page.keys, deleted).await?;
            progress(deleted);
            if !page.has_more {
                return Ok(());
            }
        }
    }

    /// Deletes whole objects, of either kind, and the payloads of the records in them.
    async fn delete_objects(&self, keys: &[String], deleted: &mut Deleted) -> Result<(), LogError> {
        let reads = stream::iter(keys).map(|key| self.payloads_of(key)).buffered(READS_AT_ONCE);
        let objects: Vec<_> = reads.try_collect().await?;
        let records: usize = objects.iter().map(|(records, _)| records).sum();
        let payloads: Vec<_> = objects.into_iter().flat_map(|(_, payloads)| payloads).collect();
        self.delete_payloads(&payloads, deleted).await?;
        self.bucket.delete_all(keys).await?;
        deleted.records += records as u64;
        deleted.objects += keys.len() as u64;
        Ok(())
    }

    /// How many records an object holds, and their payloads. One that cannot be read counts as a record without a payload.
    async fn payloads_of(&self, key: &str) -> Result<(usize, Vec<String>), LogError> {
        let Some(content) = self.bucket.get(key).await? else { return Ok((0, Vec::new())) };
        if BatchName::of_key(key).is_none() {
            return Ok((1, payload_in(&content).into_iter().collect()));
        }
        let Batch { lines, damage } = batch::decode(content).await;
        let payloads = lines.iter().filter_map(|line| payload_in(&line.json)).collect();
        Ok((lines.len() + usize::from(damage.is_some()), payloads))
    }

    async fn delete_payloads(&self, keys: &[String], deleted: &mut Deleted) -> Result<(), LogError> {
        for keys in keys.chunks(PAGE) {
            self.bucket.delete_all(keys).await?;
            deleted.payloads += keys.len() as u64;
        }
        Ok(())
    }
}

/// The key of the payload that a record points to. Anything that is not the key of a payload is left alone.
fn payload_in(record: &[u8]) -> Option<String> {
    let OnlyPayload { payload } = serde_json::from_slice(record).ok()?;
    payload.filter(|key| key::is_payload(key))
}

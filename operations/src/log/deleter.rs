//! Deletes records, for those who must forget.

use time::Date;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key;
use crate::log::{LogError, LogReader};
use crate::record::Record;

/// Deletes records and the payloads they point to. It needs `s3:DeleteObject`, which workers and gateways do without.
///
/// Every deletion can be repeated: what a crash leaves half done the next one finishes. Of a bucket with versioning it deletes
/// the current versions only. One deletion of a tenant's log at a time: two that rewrite the same batch could each bring back
/// what the other has deleted.
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

impl LogDeleter {
    /// Deletes from the log in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { reader: LogReader::new(bucket.clone()), bucket }
    }

    /// Deletes all there is of one operation. Nothing deleted means that there was nothing. If a message of the operation is
    /// still under way, it is worked and logged again.
    ///
    /// # Errors
    ///
    /// See [`LogError`]; [`Content`](LogError::Content) when an object that may hold the operation cannot be read.
    pub async fn delete(&self, tenant: Option<&str>, id: Uuid) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        if let Some(record) = self.reader.find(tenant, id).await? {
            self.delete_payload(&record, &mut deleted).await?;
            self.bucket.delete(&key::record(tenant, id)?).await?;
            deleted.records += 1;
            deleted.objects += 1;
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
        progress: impl FnMut(&Deleted) + Send,
    ) -> Result<Deleted, LogError> {
        self.delete_before(tenant, Date::MAX, progress).await
    }

    /// Deletes all operations of a tenant made before this day in UTC, by the time in their ids. `progress` is told now and
    /// then what was deleted so far.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn delete_before(
        &self,
        tenant: Option<&str>,
        day: Date,
        mut progress: impl FnMut(&Deleted) + Send,
    ) -> Result<Deleted, LogError> {
        let mut deleted = Deleted::default();
        let folder = key::tenant_folder(tenant)?;
        let days = self.bucket.folders(&folder).await?;
        for folder in days.iter().filter(|folder| key::day_of_folder(folder).is_some_and(|of| of < day)) {
            loop {
                let keys = self.bucket.list(folder, None, 1_000).await?;
                for key in &keys.keys {
                    if let Some(content) = self.bucket.get(key).await? {
                        if let Ok(record) = serde_json::from_slice::<Record>(&content) {
                            self.delete_payload(&record, &mut deleted).await?;
                        }
                        deleted.records += 1;
                    }
                    self.bucket.delete(key).await?;
                    deleted.objects += 1;
                    progress(&deleted);
                }
                if !keys.has_more {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    async fn delete_payload(&self, record: &Record, deleted: &mut Deleted) -> Result<(), LogError> {
        if let Some(id) = record.payload.as_deref().and_then(key::payload_id) {
            self.bucket.delete(&key::payload(id)).await?;
            deleted.payloads += 1;
        }
        Ok(())
    }
}

//! Finds and lists records.

use std::collections::BTreeSet;
use std::sync::Arc;

use time::Date;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key::{self, BatchName};
use crate::log::batch::{self, Batch};
use crate::log::batch_index::BatchIndex;
use crate::log::{Finder, LogError, listing};
use crate::record::Record;

/// Reads the log, whatever the modes that it was written in. Clones share what they remember of it: keep one.
#[derive(Debug, Clone)]
pub struct LogReader {
    bucket: Bucket,
    index: Arc<BatchIndex>,
}

/// Which records to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Whose operations; none: those of callers without a tenant.
    pub tenant: Option<String>,
    /// Only those of this day, in UTC, by the time in their ids.
    pub day: Option<Date>,
    /// Only those whose ids are smaller.
    pub before: Option<Uuid>,
    /// How many at most.
    pub limit: usize,
}

/// A part of the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    /// Records in descending order of their ids, each operation once.
    pub records: Vec<Record>,
    /// Whether there are more after the last one.
    pub has_more: bool,
    /// How many objects or records there would have been in between that cannot be read. They are left out.
    pub damaged: u64,
}

/// A long listing, page by page.
#[derive(Debug)]
pub struct Pages {
    reader: LogReader,
    /// None at the end.
    rest: Option<Query>,
}

impl Pages {
    /// The next page; none at the end. After an error it can be asked for again.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn next(&mut self) -> Result<Option<Listing>, LogError> {
        let Some(query) = &self.rest else { return Ok(None) };
        let page = self.reader.list(query).await?;
        let before = page.records.last().map(|record| record.id).filter(|_| page.has_more);
        self.rest = before.map(|before| Query { before: Some(before), ..query.clone() });
        Ok(Some(page))
    }
}

impl LogReader {
    /// Reads the log in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { index: Arc::new(BatchIndex::new(bucket.clone())), bucket }
    }

    /// Finds the record of an operation, or the mark that it was about to be worked for the last time.
    ///
    /// What it costs: one GET if the operation has an object of its own. If it stands in a batch, one GET, one LIST for each
    /// window of commit time (100 s from the time in the id, then ten times as long, up to days), and one GET for each batch
    /// that may hold it: about as many as there are workers. A fresh operation that is not there takes two GETs and a LIST; an
    /// old one a listing of all batches of up to 24 days, of which the reader keeps what can no longer change.
    ///
    /// # Errors
    ///
    /// See [`Finder::look`].
    pub async fn find(&self, tenant: Option<&str>, id: Uuid) -> Result<Option<Record>, LogError> {
        self.finder(tenant, id)?.look().await
    }

    /// Lists records. A page is what is smaller than [`Query::before`], so that it stays the same while newer records arrive;
    /// it is exact once the flush interval of the writers has passed.
    ///
    /// Objects and records that cannot be read are left out and counted in [`Listing::damaged`].
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn list(&self, query: &Query) -> Result<Listing, LogError> {
        listing::list(self, query).await
    }

    /// Lists page by page, `query.limit` records each (1,000 is a good number): for listings of any length.
    pub fn pages(&self, query: Query) -> Pages {
        Pages { reader: self.clone(), rest: Some(query) }
    }

    /// Looks for the record of an operation over and over.
    ///
    /// # Errors
    ///
    /// When there is no place in the log for such an operation.
    pub fn finder(&self, tenant: Option<&str>, id: Uuid) -> Result<Finder, LogError> {
        Finder::new(self.clone(), tenant, id)
    }

    /// The tenants that the log has operations of, in the order of their names; none for those without a tenant.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn tenants(&self) -> Result<Vec<Option<String>>, LogError> {
        let mut tenants = BTreeSet::new();
        for log in [key::OPERATIONS, key::BATCHES] {
            let folders = self.bucket.folders(log).await?;
            let known = folders.iter().filter_map(|folder| key::tenant_of_folder(folder));
            tenants.extend(known.map(|tenant| tenant.map(str::to_owned)));
        }
        Ok(tenants.into_iter().collect())
    }

    pub(super) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    pub(super) fn index(&self) -> &Arc<BatchIndex> {
        &self.index
    }

    /// Reads an object that holds one record; none if it is not there.
    pub(super) async fn object(&self, key: &str) -> Result<Option<Record>, LogError> {
        let Some(content) = self.bucket.get(key).await? else { return Ok(None) };
        let record = serde_json::from_slice(&content);
        record.map(Some).map_err(|error| LogError::Content { key: key.to_owned(), reason: error.to_string() })
    }

    /// Reads a batch; none if it is not there.
    pub(super) async fn batch(&self, tenant: Option<&str>, name: BatchName) -> Result<Option<Batch>, LogError> {
        match self.bucket.get(&name.key(tenant)?).await? {
            Some(content) => Ok(Some(batch::decode(content).await)),
            None => Ok(None),
        }
    }
}

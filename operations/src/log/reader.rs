//! Finds and lists records.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use time::Date;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key;
use crate::log::{Finder, LogError};
use crate::record::Record;

/// How many objects are read at once.
const READS_AT_ONCE: usize = 16;

/// Reads the log.
#[derive(Debug, Clone)]
pub struct LogReader {
    bucket: Bucket,
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
        Self { bucket }
    }

    /// Finds the record of an operation.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn find(&self, tenant: Option<&str>, id: Uuid) -> Result<Option<Record>, LogError> {
        self.record(&key::record(tenant, id)?).await
    }

    /// Lists records.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn list(&self, query: &Query) -> Result<Listing, LogError> {
        let tenant = key::tenant_folder(query.tenant.as_deref())?;
        let days = match query.day {
            Some(day) => vec![key::day_folder(&tenant, day)],
            None => self.bucket.folders(&tenant).await?,
        };
        let after = query.before.map(|id| key::record(query.tenant.as_deref(), id)).transpose()?;
        // One more than asked for tells whether there are more.
        let wanted = query.limit.saturating_add(1);
        let mut keys = Vec::new();
        for day in days.iter().rev() {
            // Days after that of the last record seen hold nothing older.
            let seen = after.as_deref().is_some_and(|after| !after.starts_with(day) && day.as_str() > after);
            if seen {
                continue;
            }
            let mut after = after.clone().filter(|after| after.starts_with(day));
            while keys.len() < wanted {
                let page = self.bucket.list(day, after.as_deref(), (wanted - keys.len()).min(1_000)).await?;
                after = page.keys.last().cloned();
                keys.extend(page.keys);
                if !page.has_more {
                    break;
                }
            }
        }
        let has_more = keys.len() > query.limit;
        keys.truncate(query.limit);
        let reads = stream::iter(keys).map(|key| async move { self.record(&key).await });
        let records: Vec<_> = reads.buffered(READS_AT_ONCE).try_collect().await?;
        // One that was deleted in between is not there any more.
        Ok(Listing { records: records.into_iter().flatten().collect(), has_more, damaged: 0 })
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

    async fn record(&self, key: &str) -> Result<Option<Record>, LogError> {
        let Some(content) = self.bucket.get(key).await? else { return Ok(None) };
        let record = serde_json::from_slice(&content);
        record.map(Some).map_err(|error| LogError::Content { key: key.to_owned(), reason: error.to_string() })
    }
}

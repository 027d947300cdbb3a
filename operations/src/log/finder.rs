//! Finds one operation.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use crate::key::{self, BatchName};
use crate::log::clock::{self, SETTLING};
use crate::log::search::Search;
use crate::log::{LogError, LogReader};
use crate::record::Record;

/// How many batches are read at once. The earliest that holds the operation counts; those after it were read in vain.
const READS_AT_ONCE: usize = 4;

/// How often a search is begun anew when batches change under it, because somebody deletes from them.
const ATTEMPTS: u32 = 3;

/// Looks for the record of an operation that may still be under way, as often as it is asked to.
///
/// It does not look again where nothing can appear any more, nor into batches it has looked into: while an operation is under
/// way, a look costs two GETs and one LIST, and a GET for each new batch that may hold it.
#[derive(Debug)]
pub struct Finder {
    reader: LogReader,
    tenant: Option<String>,
    id: Uuid,
    /// What was committed before this Unix millisecond has been looked at for good.
    from: u64,
    /// Batches from then on that do not hold the operation.
    looked_into: HashSet<BatchName>,
    /// What could not be read of a batch that may hold it.
    damage: Option<LogError>,
}

/// What a search has come to.
enum Outcome {
    Found(Box<Record>),
    Nothing,
    /// A batch went away before it was read: its records may stand in another one.
    Changed,
}

impl Finder {
    pub(super) fn new(reader: LogReader, tenant: Option<&str>, id: Uuid) -> Result<Self, LogError> {
        key::record(tenant, id)?;
        let (looked_into, damage) = Default::default();
        Ok(Self { reader, tenant: tenant.map(str::to_owned), id, from: 0, looked_into, damage })
    }

    /// Looks once; none if the operation is not in the log yet. A record of its own wins over batches, the batch committed
    /// first over later ones, and any record over a dead mark.
    ///
    /// # Errors
    ///
    /// See [`LogError`]; [`Content`](LogError::Content) when the operation is not found, but may stand in an object that
    /// cannot be read.
    pub async fn look(&mut self) -> Result<Option<Record>, LogError> {
        let tenant = self.tenant.as_deref();
        let (record, mark) = (key::record(tenant, self.id)?, key::dead_mark(tenant, self.id)?);
        if let Some(record) = self.reader.object(&record).await? {
            return Ok(Some(record));
        }
        for _ in 0..ATTEMPTS {
            match self.search().await? {
                Outcome::Found(record) => return Ok(Some(*record)),
                Outcome::Nothing => break,
                Outcome::Changed => {}
            }
        }
        match &self.damage {
            Some(damage) => Err(damage.clone()),
            None => self.reader.object(&mark).await,
        }
    }

    async fn search(&mut self) -> Result<Outcome, LogError> {
        let tenant = self.tenant.as_deref();
        let now = clock::unix_ms();
        let mut search = Search::new(self.reader.index().clone(), tenant, self.id, self.from, now)?;
        while let Some((window, mut names)) = search.next().await? {
            names.retain(|name| !self.looked_into.contains(name));
            let reader = &self.reader;
            let reads = names.into_iter().map(|name| async move { (name, reader.batch(tenant, name).await) });
            let mut reads = stream::iter(reads).buffered(READS_AT_ONCE);
            while let Some((name, batch)) = reads.next().await {
                let Some(batch) = batch? else {
                    self.reader.index().forget(tenant, name);
                    return Ok(Outcome::Changed);
                };
                let line = batch.lines.iter().find(|line| line.id == self.id);
                let damage = match line.map(|line| serde_json::from_slice(&line.json)) {
                    Some(Ok(record)) => return Ok(Outcome::Found(record)),
                    Some(Err(error)) => Some(error.to_string()),
                    None => batch.damage,
                };
                if let Some(reason) = damage {
                    self.damage = Some(LogError::Content { key: name.key(tenant)?, reason });
                }
                self.looked_into.insert(name);
            }
            if window.last <= now.saturating_sub(SETTLING) {
                self.from = window.last + 1;
                self.looked_into.retain(|name| name.committed() >= self.from);
            }
        }
        Ok(Outcome::Nothing)
    }
}

//! Lists operations: those with objects of their own and those in batches, each once.

use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use crate::key::{self, BatchName};
use crate::log::batch::Line;
use crate::log::batches::Batches;
use crate::log::objects::Objects;
use crate::log::range::Range;
use crate::log::reader::{Listing, Query};
use crate::log::{LogError, LogReader};
use crate::record::Record;

/// How many objects are read at once.
const READS_AT_ONCE: usize = 32;

/// How many operations are looked up at most before their records are read.
const MAX_CHUNK: usize = 1_000;

/// How often a listing is begun anew when batches change under it, because somebody deletes from them.
const ATTEMPTS: u32 = 3;

/// Where the record of an operation is.
enum Place {
    /// In an object of its own.
    Record,
    /// In a batch.
    Line(BatchName, Line),
    /// There is none, only a dead mark.
    DeadMark,
}

pub(super) async fn list(reader: &LogReader, query: &Query) -> Result<Listing, LogError> {
    let mut attempt = 1;
    loop {
        let mut merge = Merge::new(reader, query).await?;
        let listing = merge.page(query.limit).await?;
        if !merge.batches.has_changed || attempt == ATTEMPTS {
            return Ok(listing);
        }
        attempt += 1;
    }
}

/// Both kinds together, in descending order of ids.
struct Merge<'a> {
    reader: &'a LogReader,
    tenant: Option<&'a str>,
    objects: Objects,
    batches: Batches,
}

impl<'a> Merge<'a> {
    async fn new(reader: &'a LogReader, query: &'a Query) -> Result<Self, LogError> {
        let (tenant, range) = (query.tenant.as_deref(), Range::of(query));
        // One more than asked for tells whether there are more.
        let page = query.limit.saturating_add(1).min(1_000);
        let objects = Objects::new(reader.bucket().clone(), tenant, range, page);
        let batches = Batches::new(reader.clone(), tenant, range);
        let (objects, batches) = futures_util::future::try_join(objects, batches).await?;
        Ok(Self { reader, tenant, objects, batches })
    }

    async fn page(&mut self, limit: usize) -> Result<Listing, LogError> {
        let mut listing = Listing::default();
        // What cannot be read is made up for, so that a page which is not the last one is full.
        while listing.records.len() < limit {
            let chunk = self.chunk((limit - listing.records.len()).min(MAX_CHUNK)).await?;
            if chunk.is_empty() {
                break;
            }
            self.read(chunk, &mut listing).await?;
        }
        listing.has_more = self.next().await?.is_some();
        listing.damaged += self.batches.damaged;
        Ok(listing)
    }

    async fn chunk(&mut self, size: usize) -> Result<Vec<(Uuid, Place)>, LogError> {
        let mut chunk = Vec::new();
        while chunk.len() < size
            && let Some(next) = self.next().await?
        {
            chunk.push(next);
        }
        Ok(chunk)
    }

    async fn next(&mut self) -> Result<Option<(Uuid, Place)>, LogError> {
        let object = self.objects.peek().await?;
        let batch = self.batches.peek(object).await?;
        let Some(id) = object.max(batch) else { return Ok(None) };
        let (own, line) = (self.objects.pop(id), self.batches.pop(id));
        let place = match line {
            _ if own.record => Place::Record,
            Some((batch, line)) => Place::Line(batch, line),
            None => Place::DeadMark,
        };
        Ok(Some((id, place)))
    }

    async fn read(&self, chunk: Vec<(Uuid, Place)>, listing: &mut Listing) -> Result<(), LogError> {
        let reads = chunk.into_iter().map(|(id, place)| async move { (id, self.record(id, place).await) });
        let mut reads = stream::iter(reads).buffered(READS_AT_ONCE);
        while let Some((id, record)) = reads.next().await {
            match record {
                Ok(Some(record)) => listing.records.push(record),
                // Deleted in between.
                Ok(None) => {}
                Err(error @ LogError::Content { .. }) => {
                    listing.damaged += 1;
                    tracing::warn!(%id, %error, "a record of the log is left out of a listing");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn record(&self, id: Uuid, place: Place) -> Result<Option<Record>, LogError> {
        match place {
            Place::Record => self.reader.object(&key::record(self.tenant, id)?).await,
            Place::DeadMark => self.reader.object(&key::dead_mark(self.tenant, id)?).await,
            Place::Line(batch, line) => match serde_json::from_slice(&line.json) {
                Ok(record) => Ok(Some(record)),
                Err(error) => Err(LogError::Content { key: batch.key(self.tenant)?, reason: error.to_string() }),
            },
        }
    }
}

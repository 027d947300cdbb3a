//! The operations in batches, the newest first.

use std::collections::{BTreeMap, BinaryHeap};

use futures_util::future;
use time::Date;
use uuid::Uuid;

use crate::key::{self, BatchName};
use crate::log::batch::Line;
use crate::log::batch_index::DayListing;
use crate::log::clock::DAY;
use crate::log::range::Range;
use crate::log::{LogError, LogReader};

/// How many batches are read at once at most.
const READS_AT_ONCE: usize = 16;

/// Goes through the operations in batches in descending order of ids.
///
/// Batches are listed from the last commit back, and read only when they are needed: a batch holds no id above its largest
/// one, and those committed before some time hold only ids from before that time.
#[derive(Debug)]
pub(super) struct Batches {
    reader: LogReader,
    tenant: Option<String>,
    range: Range,
    /// Those to come, in ascending order.
    days: Vec<Date>,
    listing: Option<DayListing>,
    /// What has not been listed was committed up to this Unix millisecond; none when all is listed.
    unlisted: Option<u64>,
    unread: BinaryHeap<(Uuid, BatchName)>,
    /// How many to read at once: more each time, as it turns out how many are needed.
    width: usize,
    read: BTreeMap<Uuid, (BatchName, Line)>,
    /// Batches that could not be read whole.
    pub(super) damaged: u64,
    /// Whether a batch went away before it was read: its records may stand in another one.
    pub(super) has_changed: bool,
}

impl Batches {
    pub(super) async fn new(reader: LogReader, tenant: Option<&str>, range: Range) -> Result<Self, LogError> {
        let days = reader.index().days(tenant, range.commit_days()).await?;
        let unlisted = days.last().map(|&day| last_ms(day));
        Ok(Self {
            reader,
            tenant: tenant.map(str::to_owned),
            range,
            days,
            listing: None,
            unlisted,
            unread: BinaryHeap::new(),
            width: 1,
            read: BTreeMap::new(),
            damaged: 0,
            has_changed: false,
        })
    }

    /// The next operation, if it is not before `other`: for then it does not matter what is.
    pub(super) async fn peek(&mut self, other: Option<Uuid>) -> Result<Option<Uuid>, LogError> {
        loop {
            let top = self.read.last_key_value().map(|(&id, _)| id);
            let best = top.max(other);
            if self.unlisted.is_some_and(|ms| best.is_none_or(|best| key::ms_of(best) <= ms)) {
                self.list_more().await?;
            } else if self.unread.peek().is_some_and(|&(largest, _)| best.is_none_or(|best| largest >= best)) {
                self.read_more().await?;
            } else {
                return Ok(top);
            }
        }
    }

    /// Goes past an operation, if it is the next one.
    pub(super) fn pop(&mut self, id: Uuid) -> Option<(BatchName, Line)> {
        self.read.remove(&id)
    }

    async fn list_more(&mut self) -> Result<(), LogError> {
        if self.listing.is_none() {
            let Some(day) = self.days.pop() else {
                self.unlisted = None;
                return Ok(());
            };
            self.listing = Some(self.reader.index().day(self.tenant.as_deref(), day)?);
        }
        let Some(listing) = &mut self.listing else { return Ok(()) };
        match listing.next().await? {
            Some(names) => {
                if let Some(name) = names.last() {
                    self.unlisted = Some(name.committed());
                }
                let wanted = names.iter().filter(|name| {
                    self.range.below.is_none_or(|below| name.smallest < below)
                        && self.range.from.is_none_or(|from| name.largest >= from)
                });
                self.unread.extend(wanted.map(|&name| (name.largest, name)));
            }
            None => {
                self.listing = None;
                self.unlisted = self.days.last().map(|&day| last_ms(day));
            }
        }
        Ok(())
    }

    /// Reads those that may hold the largest ids.
    async fn read_more(&mut self) -> Result<(), LogError> {
        self.width = (self.width * 2).min(READS_AT_ONCE);
        let names: Vec<_> = std::iter::from_fn(|| self.unread.pop()).take(self.width).map(|(_, name)| name).collect();
        let reads = names.iter().map(|&name| self.reader.batch(self.tenant.as_deref(), name));
        for (name, batch) in names.iter().zip(future::try_join_all(reads).await?) {
            let Some(batch) = batch else {
                self.reader.index().forget(self.tenant.as_deref(), *name);
                self.has_changed = true;
                continue;
            };
            if let Some(reason) = batch.damage {
                self.damaged += 1;
                tracing::warn!(%name, reason, "a batch of the log cannot be read whole");
            }
            let range = self.range;
            for line in batch.lines.into_iter().filter(|line| range.contains(line.id)) {
                self.add(*name, line);
            }
        }
        Ok(())
    }

    /// Of an operation that was committed more than once the first commit counts.
    fn add(&mut self, name: BatchName, line: Line) {
        let known = self.read.get(&line.id);
        if known.is_none_or(|(known, _)| name.committed() < known.committed()) {
            self.read.insert(line.id, (name, line));
        }
    }
}

fn last_ms(day: Date) -> u64 {
    key::day_start(day) + DAY - 1
}

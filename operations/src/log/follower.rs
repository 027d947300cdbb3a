//! Follows the log: gives records as they appear.

mod given;
mod names;

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use self::given::{Given, Kind};
use self::names::{Name, Names};
use crate::bucket::Bucket;
use crate::key::{self, BatchName, ObjectName};
use crate::log::batch::{self, Batch};
use crate::log::{LogError, clock};
use crate::record::Record;

/// How many names are remembered, the newest. Where there are more within the window, the others are passed over.
const MAX_NAMES: usize = 200_000;

/// How many objects are read at once.
const READS_AT_ONCE: usize = 8;

/// Follows the log of one tenant.
///
/// It looks at the names of what is new enough, over and over, and reads each object once. An object of one operation is new
/// enough if its id was made within the *window* before the look, so an operation that takes longer is missed; a batch is if it
/// was committed within the window, whatever is in it. An operation is given once, and once before that if it was marked as
/// dead; should a batch repeat one of so long ago that 100,000 others have been given since, it is given again.
///
/// Times are those in the names: a clock that made an id, or committed a batch, and is slow by more than the window hides it.
///
/// A look takes a listing of two folders, four around midnight: one request for 1,000 names within the window.
#[derive(Debug)]
pub struct Follower {
    bucket: Bucket,
    tenant: Option<String>,
    window_ms: u64,
    names: Names,
    given: Given,
}

/// A part of what is new.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Records in ascending order of their ids.
    pub records: Vec<Record>,
    /// Why others cannot be read. They are not tried again.
    pub damaged: Vec<LogError>,
}

impl Follower {
    /// Follows the operations of a tenant, none: those of callers without a tenant. Everything is new at first that is not older
    /// than `from`, in Unix milliseconds.
    pub fn new(bucket: Bucket, tenant: Option<String>, from: u64, window: Duration) -> Self {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Self { bucket, tenant, window_ms, names: Names::new(from, MAX_NAMES), given: Given::default() }
    }

    /// Looks for what has appeared by `now`, in Unix milliseconds on the clock of this host. False: there was more than can be
    /// remembered, and the oldest of it was passed over.
    ///
    /// # Errors
    ///
    /// See [`LogError`]. It can be called again then.
    pub async fn look(&mut self, now: u64) -> Result<bool, LogError> {
        let (first, last) = (key::day(self.names.horizon()), key::day(now.saturating_add(clock::SPREAD)));
        let tenant = self.tenant.as_deref();
        let made = |key: &str| key::milliseconds(ObjectName::of_key(key)?.id).ok();
        let committed = |key: &str| BatchName::of_key(key).map(|name| name.committed());
        let mut found = Vec::new();
        for day in std::iter::successors(first, |day| day.next_day()).take_while(|day| Some(*day) <= last) {
            found.extend(self.list(&key::day_folder(&key::tenant_folder(tenant)?, day), made).await?);
            found.extend(self.list(&key::batch_day_folder(tenant, day)?, committed).await?);
        }
        let all = self.names.add(found);
        self.names.forget_before(now.saturating_sub(self.window_ms));
        Ok(all)
    }

    /// Passes over what was found and not read yet and is older than this, in Unix milliseconds.
    pub fn skip_before(&mut self, ms: u64) {
        self.names.skip_before(ms);
    }

    /// Reads a part of what was found, the oldest first; none when all of it is read.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked. Nothing is passed over then: it can be called again.
    pub async fn read(&mut self) -> Result<Option<News>, LogError> {
        let bucket = &self.bucket;
        let reads = stream::iter(self.names.unread(READS_AT_ONCE)).map(|name| read(bucket, &name.key));
        let read: Vec<_> = reads.buffered(READS_AT_ONCE).try_collect().await?;
        if read.is_empty() {
            return Ok(None);
        }
        self.names.note_read(read.len());
        let mut news = News::default();
        for Content { kind, records, damage } in read {
            news.records.extend(records.into_iter().filter(|record| self.given.insert(record.id, kind)));
            news.damaged.extend(damage);
        }
        news.records.sort_by_key(|record| record.id);
        Ok(Some(news))
    }

    /// Lists the names in a folder that are not older than the horizon, but no more than somewhat over [`MAX_NAMES`]. `time`
    /// reads a name, the newest comes first.
    async fn list(&self, folder: &str, time: impl Fn(&str) -> Option<u64>) -> Result<Vec<Name>, LogError> {
        let mut names = Vec::new();
        let mut after = None;
        loop {
            let page = self.bucket.list(folder, after.as_deref(), 1_000).await?;
            after = page.keys.last().cloned();
            for key in page.keys {
                match time(&key) {
                    Some(ms) if ms < self.names.horizon() => return Ok(names),
                    Some(ms) => names.push(Name { ms, key }),
                    // Not of the log.
                    None => {}
                }
            }
            if !page.has_more || names.len() > MAX_NAMES {
                return Ok(names);
            }
        }
    }
}

/// What an object holds.
struct Content {
    kind: Kind,
    records: Vec<Record>,
    /// Why there may have been more.
    damage: Option<LogError>,
}

async fn read(bucket: &Bucket, key: &str) -> Result<Content, LogError> {
    let is_dead_mark = ObjectName::of_key(key).is_some_and(|name| name.is_dead_mark);
    let kind = if is_dead_mark { Kind::DeadMark } else { Kind::Finished };
    // One that was deleted in between is not there any more.
    let Some(content) = bucket.get(key).await? else { return Ok(Content { kind, records: Vec::new(), damage: None }) };
    let (jsons, mut damage) = if BatchName::of_key(key).is_some() {
        let Batch { lines, damage } = batch::decode(content).await;
        (lines.into_iter().map(|line| line.json).collect(), damage)
    } else {
        (vec![content], None)
    };
    let mut records = Vec::with_capacity(jsons.len());
    for json in jsons {
        match serde_json::from_slice(&json) {
            Ok(record) => records.push(record),
            Err(error) => drop(damage.get_or_insert_with(|| error.to_string())),
        }
    }
    let damage = damage.map(|reason| LogError::Content { key: key.to_owned(), reason });
    Ok(Content { kind, records, damage })
}

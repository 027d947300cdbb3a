//! Follows the log: gives records as they appear.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key::{self, BatchName, ObjectName};
use crate::log::batch::{self, Batch};
use crate::log::{LogError, clock};
use crate::record::Record;

/// How many names are remembered. Where more appear within the window, it is shortened to what these are.
const MAX_NAMES: usize = 200_000;

/// How many operations are remembered as given.
const MAX_GIVEN: usize = 100_000;

/// How many objects are read at once.
const READS_AT_ONCE: usize = 8;

/// Follows the log of one tenant.
///
/// It looks at the names of what is new enough, over and over, and reads each object once. An object of one operation is new
/// enough if its id was made within the *window* before the look, so an operation that takes longer is missed; a batch is if it
/// was committed within the window, whatever is in it. An operation is given once, and once before that if it was marked as
/// dead; should a batch repeat one of so long ago that [`MAX_GIVEN`] others have been given since, it is given again.
///
/// Times are those in the names: a clock that made an id, or committed a batch, and is slow by more than the window hides it.
///
/// A look takes a listing of two folders, four around midnight: one request for 1,000 names within the window.
#[derive(Debug)]
pub struct Follower {
    bucket: Bucket,
    tenant: Option<String>,
    window_ms: u64,
    /// What is older, in Unix milliseconds, is not looked for.
    horizon: u64,
    seen: BTreeSet<Place>,
    /// Seen, but not read yet, the oldest first.
    unread: VecDeque<Place>,
    given: Recent,
}

/// The time of an object, by its name, and its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    ms: u64,
    key: String,
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
        let (seen, unread, given) = Default::default();
        Self { bucket, tenant, window_ms: milliseconds(window), horizon: from, seen, unread, given }
    }

    /// Looks for what has appeared by `now`, in Unix milliseconds on the clock of this host.
    ///
    /// # Errors
    ///
    /// See [`LogError`]. It can be called again then.
    pub async fn look(&mut self, now: u64) -> Result<(), LogError> {
        let (first, last) = (key::day(self.horizon), key::day(now.saturating_add(clock::SPREAD)));
        let tenant = self.tenant.as_deref();
        let made = |key: &str| key::milliseconds(ObjectName::of_key(key)?.id).ok();
        let committed = |key: &str| BatchName::of_key(key).map(|name| name.committed());
        let mut found = Vec::new();
        for day in std::iter::successors(first, |day| day.next_day()).take_while(|day| Some(*day) <= last) {
            found.extend(self.list(&key::day_folder(&key::tenant_folder(tenant)?, day), made).await?);
            found.extend(self.list(&key::batch_day_folder(tenant, day)?, committed).await?);
        }
        found.sort_unstable();
        for place in found {
            if self.seen.insert(place.clone()) {
                self.unread.push_back(place);
            }
        }
        self.forget(now.saturating_sub(self.window_ms));
        Ok(())
    }

    /// Passes over what was found and not read yet and is older than this, in Unix milliseconds.
    pub fn skip_before(&mut self, ms: u64) {
        self.unread.retain(|place| place.ms >= ms);
    }

    /// Reads a part of what was found, the oldest first; none when all of it is read.
    ///
    /// # Errors
    ///
    /// When S3 cannot be asked. Nothing is passed over then: it can be called again.
    pub async fn read(&mut self) -> Result<Option<News>, LogError> {
        let part = self.unread.len().min(READS_AT_ONCE);
        if part == 0 {
            return Ok(None);
        }
        let bucket = &self.bucket;
        let reads = stream::iter(self.unread.range(..part)).map(|place| read(bucket, &place.key));
        let read: Vec<_> = reads.buffered(READS_AT_ONCE).try_collect().await?;
        self.unread.drain(..part);
        let mut news = News::default();
        for Content { kind, records, damage } in read {
            news.records.extend(records.into_iter().filter(|record| self.given.insert(record.id, kind)));
            news.damaged.extend(damage);
        }
        news.records.sort_by_key(|record| record.id);
        Ok(Some(news))
    }

    /// Lists the names in a folder that are not older than the horizon. `time` reads a name, the newest comes first.
    async fn list(&self, folder: &str, time: impl Fn(&str) -> Option<u64>) -> Result<Vec<Place>, LogError> {
        let mut places = Vec::new();
        let mut after = None;
        loop {
            let page = self.bucket.list(folder, after.as_deref(), 1_000).await?;
            after = page.keys.last().cloned();
            for key in page.keys {
                match time(&key) {
                    Some(ms) if ms < self.horizon => return Ok(places),
                    Some(ms) => places.push(Place { ms, key }),
                    // Not of the log.
                    None => {}
                }
            }
            if !page.has_more {
                return Ok(places);
            }
        }
    }

    /// Forgets the names of what is older than this, and of more if there are too many. It is not looked for any more.
    fn forget(&mut self, ms: u64) {
        let too_many = self.seen.len().saturating_sub(MAX_NAMES);
        let kept = self.seen.iter().nth(too_many).map_or(0, |place| if too_many > 0 { place.ms + 1 } else { 0 });
        self.horizon = self.horizon.max(ms).max(kept);
        self.seen = self.seen.split_off(&Place { ms: self.horizon, key: String::new() });
    }
}

/// What records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Finished,
    DeadMark,
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

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The operations that were given last.
#[derive(Debug, Default)]
struct Recent {
    given: HashSet<(Uuid, Kind)>,
    in_order: VecDeque<(Uuid, Kind)>,
}

impl Recent {
    /// Notes an operation; false if it need not be given any more.
    fn insert(&mut self, id: Uuid, kind: Kind) -> bool {
        // A record says more than a mark: there is nothing to say after it.
        if self.given.contains(&(id, Kind::Finished)) || !self.given.insert((id, kind)) {
            return false;
        }
        self.in_order.push_back((id, kind));
        if self.in_order.len() > MAX_GIVEN
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.given.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::{DeadMark, Finished};
    use super::*;

    #[test]
    fn an_operation_is_given_once_and_its_mark_only_before_it() {
        let [finished, marked, late] = [1, 2, 3].map(Uuid::from_u128);
        let mut recent = Recent::default();
        assert!(recent.insert(finished, Finished));
        assert!(!recent.insert(finished, Finished) && !recent.insert(finished, DeadMark));
        assert!(recent.insert(marked, DeadMark) && !recent.insert(marked, DeadMark));
        assert!(recent.insert(late, DeadMark) && recent.insert(late, Finished));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut recent = Recent::default();
        for id in 0..=MAX_GIVEN as u128 {
            assert!(recent.insert(Uuid::from_u128(id), Finished));
        }
        assert_eq!((recent.given.len(), recent.in_order.len()), (MAX_GIVEN, MAX_GIVEN));
        assert!(recent.insert(Uuid::from_u128(0), Finished), "forgotten");
        assert!(!recent.insert(Uuid::from_u128(2), Finished), "remembered");
    }
}

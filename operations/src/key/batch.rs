//! The names of batches: objects that hold the records of many operations.

use std::cmp::Reverse;
use std::fmt;

use time::Date;
use uuid::Uuid;

use super::{BATCHES, KeyError, MAX_MS, countdown, day, day_folder, tenant_or_none};

/// What the names of batches end with: lines of JSON, compressed.
const ENDING: &str = ".ndjson.gz";

/// What the key of a batch says of it, apart from its folder. In the order of a listing: the batch that was committed last
/// comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BatchName {
    /// When it was written: Unix milliseconds, not before the time in any of its ids.
    committed: Reverse<u64>,
    /// The smallest id in it.
    pub(crate) smallest: Uuid,
    /// The largest id in it.
    pub(crate) largest: Uuid,
}

impl BatchName {
    /// The name of a batch committed at this Unix millisecond.
    pub(crate) fn new(committed: u64, smallest: Uuid, largest: Uuid) -> Self {
        Self { committed: Reverse(committed), smallest, largest }
    }

    /// When it was committed, in Unix milliseconds.
    pub(crate) fn committed(&self) -> u64 {
        self.committed.0
    }

    /// Whether an operation can be in it, by its id.
    pub(crate) fn may_hold(&self, id: Uuid) -> bool {
        (self.smallest..=self.largest).contains(&id)
    }

    /// The key of a tenant's batch of this name:
    /// `batches/tenant=<tenant or ->/dt=YYYY-MM-DD/<9999999999999 - commit ms, 13 digits>-<smallest id>-<largest id>.ndjson.gz`,
    /// with ids as 32 hex digits.
    pub(crate) fn key(&self, tenant: Option<&str>) -> Result<String, KeyError> {
        let ms = self.committed();
        let day = day(ms).filter(|_| ms <= MAX_MS).ok_or(KeyError::Time { id: self.largest, ms })?;
        Ok(format!("{}{self}", batch_day_folder(tenant, day)?))
    }

    /// Reads a key, whatever its folder; none if it is not that of a batch.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let name = key.rsplit_once('/').map_or(key, |(_folder, name)| name);
        let mut parts = name.strip_suffix(ENDING)?.splitn(3, '-');
        let committed = MAX_MS.checked_sub(parts.next()?.parse().ok()?)?;
        let mut id = || Uuid::try_parse(parts.next()?).ok();
        let read = Self::new(committed, id()?, id()?);
        // Other spellings of the same are not names that a writer gives.
        (read.smallest <= read.largest && read.to_string() == name).then_some(read)
    }
}

/// The name within its folder.
impl fmt::Display for BatchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let countdown = countdown(self.committed()).unwrap_or_default();
        write!(f, "{countdown}-{}-{}{ENDING}", self.smallest.simple(), self.largest.simple())
    }
}

/// The folder of a tenant's batches: `batches/tenant=<tenant or ->/`.
pub(crate) fn batch_folder(tenant: Option<&str>) -> Result<String, KeyError> {
    Ok(format!("{BATCHES}tenant={}/", tenant_or_none(tenant)?))
}

/// The folder of the batches committed on a day.
pub(crate) fn batch_day_folder(tenant: Option<&str>, day: Date) -> Result<String, KeyError> {
    Ok(day_folder(&batch_folder(tenant)?, day))
}

//! Which ids a listing is about.

use time::Date;
use uuid::Uuid;

use crate::key;
use crate::log::clock::{DAY, LOOK_AHEAD};
use crate::log::reader::Query;

/// The ids of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// Only those of this day.
    pub(super) day: Option<Date>,
    /// The smallest, if there is one.
    pub(super) from: Option<Uuid>,
    /// They are all smaller than this.
    pub(super) below: Option<Uuid>,
}

impl Range {
    pub(super) fn of(query: &Query) -> Self {
        let start = query.day.map(key::day_start);
        let end = start.map(|start| key::smallest_id(start + DAY));
        let below = query.before.into_iter().chain(end).min();
        Self { day: query.day, from: start.map(key::smallest_id), below }
    }

    pub(super) fn contains(&self, id: Uuid) -> bool {
        self.from.is_none_or(|from| id >= from) && self.below.is_none_or(|below| id < below)
    }

    /// The days on which such an operation can have been committed in a batch.
    pub(super) fn commit_days(&self) -> std::ops::RangeInclusive<Date> {
        let last = self.below.and_then(|below| key::day(key::ms_of(below) + LOOK_AHEAD));
        self.day.unwrap_or(Date::MIN)..=last.unwrap_or(Date::MAX)
    }
}

//! The operations with an object of their own, the newest first.

use std::cmp::Reverse;
use std::collections::VecDeque;

use time::Date;
use uuid::Uuid;

use crate::bucket::Bucket;
use crate::key::{self, ObjectName};
use crate::log::LogError;
use crate::log::range::Range;

/// Goes through the names of records and dead marks in descending order of ids.
#[derive(Debug)]
pub(super) struct Objects {
    bucket: Bucket,
    tenant_folder: String,
    range: Range,
    /// How many names a request lists.
    page: usize,
    /// Those to come, in ascending order.
    days: Vec<Date>,
    /// The folder of the day that is being listed.
    folder: Option<String>,
    after: Option<String>,
    /// Names of the millisecond that the last page ended in: the next page may have more of it. Within a millisecond the
    /// names ascend.
    rest: Vec<ObjectName>,
    ready: VecDeque<ObjectName>,
}

/// What an operation has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct OwnObjects {
    pub(super) record: bool,
    pub(super) dead_mark: bool,
}

impl Objects {
    pub(super) async fn new(bucket: Bucket, tenant: Option<&str>, range: Range, page: usize) -> Result<Self, LogError> {
        let tenant_folder = key::tenant_folder(tenant)?;
        let days = match range.day {
            Some(day) => vec![day],
            None => {
                let folders = bucket.folders(&tenant_folder).await?;
                let newest = range.below.and_then(|below| key::day(key::ms_of(below)));
                let days = folders.iter().filter_map(|folder| key::day_of_folder(folder));
                days.filter(|&day| newest.is_none_or(|newest| day <= newest)).collect()
            }
        };
        let (folder, after) = (None, None);
        let (rest, ready) = Default::default();
        Ok(Self { bucket, tenant_folder, range, page, days, folder, after, rest, ready })
    }

    /// The next operation.
    pub(super) async fn peek(&mut self) -> Result<Option<Uuid>, LogError> {
        while self.ready.is_empty() && self.list_more().await? {}
        Ok(self.ready.front().map(|name| name.id))
    }

    /// Goes past an operation, if it is the next one.
    pub(super) fn pop(&mut self, id: Uuid) -> OwnObjects {
        let mut objects = OwnObjects::default();
        while let Some(name) = self.ready.pop_front_if(|name| name.id == id) {
            objects.record |= !name.is_dead_mark;
            objects.dead_mark |= name.is_dead_mark;
        }
        objects
    }

    /// Lists a page; false at the end.
    async fn list_more(&mut self) -> Result<bool, LogError> {
        if self.folder.is_none() {
            let Some(day) = self.days.pop() else { return Ok(false) };
            let folder = key::day_folder(&self.tenant_folder, day);
            // From the millisecond of the upper bound on.
            let below = self.range.below.map(key::ms_of).filter(|&ms| key::day(ms) == Some(day));
            self.after = below.and_then(key::countdown).map(|countdown| format!("{folder}{countdown}"));
            self.folder = Some(folder);
        }
        let Some(folder) = &self.folder else { return Ok(false) };
        let page = self.bucket.list(folder, self.after.as_deref(), self.page).await?;
        self.rest.extend(page.keys.iter().filter_map(|key| ObjectName::of_key(key)));
        let mut whole = std::mem::take(&mut self.rest);
        if page.has_more {
            self.after = page.keys.last().cloned();
            let last = whole.last().map(|name| key::ms_of(name.id));
            let complete = whole.partition_point(|name| Some(key::ms_of(name.id)) > last);
            self.rest = whole.split_off(complete);
        } else {
            self.folder = None;
        }
        whole.retain(|name| self.range.contains(name.id));
        whole.sort_by_key(|name| Reverse(name.id));
        self.ready.extend(whole);
        Ok(true)
    }
}

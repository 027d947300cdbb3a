//! Which batches there are.

mod kept;

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use time::Date;

use self::kept::{Kept, KeptDay};
use crate::bucket::{Bucket, Keys};
use crate::key::{self, BatchName};
use crate::log::LogError;
use crate::log::clock::{self, DAY, SETTLING};
use crate::log::windows::{self, Window};

/// How many names a listing begins with: mostly they are enough, and a page of a thousand takes several times as long.
const FIRST_NAMES: usize = 100;

/// How many names each further request lists.
const MORE_NAMES: usize = 1_000;

/// How many names are kept at most, of all tenants together: 20 MB.
const MAX_KEPT: usize = 500_000;

/// Lists batches. What can no longer change of a listing is kept, so that it is not asked for again: deep pages and vain
/// searches would otherwise list weeks each time.
#[derive(Debug)]
pub(super) struct BatchIndex {
    bucket: Bucket,
    kept: Mutex<Kept>,
}

impl BatchIndex {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self { bucket, kept: Mutex::new(Kept::new(MAX_KEPT)) }
    }

    /// The days within these on which batches of the tenant were committed, in ascending order.
    pub(super) async fn days(&self, tenant: Option<&str>, within: RangeInclusive<Date>) -> Result<Vec<Date>, LogError> {
        let folders = self.bucket.folders(&key::batch_folder(tenant)?).await?;
        let days = folders.iter().filter_map(|folder| key::day_of_folder(folder));
        Ok(days.filter(|day| within.contains(day)).collect())
    }

    /// Starts to list the batches that were committed on a day, the last ones first.
    pub(super) fn day(self: &Arc<Self>, tenant: Option<&str>, day: Date) -> Result<DayListing, LogError> {
        let folder = key::batch_day_folder(tenant, day)?;
        let kept = self.kept().get(&folder);
        let (index, names, started) = (self.clone(), Vec::new(), clock::unix_ms());
        Ok(DayListing { index, day, folder, kept, names, started, after: None, is_done: false })
    }

    /// The batches that were committed in a window, in ascending order of time.
    pub(super) async fn window(
        self: &Arc<Self>,
        tenant: Option<&str>,
        window: Window,
    ) -> Result<Vec<BatchName>, LogError> {
        let Some(day) = key::day(window.first) else { return Ok(Vec::new()) };
        let mut names = if window.is_a_day() {
            let mut listing = self.day(tenant, day)?;
            while listing.next().await?.is_some() {}
            listing.names.clone()
        } else {
            self.part_of_day(&key::batch_day_folder(tenant, day)?, window).await?
        };
        names.reverse();
        Ok(names)
    }

    async fn part_of_day(&self, folder: &str, window: Window) -> Result<Vec<BatchName>, LogError> {
        let Some((digits, start)) = windows::bounds(window) else { return Ok(Vec::new()) };
        let (prefix, mut after) = (format!("{folder}{digits}"), Some(format!("{folder}{start}")));
        let (mut names, mut most) = (Vec::new(), FIRST_NAMES);
        loop {
            let page = self.bucket.list(&prefix, after.as_deref(), most).await?;
            names.extend(names_of(&page).take_while(|name| name.committed() >= window.first));
            let is_over = page.keys.last().and_then(|key| BatchName::of_key(key));
            if !page.has_more || is_over.is_some_and(|name| name.committed() < window.first) {
                return Ok(names);
            }
            after = page.keys.last().cloned();
            most = MORE_NAMES;
        }
    }

    /// Forgets what is kept of the day of a batch that is not there any more.
    pub(super) fn forget(&self, tenant: Option<&str>, gone: BatchName) {
        let folder = key::day(gone.committed()).and_then(|day| key::batch_day_folder(tenant, day).ok());
        if let Some(folder) = folder {
            self.kept().remove(&folder);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no code panics while it holds the lock")
    }
}

/// The batches of a day, page by page.
#[derive(Debug)]
pub(super) struct DayListing {
    index: Arc<BatchIndex>,
    day: Date,
    folder: String,
    /// The earlier ones of the day, as far as they are known and have not been come to.
    kept: Option<KeptDay>,
    /// Those that were listed, the last ones first.
    names: Vec<BatchName>,
    /// The time then. What was committed well before it is complete.
    started: u64,
    after: Option<String>,
    is_done: bool,
}

impl DayListing {
    /// The next batches, the last ones first; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<&[BatchName]>, LogError> {
        if self.is_done {
            return Ok(None);
        }
        let seen = self.names.len();
        if self.kept.as_ref().is_none_or(|kept| kept.until < self.last_ms()) {
            let most = if self.after.is_none() { FIRST_NAMES } else { MORE_NAMES };
            let page = self.index.bucket.list(&self.folder, self.after.as_deref(), most).await?;
            self.take(&page);
        }
        self.take_kept_if_reached(seen);
        Ok(Some(&self.names[seen..]))
    }

    fn take(&mut self, page: &Keys) {
        self.names.extend(names_of(page));
        self.after = page.keys.last().cloned();
        if !page.has_more {
            self.is_done = true;
        }
    }

    /// Goes on with what is kept, if the listing has come to it; the names from `seen` on are new.
    fn take_kept_if_reached(&mut self, seen: usize) {
        let Some(kept) = &self.kept else { return };
        let is_all = kept.until >= self.last_ms();
        let reached = self.names[seen..].iter().position(|name| name.committed() <= kept.until);
        match reached {
            Some(at) => self.names.truncate(seen + at),
            None if is_all => {}
            // The listing is over without any of them: they are gone.
            None if self.is_done => return self.kept = None,
            None => return,
        }
        self.names.extend_from_slice(&kept.names);
        self.is_done = kept.is_whole;
        self.after = kept.names.last().map(|name| format!("{}{name}", self.folder));
        self.kept = None;
    }

    fn last_ms(&self) -> u64 {
        key::day_start(self.day) + DAY - 1
    }
}

impl Drop for DayListing {
    fn drop(&mut self) {
        // Kept names that were not come to would not follow on those listed.
        if self.kept.is_some() || (self.names.is_empty() && !self.is_done) {
            return;
        }
        let until = self.started.saturating_sub(SETTLING).min(self.last_ms());
        let settled = self.names.partition_point(|name| name.committed() > until);
        if self.is_done || settled < self.names.len() {
            let names = self.names[settled..].into();
            self.index.kept().insert(&self.folder, KeptDay { until, names, is_whole: self.is_done });
        }
    }
}

fn names_of(page: &Keys) -> impl Iterator<Item = BatchName> {
    page.keys.iter().filter_map(|key| BatchName::of_key(key))
}

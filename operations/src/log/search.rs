//! The batches that may hold an operation.

use std::sync::Arc;

use time::Date;
use uuid::Uuid;

use crate::key::{self, BatchName};
use crate::log::LogError;
use crate::log::batch_index::BatchIndex;
use crate::log::windows::{Window, Windows};

/// Goes through the windows of commit time in which the batch of an operation can be.
#[derive(Debug)]
pub(super) struct Search {
    index: Arc<BatchIndex>,
    tenant: Option<String>,
    id: Uuid,
    windows: Windows,
    /// The days with batches, once whole days are to be looked at.
    days: Option<Vec<Date>>,
}

impl Search {
    /// Starts in the millisecond `from`, or in that of the id if this is later.
    pub(super) fn new(
        index: Arc<BatchIndex>,
        tenant: Option<&str>,
        id: Uuid,
        from: u64,
        now: u64,
    ) -> Result<Self, LogError> {
        let windows = Windows::new(key::milliseconds(id)?, from, now);
        Ok(Self { index, tenant: tenant.map(str::to_owned), id, windows, days: None })
    }

    /// The batches of the next window that may hold the operation, in the order of their commits; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<(Window, Vec<BatchName>)>, LogError> {
        let Some(window) = self.windows.next() else { return Ok(None) };
        if !self.has_batches(window).await? {
            return Ok(Some((window, Vec::new())));
        }
        let mut names = self.index.window(self.tenant.as_deref(), window).await?;
        names.retain(|name| name.may_hold(self.id));
        Ok(Some((window, names)))
    }

    /// False for a day without batches. Of parts of days it is not known.
    async fn has_batches(&mut self, window: Window) -> Result<bool, LogError> {
        let Some(day) = key::day(window.first).filter(|_| window.is_a_day()) else { return Ok(true) };
        if self.days.is_none() {
            self.days = Some(self.index.days(self.tenant.as_deref(), day..=Date::MAX).await?);
        }
        Ok(self.days.as_ref().is_some_and(|days| days.contains(&day)))
    }
}

//! Payloads on their way out of S3.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Counters;
use crate::bucket::{Object, ReadError};

/// A payload that is being read.
pub struct PayloadReader {
    pub(super) object: Object,
    pub(super) counters: Arc<Counters>,
}

impl fmt::Debug for PayloadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadReader").field("size", &self.object.size()).finish_non_exhaustive()
    }
}

impl PayloadReader {
    /// Its bytes, as S3 says before it sends them.
    pub fn size(&self) -> Option<u64> {
        self.object.size()
    }

    /// Its next bytes, as they come; none at the end.
    ///
    /// # Errors
    ///
    /// After [`ReadError::Bucket`] it may be asked again, and goes on where the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        let next = self.object.next().await?;
        self.counters.read.fetch_add(next.as_ref().map_or(0, Bytes::len) as u64, Ordering::Relaxed);
        Ok(next)
    }
}

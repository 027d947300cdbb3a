//! Payloads on their way out of S3.

use std::fmt;

use bytes::Bytes;

use crate::bucket::{Object, ReadError};

/// A payload that is being read.
pub struct PayloadReader(pub(super) Object);

impl fmt::Debug for PayloadReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadReader").field("size", &self.0.size()).finish_non_exhaustive()
    }
}

impl PayloadReader {
    /// Its bytes, as S3 says before it sends them.
    pub fn size(&self) -> Option<u64> {
        self.0.size()
    }

    /// Its next bytes, as they come; none at the end.
    ///
    /// # Errors
    ///
    /// After [`ReadError::Bucket`] it may be asked again, and goes on where the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ReadError> {
        self.0.next().await
    }
}

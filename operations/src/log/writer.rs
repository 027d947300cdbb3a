//! Writes records.

use crate::bucket::{Bucket, Content, Created};
use crate::key;
use crate::log::LogError;
use crate::record::Record;

/// Writes the record of each operation to an object of its own.
#[derive(Debug, Clone)]
pub struct LogWriter {
    bucket: Bucket,
}

impl LogWriter {
    /// Writes to the log in this bucket.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket }
    }

    /// Writes a record, and returns when it is durable. A record that is there already stays: an earlier delivery of the same
    /// request has written the same.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn write(&self, record: &Record) -> Result<(), LogError> {
        let key = key::record(record.tenant.as_deref(), record.id)?;
        if self.bucket.create(&key, Content::JSON, record.to_json().into()).await? == Created::Existed {
            tracing::debug!(key, "logged before");
        }
        Ok(())
    }

    /// Writes the mark of an operation that is about to be worked for the last time, see [`Record::dead_mark`]: always an
    /// object of its own, whatever the mode. Readers show it as long as there is no record of the operation.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn mark_dead(&self, mark: &Record) -> Result<(), LogError> {
        let key = key::dead_mark(mark.tenant.as_deref(), mark.id)?;
        self.bucket.create(&key, Content::JSON, mark.to_json().into()).await?;
        Ok(())
    }
}

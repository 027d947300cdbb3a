//! Looks for one operation, over and over.

use uuid::Uuid;

use crate::key;
use crate::log::{LogError, LogReader};
use crate::record::Record;

/// Looks for the record of an operation that may still be under way. It remembers where it need not look again.
#[derive(Debug)]
pub struct Finder {
    reader: LogReader,
    tenant: Option<String>,
    id: Uuid,
}

impl Finder {
    pub(super) fn new(reader: LogReader, tenant: Option<&str>, id: Uuid) -> Result<Self, LogError> {
        key::record(tenant, id)?;
        Ok(Self { reader, tenant: tenant.map(str::to_owned), id })
    }

    /// Looks once; none if the operation is not in the log yet.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn look(&mut self) -> Result<Option<Record>, LogError> {
        self.reader.find(self.tenant.as_deref(), self.id).await
    }
}

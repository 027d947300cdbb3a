//! Doors for the fuzz targets in `fuzz/` to what reads the log. Not in any other build.

use bytes::Bytes;
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::batch::{self, Batch, Line};
use crate::key::{self, BatchName, KeyError, ObjectName};

/// What the key of a batch says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchKey {
    /// When it was committed, in Unix milliseconds.
    pub committed: u64,
    /// The smallest id in it.
    pub smallest: Uuid,
    /// The largest id in it.
    pub largest: Uuid,
}

impl BatchKey {
    /// Reads a key, whatever its folder; none if it is not that of a batch.
    pub fn read(key: &str) -> Option<Self> {
        let name = BatchName::of_key(key)?;
        Some(Self { committed: name.committed(), smallest: name.smallest, largest: name.largest })
    }

    /// The key of a tenant's batch.
    pub fn write(self, tenant: Option<&str>) -> Result<String, KeyError> {
        BatchName::new(self.committed, self.smallest, self.largest).key(tenant)
    }
}

/// What the key of a record or of a dead mark says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordKey {
    /// The id of the operation.
    pub id: Uuid,
    /// Whether it is that of a dead mark.
    pub is_dead_mark: bool,
}

impl RecordKey {
    /// Reads a key, whatever its folder; none if it is not that of a record or mark.
    pub fn read(key: &str) -> Option<Self> {
        ObjectName::of_key(key).map(|ObjectName { id, is_dead_mark }| Self { id, is_dead_mark })
    }

    /// The key of a tenant's record or mark.
    pub fn write(self, tenant: Option<&str>) -> Result<String, KeyError> {
        match self.is_dead_mark {
            true => key::dead_mark(tenant, self.id),
            false => key::record(tenant, self.id),
        }
    }
}

/// Reads the folder of a day, and writes the one that a reader then lists below this folder of a tenant.
pub fn day_folder(folder: &str, tenant_folder: &str) -> Option<String> {
    key::day_of_folder(folder).map(|day| key::day_folder(tenant_folder, day))
}

/// A batch that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadBatch {
    /// The records, as far as their ids: id and JSON.
    pub lines: Vec<(Uuid, Bytes)>,
    /// Why there may have been more.
    pub damage: Option<String>,
}

/// Reads the content of a batch, of 16 KiB at most.
pub fn read_batch(content: Bytes) -> ReadBatch {
    let Batch { lines, damage } = batch::decode(content).now_or_never().expect("small batches are read at once");
    ReadBatch { lines: lines.into_iter().map(|Line { id, json }| (id, json)).collect(), damage }
}

/// Writes the content of a batch; none if that is left to another thread, as that of many bytes is.
pub fn write_batch(lines: Vec<(Uuid, Bytes)>) -> Option<Bytes> {
    let size: usize = lines.iter().map(|(_, json)| json.len()).sum();
    let lines = lines.into_iter().map(|(id, json)| Line { id, json }).collect();
    (size <= batch::INLINE).then(|| batch::encode(lines).now_or_never().expect("few lines are written at once"))
}

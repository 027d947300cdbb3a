//! The log of operations: how records get into the bucket, and how they are found again.
//!
//! A worker logs in one of two modes, and a bucket may have seen both:
//!
//! - An object for each operation. Its key is a function of tenant and id, see [`key::record`](crate::key::record): to find
//!   it takes one GET, and a delivery that is repeated finds it there.
//! - A batch for many, `batches/tenant=…/dt=<day of the commit>/<countdown of the commit>-<smallest id>-<largest id>.ndjson.gz`:
//!   one record a line, in the order of ids, compressed. It is committed no earlier than the time in any of its ids, so that
//!   readers look for an operation from the time in its id on; their names tell which batches may hold it. A delivery that is
//!   repeated may be committed in another batch too.
//!
//! Beside them lie dead marks, see [`Record::dead_mark`](crate::record::Record::dead_mark). Readers see each operation once: a
//! record of its own before batches, the batch committed first before later ones, any record before a mark.

mod batch;
mod batch_index;
mod batches;
mod clock;
mod deleter;
mod finder;
mod follower;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(test)]
mod golden_tests;
mod group_commit;
mod listing;
mod objects;
mod range;
mod reader;
mod search;
mod windows;
mod writer;

pub use self::deleter::{Deleted, LogDeleter};
pub use self::finder::Finder;
pub use self::follower::{Follower, News};
pub use self::group_commit::BatchLimits;
pub use self::reader::{Listing, LogReader, Pages, Query};
pub use self::writer::{LogMode, LogStats, LogWriter};
use crate::bucket::BucketError;
use crate::key::KeyError;

/// Why the log cannot be written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// There is no place in the log for such an operation.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// S3 cannot be asked.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// An object of the log is not what it must be.
    #[error("the object {key} of the log cannot be read: {reason}")]
    Content {
        /// The object's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The writer has ended before the record was durable.
    #[error("the writer of the log has ended")]
    Ended,
}

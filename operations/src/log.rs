//! The log of operations: how records get into the bucket, and how they are found again.

mod batch;
mod batch_index;
mod batches;
mod clock;
mod deleter;
mod finder;
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

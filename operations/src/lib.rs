//! What a bucket in S3 keeps of operations.
//!
//! - [`record`]: what the log says of an operation;
//! - [`key`]: under which names things stand in the bucket;
//! - [`log`]: how records get there, and how they are found again;
//! - [`claim`]: which request an operation id of a caller's belongs to;
//! - [`probe`]: what a process can find out about the bucket before it relies on it;
//! - [`payload`]: bodies that are too large for a queue;
//! - [`bucket`]: the only code that knows the AWS SDK.
//!
//! Workers write the log and read payloads; gateways read the log, claim ids and write payloads.

pub mod bucket;
pub mod claim;
pub mod key;
pub mod log;
pub mod payload;
pub mod probe;
pub mod record;

pub use bucket::{Bucket, BucketError};

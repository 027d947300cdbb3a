//! The whole system on one machine and in one process: an embedded SQS and S3, a gateway, and workers.
//!
//! Gateway and workers are the same code as in production and talk to the embedded endpoint over HTTP, through the AWS SDK.
//! The binary `compute-local` runs a [`Stack`] for a person; every end-to-end test starts one on ports that the system picks.
//!
//! - [`stack`]: starts the parts in order, stops them in the reverse one.
//! - [`aws`]: the one port of SQS and S3.
//! - [`sqs`]: Amazon SQS, standard queues, in memory.
//! - [`s3`]: Amazon S3, objects as plain files.
//! - [`chaos`]: what stands in front of both, counts requests, and misbehaves on purpose if asked to.

pub mod aws;
pub mod chaos;
pub mod s3;
pub mod sqs;
pub mod stack;

pub use stack::{Config, Stack, StartError};

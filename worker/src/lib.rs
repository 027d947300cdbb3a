//! Computes statistics for requests from an SQS queue, and logs each operation to S3.

pub mod record;
pub mod statistics;

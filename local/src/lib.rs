//! The whole system on one machine: an embedded SQS and S3, a gateway and a worker in one process.

pub mod aws;
pub mod s3;

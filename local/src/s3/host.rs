//! Finds the bucket in a request's host name: SDKs ask `<bucket>.localhost` when their endpoint is `localhost`.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Takes `<bucket>.localhost` for a bucket's host, and every other name for one whose buckets are in the path.
#[derive(Debug)]
pub(super) struct Localhost;

impl S3Host for Localhost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.split(':').next().unwrap_or(host);
        Ok(match name.strip_suffix(".localhost") {
            Some(bucket) => VirtualHost::new("localhost").with_bucket(bucket),
            None => VirtualHost::new(name),
        })
    }
}

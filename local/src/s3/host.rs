//! Finds the bucket in a request's host name: SDKs ask `<bucket>.localhost` when their endpoint is `localhost`.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// Takes `<bucket>.localhost` for a bucket's host, and every other name for one whose buckets are in the path.
#[derive(Debug)]
pub(super) struct Localhost;

impl S3Host for Localhost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        Ok(match bucket_in_host(host) {
            Some(bucket) => VirtualHost::new("localhost").with_bucket(bucket),
            None => VirtualHost::new(host_name(host)),
        })
    }
}

/// The bucket in a `Host` header, if it names one.
pub(crate) fn bucket_in_host(host: &str) -> Option<&str> {
    host_name(host).strip_suffix(".localhost")
}

fn host_name(host: &str) -> &str {
    host.split(':').next().unwrap_or(host)
}

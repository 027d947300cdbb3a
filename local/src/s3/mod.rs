//! An embedded S3: the protocol by [`s3s`], the objects as plain files.
//!
//! ```text
//! <dir>/<bucket>/<key>            the objects, `/` in a key as folders: `cat` works
//! <dir>/.attributes/<bucket>/…    what cannot be told from a file: metadata, other checksums, multipart ETags; and the
//!                                 lifecycle rules
//! <dir>/.uploads/<bucket>/<id>/   multipart uploads in progress
//! <dir>/.scratch/                 files not yet whole; emptied at start
//! <dir>/.lock                     held by the process that has the store open
//! ```
//!
//! A key that a file name cannot hold is escaped, and a key that is a folder of other keys as well (`a` and `a/b`) is kept as
//! `a%`; the module `key_path` has the rules. Names are read once at start: a file put there by hand is an object after the
//! next start; one edited or removed by hand counts at once.
//!
//! What an answered write stored is on the disk; a removal may come undone by a power cut. Signatures are not checked: any
//! credentials do, or none. Buckets are addressed by path, or as `<bucket>.localhost`. There are no versions, access rules,
//! encryption; the calls for them are answered `NotImplemented`. Lifecycle rules expire objects after days and abort incomplete
//! uploads, each below a prefix; other rules are refused.

mod attributes;
mod aws_chunked;
mod bucket;
mod bucket_calls;
mod checksums;
mod conditions;
mod content;
mod copy_calls;
mod durable;
mod failure;
mod host;
mod index;
mod key_path;
mod lifecycle;
mod lifecycle_calls;
mod listing_calls;
mod multipart;
mod multipart_calls;
mod parts;
mod read_calls;
mod receive;
mod scan;
mod service;
mod slots;
mod store;
mod sweep;
mod tagging_calls;
mod unsigned;
mod write_calls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Request, Response};
use hyper::body::Incoming;
use s3s::service::{S3Service, S3ServiceBuilder};

pub(crate) use host::bucket_in_host;
pub use store::{CreateBucketError, LifecycleError, OpenError};
pub use sweep::Swept;

/// An S3 whose objects are files below one folder. Clones share it.
#[derive(Debug, Clone)]
pub struct S3Store {
    store: Arc<store::Store>,
    service: S3Service,
}

impl S3Store {
    /// Opens the store in this folder, creating it if need be. Reads the names of all objects, and none of their content.
    ///
    /// # Errors
    /// If another process has it open, or the folder cannot be read or written.
    pub async fn open(dir: impl Into<PathBuf>) -> Result<Self, OpenError> {
        let dir = dir.into();
        let opening = tokio::task::spawn_blocking(move || store::Store::open(dir)).await;
        let store = Arc::new(opening.map_err(|panic| OpenError::io("read", std::io::Error::other(panic)))??);
        let mut service = S3ServiceBuilder::new(service::Calls::new(Arc::clone(&store)));
        service.set_host(host::Localhost);
        Ok(Self { store, service: service.build() })
    }

    /// Creates a bucket; one that is there already is left as it is.
    ///
    /// # Errors
    /// If the name is not one S3 allows, or the folder cannot be made.
    pub async fn create_bucket_if_absent(&self, name: impl Into<String>) -> Result<(), CreateBucketError> {
        let (store, name) = (Arc::clone(&self.store), name.into());
        let creating = tokio::task::spawn_blocking(move || store.create_bucket(&name)).await;
        creating.map_err(|panic| CreateBucketError::Io(std::io::Error::other(panic)))?.map(drop)
    }

    /// Gives a bucket lifecycle rules, in the JSON of `aws s3api put-bucket-lifecycle-configuration`; those of a bucket that has
    /// some are left as they are.
    ///
    /// # Errors
    /// If it is not that JSON, says what is not done here, or cannot be stored.
    pub async fn set_lifecycle_if_absent(&self, bucket: &str, json: &str) -> Result<(), LifecycleError> {
        let rules: lifecycle::Configuration = serde_json::from_str(json)?;
        rules.check()?;
        let (bucket, scratch) = (self.store.bucket(bucket)?, Arc::clone(self.store.scratch()));
        failure::blocking(move || bucket.set_lifecycle(rules, true, &scratch)).await?;
        Ok(())
    }

    /// Removes what has expired at this time by the lifecycle rules of its bucket: objects by the last change of their files,
    /// uploads by their start, both rounded as S3 does, to the next midnight UTC.
    pub async fn sweep(&self, now: SystemTime) -> Swept {
        sweep::once(&self.store, now).await
    }

    /// Sweeps at once and then every hour, by this clock, until `stop`; a sweep under way is finished first.
    pub async fn sweep_hourly(&self, clock: impl Fn() -> SystemTime, stop: impl Future<Output = ()>) {
        sweep::hourly(&self.store, clock, stop).await;
    }

    /// Answers one request of the S3 protocol. Its signature, if it has one, is not checked.
    ///
    /// # Errors
    /// If no answer can be made; the connection is then to be closed.
    pub async fn handle(&self, request: Request<Incoming>) -> Result<Response<s3s::Body>, s3s::HttpError> {
        match unsigned::without_signature(request) {
            Ok(request) => self.service.call(request).await,
            Err(error) => error.to_http_response().map_err(|error| s3s::HttpError::new(Box::new(error))),
        }
    }
}

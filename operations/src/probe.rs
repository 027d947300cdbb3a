//! What a process can find out about the bucket before it relies on it: how it was made, and what may be done in each folder.
//!
//! All is really done, to objects of its own: `<folder>/_doctor`, a few bytes each. They are created unless they are there, so
//! there is one in a folder at most, and readers of the log pass them over, as they do in other tools: a name that starts with
//! `_` is hidden from Athena, Spark and DuckDB's partitions.

use std::fmt;

use aws_config::SdkConfig;
use bytes::Bytes;

use crate::bucket::{Bucket, BucketError, Content, Created, Intercept};
pub use crate::bucket::{LifecycleRule, Setting};

/// What the objects here are called.
const NAME: &str = "_doctor";

/// A folder of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// Records of operations, each in an object of its own.
    Operations,
    /// Records of operations, many in one object.
    Batches,
    /// Which request an operation id belongs to.
    Claims,
    /// Bodies that are too large for a queue.
    Payloads,
}

impl fmt::Display for Folder {
    /// With the slash at its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operations => "operations/",
            Self::Batches => "batches/",
            Self::Claims => "claims/",
            Self::Payloads => "payloads/",
        })
    }
}

/// A connection to the bucket to look around with.
#[derive(Debug, Clone)]
pub struct BucketProbe {
    bucket: Bucket,
}

impl BucketProbe {
    /// A connection whose requests and responses are shown to `observer`.
    pub fn new(aws: &SdkConfig, name: &str, observer: impl Intercept + 'static) -> Self {
        Self { bucket: Bucket::observed(aws, name, observer) }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        self.bucket.name()
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    ///
    /// When it is not, or S3 does not say. So it is with the methods below.
    pub async fn reach(&self) -> Result<(), BucketError> {
        self.bucket.head().await
    }

    /// Lists.
    pub async fn try_list(&self) -> Result<(), BucketError> {
        self.bucket.list(NAME, None, 1).await.map(drop)
    }

    /// Creates the object, then once more. Says whether S3 refused the second time, as it must: the log rests on that.
    pub async fn try_create(&self, folder: Folder) -> Result<bool, BucketError> {
        self.create(folder).await?;
        Ok(self.create(folder).await? == Created::Existed)
    }

    async fn create(&self, folder: Folder) -> Result<Created, BucketError> {
        self.bucket.create(&key(folder), Content::JSON, Bytes::from_static(b"{}\n")).await
    }

    /// Reads the object, whether it is there or not, and one that is not there.
    pub async fn try_read(&self, folder: Folder) -> Result<(), BucketError> {
        self.bucket.get(&key(folder)).await?;
        self.bucket.get(&missing(folder)).await?;
        Ok(())
    }

    /// Deletes an object that is not there: another process may be looking at the one that is.
    pub async fn try_delete(&self, folder: Folder) -> Result<(), BucketError> {
        self.bucket.delete(&missing(folder)).await
    }

    /// Begins an upload in parts and gives it up.
    pub async fn try_abort_upload(&self, folder: Folder) -> Result<(), BucketError> {
        self.bucket.begin_multipart(&key(folder), Content::JSON).await?.abort().await
    }

    /// The enabled rules of its lifecycle that go by names alone.
    pub async fn lifecycle(&self) -> Result<Setting<Vec<LifecycleRule>>, BucketError> {
        self.bucket.lifecycle().await
    }

    /// Whether all four ways to make the bucket or an object public are shut.
    pub async fn blocks_public_access(&self) -> Result<Setting<bool>, BucketError> {
        self.bucket.blocks_public_access().await
    }

    /// The algorithm that new objects are encrypted with, such as `AES256` or `aws:kms`.
    pub async fn encryption(&self) -> Result<Setting<String>, BucketError> {
        self.bucket.encryption().await
    }

    /// Whether S3 keeps what was deleted or replaced.
    pub async fn keeps_versions(&self) -> Result<Setting<bool>, BucketError> {
        self.bucket.keeps_versions().await
    }
}

fn key(folder: Folder) -> String {
    format!("{folder}{NAME}")
}

fn missing(folder: Folder) -> String {
    format!("{}-missing", key(folder))
}

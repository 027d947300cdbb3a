//! The buckets of a store and the folders they share.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use s3s::S3Result;
use thiserror::Error;

use super::bucket::Bucket;
use super::durable;
use super::failure::{failed, no_such_bucket};

/// Why a store could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("the S3 folder {} is in use by another process", dir.display())]
    InUse {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The folder cannot be read or written.
    #[error("cannot {action} the S3 folder")]
    Io {
        /// What failed, as a verb.
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(action: &'static str, source: io::Error) -> Self {
        Self::Io { action, source }
    }
}

/// Why a bucket could not be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateBucketError {
    /// S3 does not allow the name.
    #[error(
        "{name:?} is not a bucket name: 3 to 63 of a-z, 0-9, - and ., a letter or digit at both ends, no IP address"
    )]
    Name {
        /// The name asked for.
        name: String,
    },
    /// The folder cannot be made.
    #[error("cannot make the bucket's folder")]
    Io(#[source] io::Error),
}

/// Why a bucket could not be given lifecycle rules.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LifecycleError {
    /// They are not in the form of `aws s3api put-bucket-lifecycle-configuration`, or say what is not done here.
    #[error("the rules cannot be read")]
    Form(#[from] serde_json::Error),
    /// S3 would refuse them, or they cannot be stored.
    #[error("the rules are refused")]
    Refused(#[from] s3s::S3Error),
}

/// The buckets of a store and the folders they share.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    scratch: Arc<PathBuf>,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
    /// Keeps other processes out; the lock ends with the file's last handle.
    _lock: File,
}

impl Store {
    pub(super) fn open(dir: PathBuf) -> Result<Self, OpenError> {
        fs::create_dir_all(&dir).map_err(|error| OpenError::io("create", error))?;
        let lock = File::create(dir.join(".lock")).map_err(|error| OpenError::io("lock", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { dir }),
            Err(TryLockError::Error(error)) => return Err(OpenError::io("lock", error)),
        }
        let scratch = dir.join(".scratch");
        remove_dir_if_there(&scratch).map_err(|error| OpenError::io("clean", error))?;
        fs::create_dir(&scratch).map_err(|error| OpenError::io("create", error))?;
        let buckets = load_buckets(&dir).map_err(|error| OpenError::io("read", error))?;
        Ok(Self { dir, scratch: Arc::new(scratch), buckets: RwLock::new(buckets), _lock: lock })
    }

    /// Where files are written before they get their name.
    pub(super) fn scratch(&self) -> &Arc<PathBuf> {
        &self.scratch
    }

    /// The folder of a bucket's multipart uploads.
    pub(super) fn uploads(&self, bucket: &str) -> PathBuf {
        self.dir.join(".uploads").join(bucket)
    }

    /// # Errors
    /// `NoSuchBucket`.
    pub(super) fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.get(name).cloned().ok_or_else(no_such_bucket)
    }

    /// Every bucket with its name, in the order of the names.
    pub(super) fn buckets(&self) -> Vec<(String, Arc<Bucket>)> {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.iter().map(|(name, bucket)| (name.clone(), Arc::clone(bucket))).collect()
    }

    /// Whether the bucket is new.
    pub(super) fn create_bucket(&self, name: &str) -> Result<bool, CreateBucketError> {
        if !s3s::path::check_bucket_name(name) {
            return Err(CreateBucketError::Name { name: name.to_owned() });
        }
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.contains_key(name) {
            return Ok(false);
        }
        let path = self.dir.join(name);
        fs::create_dir_all(&path).and_then(|()| durable::sync_dir(&self.dir)).map_err(CreateBucketError::Io)?;
        let bucket = Bucket::load(path, sidecars(&self.dir, name)).map_err(CreateBucketError::Io)?;
        buckets.insert(name.to_owned(), Arc::new(bucket));
        Ok(true)
    }

    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`, `InternalError`.
    pub(super) fn delete_bucket(&self, name: &str) -> S3Result<()> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.get(name).ok_or_else(no_such_bucket)?.delete()?;
        buckets.remove(name);
        remove_dir_if_there(&self.uploads(name)).map_err(failed("remove the bucket's uploads"))
    }
}

fn load_buckets(dir: &Path) -> io::Result<BTreeMap<String, Arc<Bucket>>> {
    let mut buckets = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Our own folders start with a dot, which no bucket's name does.
        if entry.file_type()?.is_dir() && s3s::path::check_bucket_name(&name) {
            let bucket = Bucket::load(entry.path(), sidecars(dir, &name))?;
            buckets.insert(name, Arc::new(bucket));
        }
    }
    Ok(buckets)
}

fn sidecars(dir: &Path, bucket: &str) -> PathBuf {
    dir.join(".attributes").join(bucket)
}

fn remove_dir_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

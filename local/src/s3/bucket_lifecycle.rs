//! The part of a bucket that has to do with its lifecycle rules: where they are kept, and the removal of what has expired.
//!
//! They lie among the sidecars, under a name that no sidecar and no folder of sidecars has (`key_path` writes `%` only before
//! hexadecimal digits, `+`, `.` or an end), and go with the bucket.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use s3s::S3Result;

use super::super::durable::{self, TempFile};
use super::super::failure::failed;
use super::super::index::{Query, Stamp};
use super::super::lifecycle::Configuration;
use super::{Bucket, remove_if_there};

const FILE: &str = "%lifecycle.json";

/// Reads the rules of the bucket with this folder of sidecars.
///
/// # Errors
/// If they cannot be read, or are none: a bucket must not forget its rules silently.
pub(super) fn load(sidecars: &Path) -> io::Result<Option<Arc<Configuration>>> {
    let path = sidecars.join(FILE);
    let json = match fs::read(&path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let rules = serde_json::from_slice(&json)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display())))?;
    Ok(Some(Arc::new(rules)))
}

impl Bucket {
    /// The rules, if there are any.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(in crate::s3) fn lifecycle(&self) -> S3Result<Option<Arc<Configuration>>> {
        Ok(self.read()?.lifecycle.clone())
    }

    /// Replaces the rules; with `only_if_absent`, those of a bucket that has some stay. Tells whether they were set.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InternalError` if they cannot be written.
    pub(in crate::s3) fn set_lifecycle(
        &self,
        rules: Configuration,
        only_if_absent: bool,
        scratch: &Path,
    ) -> S3Result<bool> {
        let written = serde_json::to_vec_pretty(&rules).map_err(io::Error::other);
        let file = written.and_then(|json| TempFile::with(&json, scratch)).map_err(failed("write the rules"))?;
        let mut state = self.write()?;
        if only_if_absent && state.lifecycle.is_some() {
            return Ok(false);
        }
        let place = || -> io::Result<()> {
            fs::create_dir_all(&self.sidecars)?;
            file.move_to(&self.rules_file())?;
            durable::sync_dir(&self.sidecars)
        };
        place().map_err(failed("store the rules"))?;
        state.lifecycle = Some(Arc::new(rules));
        Ok(true)
    }

    /// Takes the rules away.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InternalError` if their file cannot be removed.
    pub(in crate::s3) fn delete_lifecycle(&self) -> S3Result<()> {
        let mut state = self.write()?;
        remove_if_there(&self.rules_file()).map_err(failed("remove the rules"))?;
        state.lifecycle = None;
        Ok(())
    }

    /// What `x-amz-expiration` says of an object that was last changed at this time.
    pub(in crate::s3) fn expiration(&self, key: &str, modified: SystemTime) -> Option<String> {
        let rules = self.lifecycle().ok()??;
        rules.expiration(key, modified)?.header()
    }

    /// Keys with a prefix, after another one: a page of them, in order.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(in crate::s3) fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> S3Result<Vec<String>> {
        let page = self.read()?.index.page(Query { prefix, delimiter: None, after, limit });
        Ok(page.items.iter().map(|item| item.name().to_owned()).collect())
    }

    /// Removes an object if the file's last change says so, and the object is still that one when it is removed; whether it was.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InternalError` if the file cannot be read or removed.
    pub(in crate::s3) fn remove_if(&self, key: &str, is_due: impl Fn(SystemTime) -> bool) -> S3Result<bool> {
        // First without keeping others out: few are due. The index does not know of a file that was edited by hand.
        let Some(entry) = self.read()?.index.entries.get(key).cloned() else { return Ok(false) };
        if !modified(&self.path(key, entry.place))?.is_some_and(&is_due) {
            return Ok(false);
        }
        let mut state = self.write()?;
        let Some(entry) = state.index.entries.get(key) else { return Ok(false) };
        if !modified(&self.path(key, entry.place))?.is_some_and(&is_due) {
            return Ok(false);
        }
        self.remove_in(&mut state, key)
    }

    fn rules_file(&self) -> PathBuf {
        self.sidecars.join(FILE)
    }
}

/// The time of a file's last change, if it is there.
fn modified(path: &Path) -> S3Result<Option<SystemTime>> {
    match fs::metadata(path).and_then(|metadata| Stamp::of(&metadata)) {
        Ok(stamp) => Ok(Some(stamp.modified)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read the object")(error)),
    }
}

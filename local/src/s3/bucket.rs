//! One bucket: its index and its folder, changed together under one lock.
//!
//! All functions block. The lock is held for name changes only (rename, unlink, mkdir), never while content is written or
//! synced, so a create-only write costs what any write costs and still has exactly one winner.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use s3s::{S3Result, s3_error};

use super::attributes::Attributes;
use super::conditions::WriteCondition;
use super::durable::{self, TempFile};
use super::failure::{failed, no_such_bucket, no_such_key};
use super::index::{Entry, Index, Item, Page, Query, Stamp};
use super::key_path::{self, Place};
use super::lifecycle::Configuration;
use super::scan;

#[path = "bucket_lifecycle.rs"]
mod lifecycle;

/// One bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: SystemTime,
    /// The folder of the objects.
    dir: PathBuf,
    /// The folder of their sidecars.
    sidecars: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    index: Index,
    lifecycle: Option<Arc<Configuration>>,
    /// Set when the bucket is deleted, for those who still hold it.
    deleted: bool,
}

/// A whole object that has no key yet.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) content: TempFile,
    pub(super) stamp: Stamp,
    pub(super) attributes: Attributes,
}

/// An object opened for reading: what it was when it was opened, whatever happens to it afterwards.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
    pub(super) attributes: Arc<Attributes>,
}

impl Bucket {
    /// Reads the names in a bucket's folder, and no content.
    pub(super) fn load(dir: PathBuf, sidecars: PathBuf) -> io::Result<Self> {
        let metadata = fs::metadata(&dir)?;
        let created = metadata.created().or_else(|_| metadata.modified())?;
        let state = State { index: scan::objects(&dir)?, lifecycle: lifecycle::load(&sidecars)?, deleted: false };
        Ok(Self { created, dir, sidecars, state: RwLock::new(state) })
    }

    /// Gives a written object its key, if the condition holds at that moment.
    ///
    /// # Errors
    /// As the condition says, or `NoSuchBucket`; `InternalError` if a file cannot be moved.
    pub(super) fn publish(
        &self,
        key: &str,
        object: Written,
        condition: &WriteCondition,
        scratch: &Path,
    ) -> S3Result<()> {
        let Written { content, stamp, attributes } = object;
        let sidecar = attributes.need_sidecar(key, stamp.size).then(|| attributes.write_sidecar(stamp, scratch));
        let sidecar = sidecar.transpose().map_err(failed("write the object's attributes"))?;
        let changed = {
            let mut state = self.write()?;
            self.check_in(&state, key, condition)?;
            // Before the object, so that it never appears without. Until then it describes a file that is not there yet and
            // is ignored.
            let mut changed =
                self.place_sidecar(&state, key, sidecar).map_err(failed("store the object's attributes"))?;
            let place = self.make_room(&mut state, key, &mut changed).map_err(failed("make the object's folder"))?;
            let path = self.path(key, place);
            content.move_to(&path).map_err(failed("move the object into place"))?;
            changed.extend(path.parent().map(Path::to_owned));
            state.index.entries.insert(key.into(), Entry { stamp, place, attributes: Some(Arc::new(attributes)) });
            changed
        };
        sync_all(&changed)
    }

    /// # Errors
    /// As the condition says, or `NoSuchBucket`.
    pub(super) fn check(&self, key: &str, condition: &WriteCondition) -> S3Result<()> {
        self.check_in(&*self.read()?, key, condition)
    }

    fn check_in(&self, state: &State, key: &str, condition: &WriteCondition) -> S3Result<()> {
        let entry = state.index.entries.get(key);
        condition.check(entry.is_some(), || entry.map_or_else(|| Ok(String::new()), |entry| self.etag(key, entry)))
    }

    /// Opens an object for reading.
    ///
    /// # Errors
    /// `NoSuchKey`, `NoSuchBucket`; `InternalError` if its file cannot be read.
    pub(super) fn open(&self, key: &str) -> S3Result<Opened> {
        let (entry, file) = {
            let state = self.read()?;
            let entry = state.index.entries.get(key).ok_or_else(no_such_key)?;
            (entry.clone(), File::open(self.path(key, entry.place)))
        };
        let mut file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget(key, &entry)?;
                return Err(no_such_key());
            }
            Err(error) => return Err(failed("open the object")(error)),
        };
        let stamp = file.metadata().and_then(|metadata| Stamp::of(&metadata)).map_err(failed("read the object"))?;
        // Somebody may have edited the file by hand since.
        if let Some(attributes) = entry.attributes.as_ref().filter(|_| entry.stamp == stamp) {
            return Ok(Opened { file, stamp, attributes: Arc::clone(attributes) });
        }
        let attributes =
            Attributes::load(key, &self.sidecar(key), &mut file, stamp).map_err(failed("read the object"))?;
        let attributes = Arc::new(attributes);
        self.remember(key, &entry, stamp, &attributes)?;
        Ok(Opened { file, stamp, attributes })
    }

    /// Changes what an object has besides its content.
    ///
    /// # Errors
    /// As [`open`](Self::open); `OperationAborted` if the object was replaced meanwhile.
    pub(super) fn edit(&self, key: &str, scratch: &Path, change: impl FnOnce(&mut Attributes)) -> S3Result<()> {
        let opened = self.open(key)?;
        let mut attributes = Attributes::clone(&opened.attributes);
        change(&mut attributes);
        let sidecar =
            attributes.write_sidecar(opened.stamp, scratch).map_err(failed("write the object's attributes"))?;
        let changed = {
            let mut state = self.write()?;
            let changed =
                self.place_sidecar(&state, key, Some(sidecar)).map_err(failed("store the object's attributes"))?;
            match state.index.entries.get_mut(key).filter(|entry| entry.stamp == opened.stamp) {
                Some(entry) => entry.attributes = Some(Arc::new(attributes)),
                None => return Err(s3_error!(OperationAborted, "The object was replaced meanwhile; try again")),
            }
            changed
        };
        sync_all(&changed)
    }

    /// Removes an object; whether there was one.
    ///
    /// # Errors
    /// As the condition says, `NoSuchBucket`, or `InternalError` if the file cannot be removed.
    pub(super) fn remove(&self, key: &str, condition: &WriteCondition) -> S3Result<bool> {
        let mut state = self.write()?;
        self.check_in(&state, key, condition)?;
        self.remove_in(&mut state, key)
    }

    fn remove_in(&self, state: &mut State, key: &str) -> S3Result<bool> {
        let Some(entry) = state.index.entries.get(key) else { return Ok(false) };
        let path = self.path(key, entry.place);
        remove_if_there(&path).map_err(failed("remove the object"))?;
        state.index.entries.remove(key);
        remove_if_there(&self.sidecar(key)).map_err(failed("remove the object's attributes"))?;
        if let Some(parent) = path.parent() {
            durable::prune(parent, &self.dir);
        }
        Ok(true)
    }

    /// A page of the listing. Each object has its attributes.
    ///
    /// # Errors
    /// `NoSuchBucket`; `InternalError` if a file cannot be read.
    pub(super) fn page(&self, query: Query<'_>) -> S3Result<Page> {
        let mut page = self.read()?.index.page(query);
        for item in &mut page.items {
            if let Item::Object(key, entry) = item
                && entry.attributes.is_none()
            {
                match self.open(key) {
                    Ok(opened) => (entry.stamp, entry.attributes) = (opened.stamp, Some(opened.attributes)),
                    // Removed since: it stays in this page, which is of a moment ago, without what nobody can tell any more.
                    Err(error) if *error.code() == s3s::S3ErrorCode::NoSuchKey => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(page)
    }

    /// Removes the bucket's folders, if no object is left.
    ///
    /// # Errors
    /// `BucketNotEmpty`, `NoSuchBucket`, `InternalError`.
    pub(super) fn delete(&self) -> S3Result<()> {
        let mut state = self.write()?;
        if !state.index.entries.is_empty() {
            return Err(s3_error!(BucketNotEmpty, "The bucket you tried to delete is not empty"));
        }
        if fs::remove_dir(&self.dir).is_err() {
            return Err(s3_error!(BucketNotEmpty, "the bucket's folder holds files that are not objects"));
        }
        state.deleted = true;
        match fs::remove_dir_all(&self.sidecars) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove the bucket")(error)),
            _ => Ok(()),
        }
    }

    fn path(&self, key: &str, place: Place) -> PathBuf {
        self.dir.join(key_path::object(key, place))
    }

    fn sidecar(&self, key: &str) -> PathBuf {
        self.sidecars.join(key_path::sidecar(key))
    }

    fn read(&self) -> S3Result<RwLockReadGuard<'_, State>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.deleted { Err(no_such_bucket()) } else { Ok(state) }
    }

    fn write(&self) -> S3Result<RwLockWriteGuard<'_, State>> {
        let state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.deleted { Err(no_such_bucket()) } else { Ok(state) }
    }

    fn etag(&self, key: &str, entry: &Entry) -> S3Result<String> {
        if let Some(attributes) = &entry.attributes {
            return Ok(attributes.etag.clone());
        }
        let loaded = File::open(self.path(key, entry.place)).and_then(|mut file| {
            let stamp = Stamp::of(&file.metadata()?)?;
            Attributes::load(key, &self.sidecar(key), &mut file, stamp)
        });
        loaded.map(|attributes| attributes.etag).map_err(failed("read the object"))
    }

    fn remember(&self, key: &str, seen: &Entry, stamp: Stamp, attributes: &Arc<Attributes>) -> S3Result<()> {
        let mut state = self.write()?;
        if let Some(entry) = state.index.entries.get_mut(key).filter(|entry| entry.stamp == seen.stamp) {
            entry.stamp = stamp;
            entry.attributes = Some(Arc::clone(attributes));
        }
        Ok(())
    }

    /// Drops a key whose file was removed by hand.
    fn forget(&self, key: &str, seen: &Entry) -> S3Result<()> {
        let mut state = self.write()?;
        let gone = state
            .index
            .entries
            .get(key)
            .is_some_and(|entry| entry.stamp == seen.stamp && !self.path(key, entry.place).exists());
        if gone {
            state.index.entries.remove(key);
        }
        Ok(())
    }

    /// Puts an object's sidecar in its place, or takes away the one it had; the folder that changed.
    fn place_sidecar(&self, state: &State, key: &str, sidecar: Option<TempFile>) -> io::Result<Vec<PathBuf>> {
        let path = self.sidecar(key);
        match (sidecar, path.parent()) {
            (Some(sidecar), Some(parent)) => {
                fs::create_dir_all(parent)?;
                sidecar.move_to(&path)?;
                Ok(vec![parent.to_owned()])
            }
            _ if state.index.entries.contains_key(key) => remove_if_there(&path).map(|()| Vec::new()),
            _ => Ok(Vec::new()),
        }
    }

    /// Makes the folder for the file of `key` and says which name it gets there; adds the folders that have new names in them.
    fn make_room(&self, state: &mut State, key: &str, changed: &mut Vec<PathBuf>) -> io::Result<Place> {
        if let Some(entry) = state.index.entries.get(key) {
            // The folder is there, unless somebody removed it by hand.
            if self.path(key, entry.place).parent().is_some_and(Path::is_dir) {
                return Ok(entry.place);
            }
        }
        let plain = self.path(key, Place::Plain);
        self.make_folders(state, &plain, changed)?;
        // A folder that is empty is left over from a crash; one that is not keeps the name.
        let taken = plain.is_dir() && fs::remove_dir(&plain).is_err();
        Ok(if taken { Place::Aside } else { Place::Plain })
    }

    fn make_folders(&self, state: &mut State, path: &Path, changed: &mut Vec<PathBuf>) -> io::Result<()> {
        if path.parent().is_some_and(Path::is_dir) {
            return Ok(());
        }
        let below = path.strip_prefix(&self.dir).map_err(io::Error::other)?;
        let mut folder = self.dir.clone();
        for name in below.parent().into_iter().flat_map(Path::components) {
            let parent = folder.clone();
            folder.push(name);
            if folder.is_dir() {
                continue;
            }
            if folder.is_file() {
                self.set_aside(state, &folder)?;
            }
            fs::create_dir(&folder)?;
            changed.push(parent);
        }
        Ok(())
    }

    /// Moves the object whose file has the name that a folder needs.
    fn set_aside(&self, state: &mut State, path: &Path) -> io::Result<()> {
        let below = path.strip_prefix(&self.dir).map_err(io::Error::other)?;
        let (key, _) =
            key_path::key_of(below).ok_or_else(|| io::Error::other("a file that is no object is in the way"))?;
        fs::rename(path, self.path(&key, Place::Aside))?;
        if let Some(entry) = state.index.entries.get_mut(key.as_str()) {
            entry.place = Place::Aside;
        }
        Ok(())
    }
}

fn sync_all(folders: &[PathBuf]) -> S3Result<()> {
    folders.iter().try_for_each(|folder| durable::sync_dir(folder)).map_err(failed("sync a folder"))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;

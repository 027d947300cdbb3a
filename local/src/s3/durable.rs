//! Files that are either not there or whole, also after a power cut.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A file with a name of its own in the scratch folder, removed unless it is [moved into place](Self::move_to).
#[derive(Debug)]
pub(super) struct TempFile {
    path: PathBuf,
    file: Option<File>,
}

impl TempFile {
    pub(super) fn create(scratch: &Path) -> io::Result<Self> {
        let path = scratch.join(Uuid::new_v4().simple().to_string());
        let file = File::create_new(&path)?;
        Ok(Self { path, file: Some(file) })
    }

    /// A file with this content, on the disk.
    pub(super) fn with(content: &[u8], scratch: &Path) -> io::Result<Self> {
        let mut temp = Self::create(scratch)?;
        temp.file()?.write_all(content)?;
        temp.sync()?;
        Ok(temp)
    }

    /// Another name for a file that is whole and on the disk.
    pub(super) fn link(file: &Path, scratch: &Path) -> io::Result<Self> {
        let path = scratch.join(Uuid::new_v4().simple().to_string());
        fs::hard_link(file, &path)?;
        Ok(Self { path, file: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file was closed"))
    }

    /// Waits until the content is on the disk and closes the file.
    pub(super) fn sync(&mut self) -> io::Result<fs::Metadata> {
        let file = self.file.take().ok_or_else(|| io::Error::other("the file was closed"))?;
        file.sync_all()?;
        file.metadata()
    }

    /// Gives the file its final name, replacing what has it. The caller syncs the folder.
    pub(super) fn move_to(self, path: &Path) -> io::Result<()> {
        // Dropping `self` then finds nothing to remove.
        fs::rename(&self.path, path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary file");
        }
    }
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Removes the folders from `path` upwards that have become empty, up to `root`, which stays.
pub(super) fn prune(path: &Path, root: &Path) {
    for folder in path.ancestors() {
        if folder == root || !folder.starts_with(root) || fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

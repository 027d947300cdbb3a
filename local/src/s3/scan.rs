//! Finds the objects below a bucket's folder.

use std::fs;
use std::io;
use std::path::Path;

use super::index::{Entry, Index, Stamp};
use super::key_path::{self, Place};

/// The objects below this folder, by the names of the files alone. Links are not followed.
pub(super) fn objects(root: &Path) -> io::Result<Index> {
    let mut index = Index::default();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| at(&folder, &error))?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                add(&mut index, root, &entry).map_err(|error| at(&entry.path(), &error))?;
            }
        }
    }
    Ok(index)
}

fn add(index: &mut Index, root: &Path, file: &fs::DirEntry) -> io::Result<()> {
    let path = file.path();
    let below = path.strip_prefix(root).map_err(io::Error::other)?;
    let key = key_path::key_of(below).filter(|(key, _)| s3s::path::check_key(key));
    let Some((key, place)) = key.filter(|_| file.file_type().is_ok_and(|kind| kind.is_file())) else {
        tracing::warn!(path = %path.display(), "not an object, ignored");
        return Ok(());
    };
    let entry = Entry { stamp: Stamp::of(&file.metadata()?)?, place, attributes: None };
    match place {
        Place::Plain => drop(index.entries.insert(key.into(), entry)),
        // Both names can be there only if somebody made one by hand: the plain one counts.
        Place::Aside => drop(index.entries.entry(key.into()).or_insert(entry)),
    }
    Ok(())
}

/// Says where: the error of the system does not.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

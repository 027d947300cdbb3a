//! The one file in which the parts of an upload already lie as they will in the object, so that completing copies nothing.
//!
//! Whoever cuts a large object cuts it evenly: all parts but the last have one size. The first part of at least the smallest size
//! that comes sets that size, and with it a slot for each number. The first attempt at a part that fits its slot is written there,
//! every other one into a file of its own. If in the end the slots have exactly the parts of the object, their file is the
//! object; otherwise the parts are copied together.
//!
//! ```text
//! <upload>/whole           the file with the slots
//! <upload>/size            the size of a slot, in decimal
//! <upload>/00001.claim     somebody began to write into this slot; never removed, since nobody knows what a broken attempt left
//! <upload>/sealed          the upload is being completed: no slot is given away any more
//! ```

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::durable::{self, TempFile};

/// The smallest part but the last, in bytes (S3's limit).
pub(super) const MIN_PART: u64 = 5 << 20;
/// The largest object, in bytes (S3's limit is 50 TB; file systems end before).
const MAX_WHOLE: u64 = 5 << 40;

pub(super) const WHOLE: &str = "whole";
const SIZE: &str = "size";
const SEALED: &str = "sealed";
const CLAIM: &str = ".claim";

/// A place for a part in the file of its upload.
#[derive(Debug)]
pub(super) struct Slot {
    file: File,
    offset: u64,
}

impl Slot {
    /// The slot of a part with this number and size in the upload's folder, if it is free and the part fits.
    ///
    /// # Errors
    /// `NotFound` if the upload has ended.
    pub(super) fn claim(upload: &Path, number: u32, size: u64, scratch: &Path) -> io::Result<Option<Self>> {
        let Some(slot) = slot_size(upload, size, scratch)? else { return Ok(None) };
        let offset = u64::from(number.saturating_sub(1)) * slot;
        if size > slot || offset + slot > MAX_WHOLE {
            return Ok(None);
        }
        match File::create_new(upload.join(format!("{number:05}{CLAIM}"))) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            claim => claim?,
        };
        // After the claim: then a completion sees the claim, or this sees the seal.
        if upload.join(SEALED).try_exists()? {
            return Ok(None);
        }
        let mut file = File::options().create(true).truncate(false).write(true).open(upload.join(WHOLE))?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Some(Self { file, offset }))
    }

    /// Where it begins in the file, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends to what was written before. The caller keeps to the size that was claimed.
    pub(super) fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)
    }

    /// Waits until the content is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The size of the slots; if none is set yet, this part sets it, unless it can only be the last.
fn slot_size(upload: &Path, part: u64, scratch: &Path) -> io::Result<Option<u64>> {
    let path = upload.join(SIZE);
    loop {
        match fs::read_to_string(&path) {
            Ok(size) => return size.trim().parse().map(Some).map_err(io::Error::other),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) if part < MIN_PART => return Ok(None),
            Err(_) => {}
        }
        // A link appears whole, and only if the name is free.
        let file = TempFile::with(part.to_string().as_bytes(), scratch)?;
        match fs::hard_link(file.path(), &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            // A file system without links: every part gets a file of its own.
            Err(_) => return Ok(None),
        }
    }
}

/// A second name, in the scratch folder, for the file with the slots of this upload, if these are all the parts ever written
/// there and lie end to end. The parts are given by offset (`None`: not in a slot) and size, in order.
///
/// From now on no slot is given away, so nobody writes into the file.
///
/// # Errors
/// If the folder cannot be read or written.
pub(super) fn end_to_end(
    upload: &Path,
    parts: impl ExactSizeIterator<Item = (Option<u64>, u64)>,
    scratch: &Path,
) -> io::Result<Option<TempFile>> {
    File::create(upload.join(SEALED))?;
    let count = parts.len();
    let mut end = 0;
    for (offset, size) in parts {
        if offset != Some(end) {
            return Ok(None);
        }
        end += size;
    }
    if claims(upload)? != count || fs::metadata(upload.join(WHOLE))?.len() != end {
        return Ok(None);
    }
    // The seal and all claims must outlive a power cut: this file is about to become an object.
    durable::sync_dir(upload)?;
    // Without links there is no slot either.
    TempFile::link(&upload.join(WHOLE), scratch).map(Some)
}

fn claims(upload: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(upload)? {
        count += usize::from(entry?.file_name().to_str().is_some_and(|name| name.ends_with(CLAIM)));
    }
    Ok(count)
}

//! The parts of a multipart upload, each known by the name of a file alone.
//!
//! ```text
//! <number>.<MD5>.<algorithm>.<checksum>[.<algorithm>.<checksum>]           a part in a file of its own
//! <the same>.at.<offset>.<size>                                           one in the file of slots; this one is empty
//! ```
//!
//! So a part appears by the creation of one name and needs no lock. Of two of one number the later one counts. Checksums are in
//! base64 with `_` for `/`; the second one is there if the first is not what the whole object is to have.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use s3s::crypto::{Checksum as _, Md5};

use super::checksums::{Algorithm, Checksum, Digests, hex};
use super::index::Stamp;
use super::slots;

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    /// The one that its caller sees.
    pub(super) checksum: Checksum,
    also: Option<Checksum>,
    md5: u128,
    path: PathBuf,
    /// Where it begins in the file of slots, in bytes, if it lies there.
    pub(super) offset: Option<u64>,
}

impl Part {
    /// The name that tells a part. `offset` as in [`Part`].
    pub(super) fn name(number: i32, digests: &Digests, offset: Option<u64>) -> String {
        let mut name = format!("{number:05}.{}", digests.etag());
        for Checksum { algorithm, value, .. } in [Some(&digests.checksum), digests.also.as_ref()].into_iter().flatten()
        {
            name.push_str(&format!(".{}.{}", algorithm.name(), value.replace('/', "_")));
        }
        if let Some(offset) = offset {
            name.push_str(&format!(".at.{offset}.{}", digests.size));
        }
        name
    }

    /// The number and the part that the file at this path tells; `None` if it tells none.
    pub(super) fn at(path: PathBuf, stamp: Stamp) -> Option<(i32, Self)> {
        let mut fields = path.file_name()?.to_str()?.split('.');
        let number = fields.next()?.parse().ok()?;
        let md5 = u128::from_str_radix(fields.next()?, 16).ok()?;
        let checksum = checksum(fields.next()?, fields.next()?)?;
        let (mut also, mut size, mut offset) = (None, stamp.size, None);
        while let Some(field) = fields.next() {
            if field == "at" {
                offset = Some(fields.next()?.parse().ok()?);
                size = fields.next()?.parse().ok()?;
            } else {
                also = Some(self::checksum(field, fields.next()?)?);
            }
        }
        Some((number, Self { size, modified: stamp.modified, checksum, also, md5, path, offset }))
    }

    pub(super) fn etag(&self) -> String {
        hex(self.md5.to_be_bytes())
    }

    /// The ETag of an object made of these parts.
    pub(super) fn etag_of_all(parts: &[Self]) -> String {
        let digests = parts.iter().flat_map(|part| part.md5.to_be_bytes()).collect::<Vec<_>>();
        format!("{}-{}", hex(Md5::checksum(&digests)), parts.len())
    }

    /// The checksum of this algorithm, if it was computed.
    pub(super) fn checksum(&self, algorithm: Algorithm) -> Option<&Checksum> {
        [Some(&self.checksum), self.also.as_ref()].into_iter().flatten().find(|known| known.algorithm == algorithm)
    }

    /// The file that is this part and nothing else, if there is one.
    pub(super) fn own_file(&self) -> Option<&PathBuf> {
        self.offset.is_none().then_some(&self.path)
    }

    /// The content.
    pub(super) fn open(&self) -> io::Result<io::Take<File>> {
        let file = match self.offset {
            None => File::open(&self.path)?,
            Some(offset) => {
                let mut whole = File::open(self.path.with_file_name(slots::WHOLE))?;
                whole.seek(SeekFrom::Start(offset))?;
                whole
            }
        };
        Ok(file.take(self.size))
    }
}

fn checksum(algorithm: &str, value: &str) -> Option<Checksum> {
    Some(Checksum { algorithm: Algorithm::parse(algorithm).ok()?, value: value.replace('_', "/"), composite: false })
}

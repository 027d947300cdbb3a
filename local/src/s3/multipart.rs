//! Multipart uploads on the disk: a folder each, with a record of what was asked for and a file for each part.
//!
//! A part's file name says all that is to be known of it (`<number>.<MD5>.<algorithm>.<checksum>`), so that a part appears by one
//! rename and needs no lock. Of two files of one number the later one counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::Timestamp;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attributes::{Attributes, Headers};
use super::bucket::Written;
use super::checksums::{Algorithm, Checksum, Digests, Hasher, hex};
use super::content;
use super::durable::{self, TempFile};
use super::failure::{failed, no_such_upload};
use super::index::Stamp;

/// The smallest part but the last, in bytes (S3's limit).
const MIN_PART: u64 = 5 << 20;
/// The highest number of a part.
const MAX_PARTS: i32 = 10_000;
const RECORD: &str = "upload.json";

/// What an upload was started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) initiated: Timestamp,
    /// Absent: S3 takes a CRC-64 of the whole.
    pub(super) algorithm: Option<Algorithm>,
    /// Whether the object's checksum is to be that of the parts' checksums.
    pub(super) composite: bool,
    pub(super) headers: Headers,
}

/// An upload in progress.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) id: String,
    pub(super) record: Record,
    dir: PathBuf,
}

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) checksum: Checksum,
    md5: u128,
    path: PathBuf,
}

impl Part {
    pub(super) fn etag(&self) -> String {
        hex(self.md5.to_be_bytes())
    }
}

/// A part as the caller names it when completing the upload.
#[derive(Debug)]
pub(super) struct NamedPart {
    pub(super) number: i32,
    pub(super) etag: Option<String>,
    pub(super) checksums: [Option<String>; 5],
}

impl Upload {
    /// Starts an upload. `uploads` is the folder of its bucket's uploads.
    pub(super) fn start(uploads: &Path, record: Record, scratch: &Path) -> S3Result<Self> {
        let id = Uuid::new_v4().simple().to_string();
        let dir = uploads.join(&id);
        let written = || -> io::Result<()> {
            let file = TempFile::with(&serde_json::to_vec(&record)?, scratch)?;
            fs::create_dir_all(&dir)?;
            file.move_to(&dir.join(RECORD))?;
            durable::sync_dir(&dir)?;
            durable::sync_dir(uploads)
        };
        written().map_err(failed("start the upload"))?;
        Ok(Self { id, record, dir })
    }

    /// # Errors
    /// `NoSuchUpload`, also if it is one of another key.
    pub(super) fn open(uploads: &Path, id: &str, key: &str) -> S3Result<Self> {
        // Nothing but an id we made reaches the file system.
        let id = Uuid::try_parse(id).map_err(|_| no_such_upload())?.simple().to_string();
        let upload = Self::load(uploads, id).map_err(failed("read the upload"))?;
        upload.filter(|upload| upload.record.key == key).ok_or_else(no_such_upload)
    }

    fn load(uploads: &Path, id: String) -> io::Result<Option<Self>> {
        let dir = uploads.join(&id);
        match fs::read(dir.join(RECORD)) {
            Ok(json) => Ok(Some(Self { id, record: serde_json::from_slice(&json)?, dir })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The uploads in progress, in the order of their keys and then of their start.
    pub(super) fn all(uploads: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(uploads) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            if let Ok(id) = entry?.file_name().into_string() {
                found.extend(Self::load(uploads, id)?);
            }
        }
        found.sort_by(|a, b| {
            (&a.record.key, &a.record.initiated, &a.id).cmp(&(&b.record.key, &b.record.initiated, &b.id))
        });
        Ok(found)
    }

    /// The algorithm that parts are hashed with if they do not say.
    pub(super) fn part_algorithm(&self) -> Algorithm {
        self.record.algorithm.unwrap_or(Algorithm::Crc64Nvme)
    }

    /// Adds a part, replacing an earlier one of the same number.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad number, `NoSuchUpload` if the upload has ended meanwhile, `InternalError`.
    pub(super) fn add(&self, number: i32, content: TempFile, digests: &Digests) -> S3Result<Part> {
        if !(1..=MAX_PARTS).contains(&number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and {MAX_PARTS}, inclusive"
            ));
        }
        let Checksum { algorithm, value, .. } = &digests.checksum;
        let value = value.replace('/', "_");
        let path = self.dir.join(format!("{number:05}.{}.{}.{value}", digests.etag(), algorithm.name()));
        match content.move_to(&path).and_then(|()| durable::sync_dir(&self.dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_such_upload()),
            result => result.map_err(failed("store the part"))?,
        }
        let metadata = fs::metadata(&path).map_err(failed("read the part"))?;
        let stamp = Stamp::of(&metadata).map_err(failed("read the part"))?;
        let md5 = u128::from_be_bytes(digests.md5);
        Ok(Part { size: stamp.size, modified: stamp.modified, checksum: digests.checksum.clone(), md5, path })
    }

    /// The parts by their number.
    ///
    /// # Errors
    /// `InternalError` if the folder cannot be read.
    pub(super) fn parts(&self) -> S3Result<BTreeMap<i32, Part>> {
        self.read_parts().map_err(failed("read the parts"))
    }

    fn read_parts(&self) -> io::Result<BTreeMap<i32, Part>> {
        let mut parts: BTreeMap<i32, Part> = BTreeMap::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Some((number, md5, checksum)) = entry.file_name().to_str().and_then(parse_name) else { continue };
            let stamp = Stamp::of(&entry.metadata()?)?;
            let part = Part { size: stamp.size, modified: stamp.modified, checksum, md5, path: entry.path() };
            if parts.get(&number).is_none_or(|earlier| earlier.modified <= part.modified) {
                parts.insert(number, part);
            }
        }
        Ok(parts)
    }

    /// Puts the named parts together. The upload stays until it is [removed](Self::remove).
    ///
    /// # Errors
    /// `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `MalformedXML` without parts; `InternalError`.
    pub(super) fn assemble(&self, named: &[NamedPart], scratch: &Path) -> S3Result<Written> {
        let parts = self.choose(named)?;
        let digests = parts.iter().flat_map(|part| part.md5.to_be_bytes()).collect::<Vec<_>>();
        let etag = format!("{}-{}", hex(Md5::checksum(&digests)), parts.len());
        let algorithm = self.part_algorithm();
        let (content, stamp, whole) =
            concatenate(&parts, algorithm, scratch).map_err(failed("put the parts together"))?;
        let checksum = if self.record.composite { composite(&parts, algorithm)? } else { whole.checksum };
        Ok(Written { content, stamp, attributes: Attributes { etag, checksum, headers: self.record.headers.clone() } })
    }

    fn choose(&self, named: &[NamedPart]) -> S3Result<Vec<Part>> {
        let mut uploaded = self.parts()?;
        let mut chosen: Vec<Part> = Vec::new();
        if named.is_empty() {
            return Err(s3_error!(MalformedXML, "name at least one part"));
        }
        if !named.is_sorted_by(|a, b| a.number < b.number) {
            return Err(s3_error!(
                InvalidPartOrder,
                "The list of parts was not in ascending order. Parts must be ordered by part number."
            ));
        }
        for name in named {
            if chosen.last().is_some_and(|part| part.size < MIN_PART) {
                return Err(s3_error!(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size"));
            }
            let part = uploaded.remove(&name.number).filter(|part| {
                let same_etag = name.etag.as_ref().is_none_or(|etag| *etag == part.etag());
                let checksums = Algorithm::ALL.into_iter().zip(&name.checksums);
                let mut claimed = checksums.filter_map(|(algorithm, value)| Some((algorithm, value.as_ref()?)));
                same_etag && claimed.all(|(algorithm, value)| part.checksum.of(algorithm).as_ref() == Some(value))
            });
            chosen.push(
                part.ok_or_else(|| s3_error!(InvalidPart, "part {} was not uploaded, or is another one", name.number))?,
            );
        }
        Ok(chosen)
    }

    /// Removes the upload and its parts.
    ///
    /// # Errors
    /// `InternalError`.
    pub(super) fn remove(self) -> S3Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove the upload")(error)),
            _ => Ok(()),
        }
    }
}

fn parse_name(name: &str) -> Option<(i32, u128, Checksum)> {
    let mut fields = name.splitn(4, '.');
    let number = fields.next()?.parse().ok()?;
    let md5 = u128::from_str_radix(fields.next()?, 16).ok()?;
    let algorithm = Algorithm::parse(fields.next()?).ok()?;
    let value = fields.next()?.replace('_', "/");
    Some((number, md5, Checksum { algorithm, value, composite: false }))
}

fn concatenate(parts: &[Part], algorithm: Algorithm, scratch: &Path) -> io::Result<(TempFile, Stamp, Digests)> {
    let mut whole = TempFile::create(scratch)?;
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        let mut file = File::open(&part.path)?.take(part.size);
        content::append(&mut file, whole.file()?, &mut hasher)?;
    }
    let stamp = Stamp::of(&whole.sync()?)?;
    Ok((whole, stamp, hasher.finish()))
}

/// The checksum of the parts' checksums.
fn composite(parts: &[Part], algorithm: Algorithm) -> S3Result<Checksum> {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        let value = part.checksum.of(algorithm).and_then(|value| STANDARD.decode(value).ok());
        hasher.update(&value.ok_or_else(|| s3_error!(InvalidPart, "a part has no {} checksum", algorithm.name()))?);
    }
    let value = format!("{}-{}", hasher.finish().checksum.value, parts.len());
    Ok(Checksum { algorithm, value, composite: true })
}

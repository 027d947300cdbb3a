//! Multipart uploads on the disk: a folder each, with a record of what was asked for, a file for each part, and one into which
//! parts are written where they will be in the object. The modules `parts` and `slots` have the details.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::dto::Timestamp;
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attributes::{Attributes, Headers};
use super::bucket::Written;
use super::checksums::{self, Algorithm, Checksum, Digests, Running};
use super::content;
use super::durable::{self, TempFile};
use super::failure::{failed, no_such_upload};
use super::index::Stamp;
use super::parts::Part;
use super::slots::{self, MIN_PART, Slot};

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

    /// The checksum of a part that is needed besides the claimed one, to know that of the object when the upload is completed.
    pub(super) fn further_checksum(&self, claimed: Algorithm) -> Option<Algorithm> {
        Some(self.part_algorithm()).filter(|algorithm| *algorithm != claimed && !self.record.composite)
    }

    /// A place for a part of this size where it will be in the object; `None` if it has to get a file of its own.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn claim_slot(&self, number: i32, size: u64, scratch: &Path) -> S3Result<Option<Slot>> {
        let number = checked_number(number)?.unsigned_abs();
        Slot::claim(&self.dir, number, size, scratch).map_err(ended_or("store the part"))
    }

    /// Adds a part in a file of its own, replacing an earlier one of the same number.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad number, `NoSuchUpload` if the upload has ended meanwhile, `InternalError`.
    pub(super) fn add(&self, number: i32, content: TempFile, digests: &Digests) -> S3Result<Part> {
        let path = self.dir.join(Part::name(checked_number(number)?, digests, None));
        content.move_to(&path).map_err(ended_or("store the part"))?;
        self.added(path)
    }

    /// Adds a part that was written into its slot and is on the disk.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn add_in_slot(&self, number: i32, slot: &Slot, digests: &Digests) -> S3Result<Part> {
        let path = self.dir.join(Part::name(checked_number(number)?, digests, Some(slot.offset())));
        File::create(&path).map_err(ended_or("store the part"))?;
        self.added(path)
    }

    fn added(&self, path: PathBuf) -> S3Result<Part> {
        durable::sync_dir(&self.dir).map_err(ended_or("store the part"))?;
        let stamp = fs::metadata(&path).and_then(|metadata| Stamp::of(&metadata)).map_err(ended_or("read the part"))?;
        let part = Part::at(path, stamp).map(|(_, part)| part);
        part.ok_or_else(|| failed("read the part")(io::Error::other("its name tells no part")))
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
            let Some((number, part)) = Part::at(entry.path(), Stamp::of(&entry.metadata()?)?) else { continue };
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
        let algorithm = self.part_algorithm();
        let checksum = if self.record.composite {
            Some(composite(&parts, algorithm)?)
        } else {
            let known = parts.iter().map(|part| Some((part.checksum(algorithm)?, part.size)));
            known.collect::<Option<Vec<_>>>().and_then(|known| checksums::concatenated(&known))
        };
        let content = self.put_together(&parts, scratch).map_err(ended_or("put the parts together"))?;
        let stamp = fs::metadata(content.path()).and_then(|metadata| Stamp::of(&metadata));
        let stamp = stamp.map_err(failed("read the object"))?;
        let checksum = match checksum {
            Some(checksum) => checksum,
            // Parts of an upload that was begun by an earlier version lack it if they were claimed to have another one.
            None => checksum_of(content.path(), stamp.size, algorithm).map_err(failed("read the object"))?,
        };
        let attributes = Attributes { etag: Part::etag_of_all(&parts), checksum, headers: self.record.headers.clone() };
        Ok(Written { content, stamp, attributes })
    }

    /// A file of these parts. Nothing is copied if there is one already.
    fn put_together(&self, parts: &[Part], scratch: &Path) -> io::Result<TempFile> {
        if let [only] = parts
            && let Some(file) = only.own_file()
            // Not every file system has links.
            && let Ok(file) = TempFile::link(file, scratch)
        {
            return Ok(file);
        }
        let places = parts.iter().map(|part| (part.offset, part.size));
        if let Some(whole) = slots::end_to_end(&self.dir, places, scratch)? {
            return Ok(whole);
        }
        let mut whole = TempFile::create(scratch)?;
        for part in parts {
            io::copy(&mut part.open()?, whole.file()?)?;
        }
        whole.sync()?;
        Ok(whole)
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

fn checked_number(number: i32) -> S3Result<i32> {
    if (1..=MAX_PARTS).contains(&number) {
        return Ok(number);
    }
    Err(s3_error!(InvalidArgument, "Part number must be an integer between 1 and {MAX_PARTS}, inclusive"))
}

/// For errors of an upload that may be removed at any moment.
fn ended_or(what: &'static str) -> impl Fn(io::Error) -> S3Error {
    move |error| if error.kind() == io::ErrorKind::NotFound { no_such_upload() } else { failed(what)(error) }
}

fn checksum_of(path: &Path, size: u64, algorithm: Algorithm) -> io::Result<Checksum> {
    let mut running = Running::new(algorithm);
    content::each_block(&mut File::open(path)?, size, |data| {
        running.update(data);
        Ok(())
    })?;
    Ok(running.finish())
}

/// The checksum of the parts' checksums.
fn composite(parts: &[Part], algorithm: Algorithm) -> S3Result<Checksum> {
    let mut running = Running::new(algorithm);
    for part in parts {
        let value = part.checksum.of(algorithm).and_then(|value| STANDARD.decode(value).ok());
        running.update(&value.ok_or_else(|| s3_error!(InvalidPart, "a part has no {} checksum", algorithm.name()))?);
    }
    let value = format!("{}-{}", running.finish().value, parts.len());
    Ok(Checksum { algorithm, value, composite: true })
}

//! What an object has besides its content, and the sidecar file that keeps it.
//!
//! Most of it can be told from the file alone, and then there is no sidecar: the ETag is the content's MD5, the checksum its
//! CRC-32 (the SDKs' default), the content type that of the key's extension, and the last change the file's. So a folder of
//! plain files is a valid bucket, and a log object is one file. A sidecar names the size and time of the file it belongs to and
//! counts only for that, so an object edited by hand is described by its new content.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::Path;
use std::time::SystemTime;

use s3s::dto::Timestamp;
use serde::{Deserialize, Serialize};

use super::checksums::{Algorithm, Checksum, Digests, Hasher};
use super::content;
use super::durable::TempFile;
use super::index::Stamp;

/// The content type of an object that was given none.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
/// Above this size in bytes an object always has a sidecar, so that no start has to read it for its ETag.
const MAX_DERIVED: u64 = 1 << 20;

/// What a caller set along with an object's content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) website_redirect_location: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: BTreeMap<String, String>,
}

impl Headers {
    /// Those of an object without a sidecar.
    fn derived(key: &str) -> Self {
        Self { content_type: derived_content_type(key).map(str::to_owned), ..Self::default() }
    }

    /// The content type to answer with.
    pub(super) fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE)
    }
}

/// The types that an extension implies: those of what a person drops into the folder, and of our own log objects.
fn derived_content_type(key: &str) -> Option<&'static str> {
    let name = key.rsplit('/').next().unwrap_or(key);
    match name.rsplit_once('.')?.1 {
        "json" => Some("application/json"),
        "txt" => Some("text/plain"),
        "csv" => Some("text/csv"),
        "html" => Some("text/html"),
        _ => None,
    }
}

/// What an object has besides its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) etag: String,
    pub(super) checksum: Checksum,
    #[serde(flatten)]
    pub(super) headers: Headers,
}

/// The sidecar's JSON.
#[derive(Serialize, Deserialize)]
struct Sidecar<A> {
    size: u64,
    /// The file's last change in nanoseconds since 1970.
    modified_ns: u64,
    #[serde(flatten)]
    attributes: A,
}

impl Attributes {
    /// Whether an object has to have a sidecar to come back as it is.
    pub(super) fn need_sidecar(&self, key: &str, size: u64) -> bool {
        size > MAX_DERIVED
            || self.checksum.algorithm != Algorithm::Crc32
            || self.checksum.composite
            || self.etag.contains('-')
            || self.headers != Headers::derived(key)
    }

    /// Writes the sidecar of the file with this stamp; the caller moves it into place.
    pub(super) fn write_sidecar(&self, stamp: Stamp, scratch: &Path) -> io::Result<TempFile> {
        let sidecar = Sidecar { size: stamp.size, modified_ns: nanoseconds(stamp.modified), attributes: self };
        TempFile::with(&serde_json::to_vec(&sidecar)?, scratch)
    }

    /// The attributes of the open file of `key`: its sidecar's, or else derived from the content. The file is left at its start.
    pub(super) fn load(key: &str, sidecar: &Path, file: &mut File, stamp: Stamp) -> io::Result<Self> {
        if let Some(attributes) = read_sidecar(sidecar, stamp)? {
            return Ok(attributes);
        }
        let digests = digest(file, stamp.size, Algorithm::Crc32)?;
        file.rewind()?;
        Ok(Self { etag: digests.etag(), checksum: digests.checksum, headers: Headers::derived(key) })
    }
}

fn read_sidecar(path: &Path, stamp: Stamp) -> io::Result<Option<Attributes>> {
    let json = match fs::read(path) {
        Ok(json) => json,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match serde_json::from_slice::<Sidecar<Attributes>>(&json) {
        Ok(sidecar) if sidecar.size == stamp.size && sidecar.modified_ns == nanoseconds(stamp.modified) => {
            Ok(Some(sidecar.attributes))
        }
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "ignoring an unreadable sidecar");
            Ok(None)
        }
    }
}

fn digest(file: &mut File, size: u64, algorithm: Algorithm) -> io::Result<Digests> {
    let mut hasher = Hasher::new(algorithm, None);
    content::each_block(file, size, |data| {
        hasher.update(data);
        Ok(())
    })?;
    Ok(hasher.finish())
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

/// Takes the headers out of a request's input.
macro_rules! headers_of {
    ($input:expr) => {
        $crate::s3::attributes::Headers {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take(),
            content_language: $input.content_language.take(),
            expires: $input.expires.take(),
            website_redirect_location: $input.website_redirect_location.take(),
            metadata: $input.metadata.take().into_iter().flatten().collect(),
            tags: $crate::s3::tagging_calls::from_header($input.tagging.as_deref())?,
        }
    };
}
pub(super) use headers_of;

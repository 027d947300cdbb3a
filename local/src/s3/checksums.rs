//! The checksums that S3 keeps beside the MD5 of an object, and how a request claims one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::{ChecksumAlgorithm, ChecksumType};
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// A checksum algorithm of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The name in headers and XML.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => ChecksumAlgorithm::CRC32,
            Self::Crc32c => ChecksumAlgorithm::CRC32C,
            Self::Crc64Nvme => ChecksumAlgorithm::CRC64NVME,
            Self::Sha1 => ChecksumAlgorithm::SHA1,
            Self::Sha256 => ChecksumAlgorithm::SHA256,
        }
    }

    /// The header, or trailer, that carries a value.
    fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(super) fn parse(name: &str) -> S3Result<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| s3_error!(InvalidRequest, "{name} is not a checksum algorithm"))
    }
}

/// A checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// Base64; that of a composite one ends in `-` and the number of parts.
    pub(super) value: String,
    /// Whether it is the checksum of the parts' checksums rather than of the content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) composite: bool,
}

impl Checksum {
    pub(super) fn kind(&self) -> ChecksumType {
        let kind = if self.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        ChecksumType::from_static(kind)
    }

    /// The value, if it is of this algorithm: fills the one field in five of a response that fits.
    pub(super) fn of(&self, algorithm: Algorithm) -> Option<String> {
        (self.algorithm == algorithm).then(|| self.value.clone())
    }
}

/// Sets the five checksum fields of a response.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr) => {{
        let checksum: &$crate::s3::checksums::Checksum = $checksum;
        $output.checksum_crc32 = checksum.of($crate::s3::checksums::Algorithm::Crc32);
        $output.checksum_crc32c = checksum.of($crate::s3::checksums::Algorithm::Crc32c);
        $output.checksum_crc64nvme = checksum.of($crate::s3::checksums::Algorithm::Crc64Nvme);
        $output.checksum_sha1 = checksum.of($crate::s3::checksums::Algorithm::Sha1);
        $output.checksum_sha256 = checksum.of($crate::s3::checksums::Algorithm::Sha256);
    }};
}
pub(super) use set_checksum;

/// Reads the five checksum fields of a request, in the order of [`Algorithm::ALL`].
macro_rules! claimed_checksums {
    ($input:expr) => {
        [
            $input.checksum_crc32.as_deref(),
            $input.checksum_crc32c.as_deref(),
            $input.checksum_crc64nvme.as_deref(),
            $input.checksum_sha1.as_deref(),
            $input.checksum_sha256.as_deref(),
        ]
    };
}
pub(super) use claimed_checksums;

/// The checksum a request claims its body to have.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) algorithm: Algorithm,
    /// Absent when it comes in the trailer or was left to us.
    pub(super) value: Option<String>,
}

impl Claim {
    /// From the five header fields (in the order of [`Algorithm::ALL`]) and the algorithm the request names.
    ///
    /// # Errors
    /// `InvalidRequest` for more than one checksum or an unknown algorithm.
    pub(super) fn new(values: [Option<&str>; 5], named: Option<&ChecksumAlgorithm>) -> S3Result<Option<Self>> {
        let mut claims =
            Algorithm::ALL.into_iter().zip(values).filter_map(|(algorithm, value)| Some((algorithm, value?)));
        if let Some((algorithm, value)) = claims.next() {
            if claims.next().is_some() {
                return Err(s3_error!(InvalidRequest, "Expecting a single x-amz-checksum- header"));
            }
            return Ok(Some(Self { algorithm, value: Some(value.to_owned()) }));
        }
        named.map(|named| Ok(Self { algorithm: Algorithm::parse(named.as_str())?, value: None })).transpose()
    }

    /// Compares the claim, in its header or trailer, with what was received.
    ///
    /// # Errors
    /// `BadDigest` if they differ.
    pub(super) fn check(&self, received: &Checksum, trailers: Option<&http::HeaderMap>) -> S3Result<()> {
        let trailer = || trailers?.get(self.algorithm.header())?.to_str().ok();
        match self.value.as_deref().or_else(trailer) {
            Some(value) if value != received.value => Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                self.algorithm.name()
            )),
            _ => Ok(()),
        }
    }
}

/// Computes the MD5 and one checksum of a content in one pass.
pub(super) struct Hasher {
    md5: Md5,
    checksum: Running,
    algorithm: Algorithm,
    size: u64,
}

enum Running {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

/// What a [`Hasher`] found.
#[derive(Debug, Clone)]
pub(super) struct Digests {
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Checksum,
}

impl Digests {
    /// The ETag of an object that was written in one piece: its MD5 in hexadecimal.
    pub(super) fn etag(&self) -> String {
        hex(self.md5)
    }
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        let checksum = match algorithm {
            Algorithm::Crc32 => Running::Crc32(Crc32::new()),
            Algorithm::Crc32c => Running::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Running::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Running::Sha1(Sha1::new()),
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
        };
        Self { md5: Md5::new(), checksum, algorithm, size: 0 }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        self.size += data.len() as u64;
        self.md5.update(data);
        match &mut self.checksum {
            Running::Crc32(running) => running.update(data),
            Running::Crc32c(running) => running.update(data),
            Running::Crc64Nvme(running) => running.update(data),
            Running::Sha1(running) => running.update(data),
            Running::Sha256(running) => running.update(data),
        }
    }

    pub(super) fn finish(self) -> Digests {
        let value = match self.checksum {
            Running::Crc32(running) => base64(running.finalize()),
            Running::Crc32c(running) => base64(running.finalize()),
            Running::Crc64Nvme(running) => base64(running.finalize()),
            Running::Sha1(running) => base64(running.finalize()),
            Running::Sha256(running) => base64(running.finalize()),
        };
        let checksum = Checksum { algorithm: self.algorithm, value, composite: false };
        Digests { size: self.size, md5: self.md5.finalize(), checksum }
    }
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn hex(md5: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(md5))
}

//! The checksums that S3 keeps beside the MD5 of an object, and how a request claims one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
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

/// Computes the MD5 and one or two checksums of a content in one pass.
pub(super) struct Hasher {
    md5: Md5,
    checksum: Running,
    also: Option<Running>,
    size: u64,
}

/// One checksum under way.
pub(super) enum Running {
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
    /// The second one.
    pub(super) also: Option<Checksum>,
}

impl Digests {
    /// The ETag of an object that was written in one piece: its MD5 in hexadecimal.
    pub(super) fn etag(&self) -> String {
        hex(self.md5)
    }
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm, also: Option<Algorithm>) -> Self {
        Self { md5: Md5::new(), checksum: Running::new(algorithm), also: also.map(Running::new), size: 0 }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        self.size += data.len() as u64;
        self.md5.update(data);
        self.checksum.update(data);
        if let Some(also) = &mut self.also {
            also.update(data);
        }
    }

    pub(super) fn finish(self) -> Digests {
        Digests {
            size: self.size,
            md5: self.md5.finalize(),
            checksum: self.checksum.finish(),
            also: self.also.map(Running::finish),
        }
    }
}

impl Running {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(running) => running.update(data),
            Self::Crc32c(running) => running.update(data),
            Self::Crc64Nvme(running) => running.update(data),
            Self::Sha1(running) => running.update(data),
            Self::Sha256(running) => running.update(data),
        }
    }

    pub(super) fn finish(self) -> Checksum {
        let (algorithm, value) = match self {
            Self::Crc32(running) => (Algorithm::Crc32, base64(running.finalize())),
            Self::Crc32c(running) => (Algorithm::Crc32c, base64(running.finalize())),
            Self::Crc64Nvme(running) => (Algorithm::Crc64Nvme, base64(running.finalize())),
            Self::Sha1(running) => (Algorithm::Sha1, base64(running.finalize())),
            Self::Sha256(running) => (Algorithm::Sha256, base64(running.finalize())),
        };
        Checksum { algorithm, value, composite: false }
    }
}

/// The checksum of contents put one after the other, from the checksum and the size in bytes of each. `None` if there are none,
/// or if their checksums are hashes: only those of a CRC can be put together.
pub(super) fn concatenated(pieces: &[(&Checksum, u64)]) -> Option<Checksum> {
    let algorithm = pieces.first()?.0.algorithm;
    let (crc, width) = match algorithm {
        Algorithm::Crc32 => (CrcAlgorithm::Crc32IsoHdlc, 4),
        Algorithm::Crc32c => (CrcAlgorithm::Crc32Iscsi, 4),
        Algorithm::Crc64Nvme => (CrcAlgorithm::Crc64Nvme, 8),
        Algorithm::Sha1 | Algorithm::Sha256 => return None,
    };
    let mut whole = None;
    for (checksum, size) in pieces {
        let bytes = STANDARD.decode(&checksum.value).ok().filter(|bytes| bytes.len() == width)?;
        let value = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        whole = Some(match whole {
            Some(whole) if *size == 0 => whole,
            Some(whole) => checksum_combine(crc, whole, value, *size),
            None => value,
        });
    }
    let value = base64(whole?.to_be_bytes().get(8 - width..)?);
    Some(Checksum { algorithm, value, composite: false })
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn hex(md5: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(md5))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn checksum(algorithm: Algorithm, data: &[u8]) -> Checksum {
        let mut running = Running::new(algorithm);
        running.update(data);
        running.finish()
    }

    proptest! {
        #[test]
        fn checksums_of_pieces_give_that_of_the_whole(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6),
        ) {
            for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
                let known: Vec<_> = pieces.iter().map(|piece| (checksum(algorithm, piece), piece.len() as u64)).collect();
                let known: Vec<_> = known.iter().map(|(checksum, size)| (checksum, *size)).collect();
                prop_assert_eq!(concatenated(&known), Some(checksum(algorithm, &pieces.concat())));
            }
        }
    }

    #[test]
    fn hashes_that_are_no_crc_cannot_be_put_together() {
        assert_eq!(concatenated(&[(&checksum(Algorithm::Sha256, b"x"), 1)]), None);
        assert_eq!(concatenated(&[]), None);
    }
}

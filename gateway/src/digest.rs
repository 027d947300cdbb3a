//! Digests of requests, which tell one request from another.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// The SHA-256 of a request as it stands on the queue, or in S3.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(payload: &[u8]) -> Self {
        Self(Sha256::digest(payload).into())
    }

    /// Reads 64 hex digits.
    pub(crate) fn from_hex(digits: &str) -> Option<Self> {
        let mut digest = [0; 32];
        hex::decode_to_slice(digits, &mut digest).ok()?;
        Some(Self(digest))
    }

    /// 64 hex digits in lower case.
    pub(crate) fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_and_is_that_of_the_wire_contract() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        for bad in ["", "ab", &"g".repeat(64), &"0".repeat(66)] {
            assert_eq!(Digest::from_hex(bad), None, "{bad:?}");
        }
    }
}

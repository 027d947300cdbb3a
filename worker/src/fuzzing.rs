//! Doors for the fuzz targets in `fuzz/` to what reads payloads. Not in any other build.

use compute_proto::v1::ComputeRequest;

use crate::payload::protobuf::{DecodeError, RequestDecoder};

/// Why bytes are not taken as a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// They are no serialized request, with what its sender is told.
    Malformed(String),
    /// It has more values than are allowed.
    TooManyValues,
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed { .. } => Self::Malformed(error.to_string()),
            DecodeError::TooManyValues { .. } => Self::TooManyValues,
            DecodeError::NoMemory { limit } => panic!("no memory for {limit} values"),
        }
    }
}

/// The reader of a serialized request that comes in pieces.
#[derive(Debug)]
pub struct PayloadDecoder(RequestDecoder);

impl PayloadDecoder {
    /// A reader of a request that is so many bytes long, and may have so many values.
    pub fn new(size: usize, limit: usize) -> Self {
        Self(RequestDecoder::new(size, limit).expect("there is memory for the values of a small request"))
    }

    /// Reads the next piece.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Refused> {
        Ok(self.0.feed(piece)?)
    }

    /// How many values have come.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// The bytes that it has taken from the allocator.
    pub fn memory(&self) -> usize {
        self.0.memory()
    }

    /// The request, when all of it has come.
    pub fn finish(self) -> Result<ComputeRequest, Refused> {
        Ok(self.0.finish()?)
    }
}

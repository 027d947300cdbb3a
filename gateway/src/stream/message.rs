//! The messages of a stream as the gateway reads them: their values stay bytes.
//!
//! Those bytes stand in the payload. Decoding them and encoding them again would be almost half of what the gateway does for a
//! long list. What is accepted, and what it means, is what prost makes of a `ComputeStreamRequest`.

use bytes::{Buf, BufMut, Bytes};
use compute_proto::v1::ComputeStreamRequest;
use prost::encoding::{self, DecodeContext, WireType, check_wire_type, decode_varint, encode_varint};
use prost::{DecodeError, Message};

use super::varint;

/// The number of the field `values`.
pub(super) const VALUES: u32 = 1;

/// A `ComputeStreamRequest` whose values are packed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PackedRequest {
    pub(super) values: PackedValues,
    /// Everything else.
    pub(super) rest: ComputeStreamRequest,
}

/// Values as one run of varints, each in as few bytes as it takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PackedValues {
    /// The bytes that have come, in the buffer that they came in.
    Came(Bytes),
    /// A copy, since they came in several runs, one by one, or in more bytes than they take.
    Rewritten(Vec<u8>),
}

#[cfg(fuzzing)]
impl PackedRequest {
    /// Its values, as they stand in the payload.
    pub(crate) fn packed_values(&self) -> &[u8] {
        self.values.as_bytes()
    }
}

impl Message for PackedRequest {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        let values = self.values.as_bytes();
        if !values.is_empty() {
            encoding::encode_key(VALUES, WireType::LengthDelimited, buf);
            encode_varint(values.len() as u64, buf);
            buf.put_slice(values);
        }
        self.rest.encode_raw(buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            VALUES => self.values.merge(wire_type, buf, ctx).map_err(|mut error| {
                error.push("ComputeStreamRequest", "values");
                error
            }),
            _ => self.rest.merge_field(tag, wire_type, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        let values = match self.values.as_bytes().len() {
            0 => 0,
            length => encoding::key_len(VALUES) + encoding::encoded_len_varint(length as u64) + length,
        };
        values + self.rest.encoded_len()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Default for PackedValues {
    fn default() -> Self {
        Self::Came(Bytes::new())
    }
}

impl PackedValues {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Came(bytes) => bytes,
            Self::Rewritten(bytes) => bytes,
        }
    }

    /// These values, as a message has them.
    #[cfg(test)]
    pub(super) fn of(values: &[i64]) -> Self {
        let message = ComputeStreamRequest { values: values.to_vec(), ..Default::default() }.encode_to_vec();
        PackedRequest::decode(message.as_slice()).expect("a message").values
    }

    /// Appends what a field has: a run, or a single value.
    fn merge(&mut self, wire_type: WireType, buf: &mut impl Buf, ctx: DecodeContext) -> Result<(), DecodeError> {
        if wire_type != WireType::LengthDelimited {
            check_wire_type(WireType::Varint, wire_type)?;
            encode_varint(decode_varint(buf)?, self.rewritten());
            return Ok(());
        }
        let mut run = Bytes::new();
        encoding::bytes::merge(wire_type, &mut run, buf, ctx)?;
        match varint::is_canonical(&run) {
            true if self.as_bytes().is_empty() => *self = Self::Came(run),
            true => self.rewritten().extend_from_slice(&run),
            false => {
                let values = self.rewritten();
                while run.has_remaining() {
                    encode_varint(decode_varint(&mut run)?, values);
                }
            }
        }
        Ok(())
    }

    /// The values so far, for others to be appended.
    fn rewritten(&mut self) -> &mut Vec<u8> {
        if let Self::Came(bytes) = self {
            *self = Self::Rewritten(bytes.to_vec());
        }
        match self {
            Self::Rewritten(bytes) => bytes,
            Self::Came(_) => unreachable!("they were rewritten just now"),
        }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;

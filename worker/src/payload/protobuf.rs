//! A serialized `ComputeRequest`, read from the pieces it comes in.
//!
//! The values go straight into a list, a varint that is cut by the end of a piece is put together, and nothing else is kept but
//! the other fields of the request, which prost reads at the end. What is accepted, and what comes out, is what prost makes of
//! the whole: see the [encoding](https://protobuf.dev/programming-guides/encoding/).

use compute_proto::v1::ComputeRequest;
use prost::Message as _;
use prost::encoding::encode_varint;

/// The most bytes of a varint.
const MAX_VARINT: usize = 10;

/// The number of the field `values`, and of the last field that is known.
const VALUES: u32 = 1;
const LAST_FIELD: u32 = 5;

/// The most bytes of all fields but `values`. Those of a valid request have less than two thousand.
const MAX_OTHERS: usize = 64 << 10;

/// How deep groups may be nested: prost's limit.
const MAX_DEPTH: usize = 100;

/// Why bytes are not taken as a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// They are not a serialized message of this type.
    #[error("the payload is not a serialized ComputeRequest: {reason}")]
    Malformed { reason: String },
    /// The list of values is longer than was said to be allowed.
    #[error("the list holds more than {limit} values")]
    TooManyValues { limit: usize },
    /// There is no memory for the values.
    #[error("there is no memory for {limit} values")]
    NoMemory { limit: usize },
}

/// A reader of one request.
#[derive(Debug)]
pub(crate) struct RequestDecoder {
    values: Vec<i64>,
    /// The most values.
    limit: usize,
    /// Known fields but `values`, serialized.
    others: Vec<u8>,
    expected: Expected,
    /// The beginning of a varint that the end of a piece has cut.
    cut: Cut,
    /// The numbers of the groups, all unknown, that are being skipped.
    groups: Vec<u32>,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Key,
    /// One value, not packed.
    Value,
    PackedLength,
    /// Values, until that many bytes more have come.
    Packed {
        left: u64,
    },
    Varint {
        is_kept: bool,
    },
    Length {
        is_kept: bool,
    },
    Bytes {
        left: u64,
        is_kept: bool,
    },
}

#[derive(Debug, Default)]
struct Cut {
    bytes: [u8; MAX_VARINT],
    length: usize,
}

impl RequestDecoder {
    /// A reader of a request that is so many bytes long, and may have so many values.
    ///
    /// Makes room for all values that these bytes can hold. The system finds memory for it only as they come.
    pub(crate) fn new(size: usize, limit: usize) -> Result<Self, DecodeError> {
        let mut values = Vec::new();
        values.try_reserve_exact(size.min(limit)).map_err(|_| DecodeError::NoMemory { limit })?;
        let (others, groups) = (Vec::new(), Vec::new());
        Ok(Self { values, limit, others, expected: Expected::Key, cut: Cut::default(), groups })
    }

    /// How many values have come.
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }

    /// The bytes that it has taken from the allocator.
    #[cfg(fuzzing)]
    pub(crate) fn memory(&self) -> usize {
        self.values.capacity() * size_of::<i64>() + self.others.capacity() + self.groups.capacity() * size_of::<u32>()
    }

    /// Reads the next piece.
    pub(crate) fn feed(&mut self, mut piece: &[u8]) -> Result<(), DecodeError> {
        while !piece.is_empty() {
            match self.expected {
                Expected::Packed { left } => self.packed(left, &mut piece)?,
                Expected::Bytes { left, is_kept } => self.bytes(left, is_kept, &mut piece)?,
                Expected::Key
                | Expected::Value
                | Expected::PackedLength
                | Expected::Varint { .. }
                | Expected::Length { .. } => {
                    let Some(number) = self.cut.varint(&mut piece)? else { return Ok(()) };
                    self.number(number)?;
                }
            }
        }
        Ok(())
    }

    /// The request, when all of it has come.
    pub(crate) fn finish(self) -> Result<ComputeRequest, DecodeError> {
        let is_whole = matches!(self.expected, Expected::Key) && self.cut.length == 0 && self.groups.is_empty();
        if !is_whole {
            return Err(malformed("it ends in the midst of a field"));
        }
        let mut request = ComputeRequest::decode(&*self.others).map_err(|error| malformed(error.to_string()))?;
        request.values = self.values;
        Ok(request)
    }

    fn number(&mut self, number: u64) -> Result<(), DecodeError> {
        self.expected = match self.expected {
            Expected::Key => return self.key(number),
            Expected::Value => {
                self.push(number)?;
                Expected::Key
            }
            Expected::PackedLength if number == 0 => Expected::Key,
            Expected::PackedLength => Expected::Packed { left: number },
            Expected::Varint { is_kept } => {
                self.keep_varint(number, is_kept)?;
                Expected::Key
            }
            Expected::Length { is_kept } => {
                self.keep_varint(number, is_kept)?;
                if number == 0 { Expected::Key } else { Expected::Bytes { left: number, is_kept } }
            }
            Expected::Packed { .. } | Expected::Bytes { .. } => unreachable!("these are not single numbers"),
        };
        Ok(())
    }

    fn key(&mut self, key: u64) -> Result<(), DecodeError> {
        const VARINT: u64 = 0;
        const FIXED_64: u64 = 1;
        const LENGTH: u64 = 2;
        const START_GROUP: u64 = 3;
        const END_GROUP: u64 = 4;
        const FIXED_32: u64 = 5;

        let (field, wire_type) = (u32::try_from(key >> 3).unwrap_or(u32::MAX), key & 7);
        if field == 0 || key > u64::from(u32::MAX) {
            return Err(malformed("it has a field with an impossible number"));
        }
        if self.groups.len() >= MAX_DEPTH && wire_type != END_GROUP {
            return Err(malformed("its groups are nested too deep"));
        }
        let is_known = self.groups.is_empty() && field <= LAST_FIELD;
        let is_kept = is_known && field != VALUES;
        self.expected = match wire_type {
            VARINT if is_known && !is_kept => Expected::Value,
            LENGTH if is_known && !is_kept => Expected::PackedLength,
            _ if is_known && !is_kept => return Err(malformed("its values are of another type")),
            VARINT => Expected::Varint { is_kept },
            LENGTH => Expected::Length { is_kept },
            FIXED_64 => Expected::Bytes { left: 8, is_kept },
            FIXED_32 => Expected::Bytes { left: 4, is_kept },
            START_GROUP if !is_known => {
                self.groups.push(field);
                Expected::Key
            }
            END_GROUP if !is_known && self.groups.pop() == Some(field) => Expected::Key,
            _ => return Err(malformed("it has a field of an impossible type")),
        };
        self.keep_varint(key, is_kept)
    }

    /// Reads values out of a run of them that has so many bytes left.
    fn packed(&mut self, left: u64, piece: &mut &[u8]) -> Result<(), DecodeError> {
        let available = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (mut run, rest) = piece.split_at(available);
        *piece = rest;
        while !run.is_empty() {
            if self.cut.length == 0
                && let Some(window) = run.first_chunk()
            {
                let (number, size) = varint(window).ok_or_else(impossible_varint)?;
                self.push(number)?;
                run = &run[size..];
            } else if let Some(number) = self.cut.varint(&mut run)? {
                self.push(number)?;
            }
        }
        let left = left - available as u64;
        if left == 0 && self.cut.length > 0 {
            return Err(malformed("the last of its values is cut"));
        }
        self.expected = if left == 0 { Expected::Key } else { Expected::Packed { left } };
        Ok(())
    }

    fn bytes(&mut self, left: u64, is_kept: bool, piece: &mut &[u8]) -> Result<(), DecodeError> {
        let available = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let (now, rest) = piece.split_at(available);
        *piece = rest;
        if is_kept {
            self.others.extend_from_slice(now);
            self.check_others()?;
        }
        let left = left - available as u64;
        self.expected = if left == 0 { Expected::Key } else { Expected::Bytes { left, is_kept } };
        Ok(())
    }

    /// The encoding of signed integers: the sign is the lowest bit.
    fn push(&mut self, zigzag: u64) -> Result<(), DecodeError> {
        if self.values.len() == self.limit {
            return Err(DecodeError::TooManyValues { limit: self.limit });
        }
        self.values.push((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
        Ok(())
    }

    fn keep_varint(&mut self, number: u64, is_kept: bool) -> Result<(), DecodeError> {
        if is_kept {
            encode_varint(number, &mut self.others);
        }
        self.check_others()
    }

    fn check_others(&self) -> Result<(), DecodeError> {
        if self.others.len() > MAX_OTHERS {
            return Err(malformed(format!("its fields other than values have more than {MAX_OTHERS} bytes")));
        }
        Ok(())
    }
}

impl Cut {
    /// The next number, or none if the piece ends before it does: what there is of it is kept.
    fn varint(&mut self, piece: &mut &[u8]) -> Result<Option<u64>, DecodeError> {
        while let Some((&byte, rest)) = piece.split_first() {
            if self.length == MAX_VARINT {
                return Err(impossible_varint());
            }
            *piece = rest;
            self.bytes[self.length] = byte;
            self.length += 1;
            if byte < 0x80 {
                self.bytes[self.length..].fill(0);
                self.length = 0;
                let (number, _) = varint(&self.bytes).ok_or_else(impossible_varint)?;
                return Ok(Some(number));
            }
        }
        Ok(None)
    }
}

/// The number that these bytes begin with, and how many of them it takes; none if it has more than 64 bits.
///
/// Without a branch for each byte: in a list of large numbers, their lengths cannot be foreseen.
#[inline]
fn varint(bytes: &[u8; MAX_VARINT]) -> Option<(u64, usize)> {
    const CONTINUES: u64 = 0x8080_8080_8080_8080;
    let [first @ .., ninth, tenth] = *bytes;
    let word = u64::from_le_bytes(first);
    let ends = !word & CONTINUES;
    if ends != 0 {
        // All bits up to and with the one that ends the number.
        let number = word & (ends ^ (ends - 1));
        return Some((join_sevens(number), ends.trailing_zeros() as usize / 8 + 1));
    }
    let (low, ninth, tenth) = (join_sevens(word), u64::from(ninth), u64::from(tenth));
    match (ninth, tenth) {
        (0..0x80, _) => Some((low | ninth << 56, 9)),
        (_, 0..2) => Some((low | (ninth & 0x7f) << 56 | tenth << 63, 10)),
        _ => None,
    }
}

/// Joins the lower seven bits of eight bytes.
fn join_sevens(word: u64) -> u64 {
    let fourteens = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let twenty_eights = (fourteens & 0x0000_3fff_0000_3fff) | (fourteens & 0x3fff_0000_3fff_0000) >> 2;
    (twenty_eights & 0x0000_0000_0fff_ffff) | (twenty_eights & 0x0fff_ffff_0000_0000) >> 4
}

fn impossible_varint() -> DecodeError {
    malformed("it has a number of more than 64 bits")
}

fn malformed(reason: impl Into<String>) -> DecodeError {
    DecodeError::Malformed { reason: reason.into() }
}

#[cfg(test)]
#[path = "protobuf_tests.rs"]
mod tests;

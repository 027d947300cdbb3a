//! The one form of a request as protobuf bytes, however its caller cut it into messages.
//!
//! It is a `ComputeRequest` as any protobuf library reads it: first the fields that say what to compute, in the order of their
//! numbers; then the values, in packed runs of [`RUN`] but for the last one, which has the rest. (Protobuf joins the runs of a
//! repeated field.) The SHA-256 of these bytes tells whether a call repeats another one, so the form is never changed: a
//! gateway that is newer has to find the same digest. The operation id is no part of it.

use compute_proto::v1::ComputeRequest;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::message::VALUES;
use super::varint;

/// The media type of these bytes.
pub(crate) const MEDIA_TYPE: &str = "application/x-protobuf";

/// Values of a run.
pub(super) const RUN: usize = 65_536;

/// The fields of a request that say what to compute, as they stand before the values.
pub(super) fn options(request: &ComputeRequest) -> Vec<u8> {
    let ComputeRequest { values: _, quantiles, histogram, finish_late, operation_id: _ } = request;
    let (quantiles, histogram, finish_late) = (quantiles.clone(), *histogram, *finish_late);
    ComputeRequest { quantiles, histogram, finish_late, ..Default::default() }.encode_to_vec()
}

/// Where the values begin in a run's bytes. Before them is room for a key of one byte, and for a length that is at most
/// 655,360, which takes three.
const HEAD: usize = 4;

/// A run of values that fills.
pub(super) struct Run {
    /// Room for the head, and for as many values as there can be, however large.
    bytes: Box<[u8]>,
    end: usize,
    values: usize,
}

impl Run {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEAD + RUN * varint::LONGEST].into(), end: HEAD, values: 0 }
    }

    /// Whether no more values fit.
    pub(super) fn is_full(&self) -> bool {
        self.values == RUN
    }

    /// Appends values, canonical varints, from the front of `packed`: as many as there is room for.
    pub(super) fn fill(&mut self, packed: &mut &[u8]) {
        let (now, rest) = packed.split_at(varint::length_of(RUN - self.values, packed));
        *packed = rest;
        self.values += varint::count(now);
        let start = self.end;
        self.end += now.len();
        self.bytes[start..self.end].copy_from_slice(now);
    }

    /// The run as it stands in the payload, and room for the next one after that. Nothing if there are no values.
    pub(super) fn take(&mut self) -> &[u8] {
        let (end, values) = (self.end, self.values);
        (self.end, self.values) = (HEAD, 0);
        if values == 0 {
            return &[];
        }
        let mut head = Vec::with_capacity(HEAD);
        encode_key(VALUES, WireType::LengthDelimited, &mut head);
        encode_varint((end - HEAD) as u64, &mut head);
        let start = HEAD - head.len();
        self.bytes[start..HEAD].copy_from_slice(&head);
        &self.bytes[start..end]
    }
}

#[cfg(test)]
mod tests {
    use compute_proto::v1::HistogramOptions;

    use super::*;
    use crate::stream::message::PackedValues;

    /// The values of a list that came in these pieces, as they stand in the payload.
    fn runs(pieces: &[&[i64]]) -> Vec<u8> {
        let (mut run, mut bytes) = (Run::new(), Vec::new());
        for piece in pieces {
            let piece = PackedValues::of(piece);
            let mut packed = piece.as_bytes();
            while !packed.is_empty() {
                run.fill(&mut packed);
                if run.is_full() {
                    bytes.extend_from_slice(run.take());
                }
            }
        }
        bytes.extend_from_slice(run.take());
        bytes
    }

    /// Values of every length, and both signs.
    fn values(count: usize) -> Vec<i64> {
        let mut state = 1_u64;
        let mut value = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.cast_signed() >> (state >> 58)
        };
        (0..count).map(|_| value()).collect()
    }

    #[test]
    fn any_protobuf_library_reads_the_request_back() {
        let options = ComputeRequest {
            quantiles: vec![0.5, 0.99],
            histogram: Some(HistogramOptions { bins: 7 }),
            finish_late: true,
            ..Default::default()
        };
        for count in [1, 2, RUN - 1, RUN, RUN + 1, 3 * RUN, 200_000] {
            let mut values = values(count);
            values[0] = i64::MIN;
            values[count / 2] = i64::MAX;
            let bytes = [super::options(&options), runs(&[&values])].concat();
            let read = ComputeRequest::decode(bytes.as_slice()).expect("protobuf");
            assert!(read == ComputeRequest { values, ..options.clone() }, "{count} values");
        }
    }

    #[test]
    fn the_bytes_do_not_depend_on_how_the_list_was_cut() {
        let values = values(2 * RUN + 1000);
        let whole = runs(&[&values]);
        for size in [1, 1000, RUN - 1, RUN, RUN + 1, 2 * RUN] {
            let pieces: Vec<_> = values.chunks(size).collect();
            assert!(runs(&pieces) == whole, "cut every {size} values");
        }
    }

    #[test]
    fn the_form_is_the_one_that_digests_were_made_of() {
        let options = ComputeRequest { quantiles: vec![0.5], finish_late: true, ..Default::default() };
        let options = hex::encode(super::options(&options));
        assert_eq!(options, "1208000000000000e03f2001");
        assert_eq!(
            hex::encode(runs(&[&[0, -1, 1, 63, -64, 64, i64::MIN]])),
            "0a11000102 7e7f8001ffffffffffffffffff01".replace(' ', "")
        );
        assert!(runs(&[]).is_empty());
        // A full run of the largest values has the longest length, and one of the smallest the shortest.
        assert_eq!(runs(&[&[i64::MIN; RUN]])[..4], [0x0a, 0x80, 0x80, 0x28]);
        assert_eq!(runs(&[&[0; RUN]])[..4], [0x0a, 0x80, 0x80, 0x04]);
    }
}

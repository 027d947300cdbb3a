//! The one form of a request as protobuf bytes, however its caller cut it into messages.
//!
//! It is a `ComputeRequest` as any protobuf library reads it: first the fields that say what to compute, in the order of their
//! numbers; then the values, in packed runs of [`RUN`] but for the last one, which has the rest. (Protobuf joins the runs of a
//! repeated field.) The SHA-256 of these bytes tells whether a call repeats another one, so the form is never changed: a
//! gateway that is newer has to find the same digest. The operation id is no part of it.

use compute_proto::v1::ComputeRequest;
use prost::Message as _;

/// The media type of these bytes.
pub(super) const MEDIA_TYPE: &str = "application/x-protobuf";

/// Values of a run.
pub(super) const RUN: usize = 65_536;

/// The most bytes of a value: 7 bits in each byte.
const MAX_VARINT: usize = 10;

/// Field 1, `values`, and wire type 2, a length and so many bytes.
const VALUES_TAG: u8 = (1 << 3) | 2;

/// The fields of a request that say what to compute, as they stand before the values.
pub(super) fn options(request: &ComputeRequest) -> Vec<u8> {
    let ComputeRequest { values: _, quantiles, histogram, finish_late, operation_id: _ } = request;
    let (quantiles, histogram, finish_late) = (quantiles.clone(), *histogram, *finish_late);
    ComputeRequest { quantiles, histogram, finish_late, ..Default::default() }.encode_to_vec()
}

/// A run of values that fills.
pub(super) struct Run {
    /// Room for the tag, the length, and as many values as there can be, however large.
    bytes: Box<[u8]>,
    end: usize,
    values: usize,
}

/// Where the values begin in a run's bytes. Before them is room for a tag, and for a length that is at most 655,360, which
/// takes three bytes.
const HEAD: usize = 4;

impl Run {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEAD + RUN * MAX_VARINT].into(), end: HEAD, values: 0 }
    }

    /// How many more values fit.
    pub(super) fn room(&self) -> usize {
        RUN - self.values
    }

    /// Appends values; no more than there is room for.
    pub(super) fn extend(&mut self, values: &[i64]) {
        debug_assert!(values.len() <= self.room(), "the run is full");
        for &value in values {
            let Some(place) = self.bytes[self.end..].first_chunk_mut() else { unreachable!("there is room for {RUN}") };
            self.end += write_varint(zigzag(value), place);
        }
        self.values += values.len();
    }

    /// The run as it stands in the payload, and room for the next one after that. Nothing if there are no values.
    pub(super) fn take(&mut self) -> &[u8] {
        let (end, values) = (self.end, self.values);
        (self.end, self.values) = (HEAD, 0);
        if values == 0 {
            return &[];
        }
        let mut length = [0; MAX_VARINT];
        let length_len = write_varint((end - HEAD) as u64, &mut length);
        let start = HEAD - length_len - 1;
        self.bytes[start] = VALUES_TAG;
        self.bytes[start + 1..HEAD].copy_from_slice(&length[..length_len]);
        &self.bytes[start..end]
    }
}

/// Small magnitudes, of either sign, become small numbers.
/// [Protobuf's definition](https://protobuf.dev/programming-guides/encoding/#signed-ints).
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// Writes seven bits a byte, the lowest first, all bytes but the last with the high bit set. Tells how many there are.
fn write_varint(mut value: u64, place: &mut [u8; MAX_VARINT]) -> usize {
    let mut len = 0;
    while value >= 0x80 {
        place[len] = value as u8 | 0x80;
        value >>= 7;
        len += 1;
    }
    place[len] = value as u8;
    len + 1
}

#[cfg(test)]
mod tests {
    use compute_proto::v1::HistogramOptions;

    use super::*;

    /// The values of a list that came in these pieces, as they stand in the payload.
    fn runs(pieces: &[&[i64]]) -> Vec<u8> {
        let (mut run, mut bytes) = (Run::new(), Vec::new());
        for mut piece in pieces.iter().copied() {
            while !piece.is_empty() {
                let (now, rest) = piece.split_at(piece.len().min(run.room()));
                run.extend(now);
                if run.room() == 0 {
                    bytes.extend_from_slice(run.take());
                }
                piece = rest;
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

use compute_proto::v1::HistogramOptions;
use proptest::prelude::*;

use super::*;
use crate::stream::varint;

/// A field of a message, as bytes, well formed or not.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let values = prop::collection::vec((any::<i64>(), 0_u32..64).prop_map(|(value, bits)| value >> bits), 0..50);
    let known = (values, prop::collection::vec(any::<f64>(), 0..3), any::<Option<u32>>(), any::<bool>(), "[a-z]{0,3}");
    let known = known.prop_map(|(values, quantiles, bins, finish_late, operation_id)| {
        let histogram = bins.map(|bins| HistogramOptions { bins });
        ComputeStreamRequest { values, quantiles, histogram, finish_late, operation_id }.encode_to_vec()
    });
    // A run of bytes that are often a part of long numbers, and long spellings of short ones.
    let byte = prop_oneof![3 => Just(0x80), 3 => Just(0xff), 3 => 0_u8..3, 1 => any::<u8>()];
    let run = prop::collection::vec(byte, 0..40).prop_map(|run| {
        let mut field = Vec::new();
        encoding::bytes::encode(VALUES, &run, &mut field);
        field
    });
    let single = any::<u64>().prop_map(|number| {
        let mut field = Vec::new();
        encoding::uint64::encode(VALUES, &number, &mut field);
        field
    });
    // Any field of any type, with bytes that may be right for it.
    let other = (1_u32..8, 0_u64..6, prop::collection::vec(any::<u8>(), 0..12)).prop_map(|(tag, wire_type, bytes)| {
        let mut field = Vec::new();
        encode_varint(u64::from(tag) << 3 | wire_type, &mut field);
        field.extend(bytes);
        field
    });
    prop_oneof![4 => known, 4 => run, 2 => single, 1 => other]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(field(), 0..5).prop_map(|fields| fields.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_message_is_what_prost_makes_of_it(bytes in message()) {
        let expected = ComputeStreamRequest::decode(bytes.as_slice());
        let read = PackedRequest::decode(Bytes::from(bytes));
        prop_assert_eq!(read.is_ok(), expected.is_ok(), "{:?} instead of {:?}", read, expected);
        if let (Ok(read), Ok(expected)) = (read, expected) {
            prop_assert_eq!(varint::values(read.values.as_bytes()).collect::<Vec<_>>(), &*expected.values);
            // In the very bytes, so that there is one digest of a list, and the other fields too.
            let bytes = read.encode_to_vec();
            prop_assert_eq!(bytes.len(), read.encoded_len());
            prop_assert_eq!(bytes, expected.encode_to_vec());
        }
    }
}

#[test]
fn values_that_came_in_one_run_are_not_copied() {
    let bytes = Bytes::from(ComputeStreamRequest { values: vec![5; 1000], ..Default::default() }.encode_to_vec());
    let read = PackedRequest::decode(bytes.clone()).expect("a message");
    assert!(bytes.as_ptr_range().contains(&read.values.as_bytes().as_ptr()));
}

#[test]
fn a_stream_that_is_spelled_in_unusual_ways_is_the_same_list() {
    let usual = PackedRequest::decode(b"\x0a\x04\x00\x02\x80\x01".as_slice()).expect("a message");
    for unusual in [
        // Value by value; in two runs, one of them empty; in more bytes than it takes.
        &b"\x08\x00\x08\x02\x08\x80\x01"[..],
        b"\x0a\x01\x00\x0a\x00\x0a\x03\x02\x80\x01",
        b"\x0a\x0e\x80\x00\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00\x80\x01",
    ] {
        let read = PackedRequest::decode(unusual).expect("a message");
        assert_eq!(read.values.as_bytes(), usual.values.as_bytes(), "{unusual:x?}");
    }
}

use compute_proto::v1::HistogramOptions;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Reads in pieces of these sizes, over and over.
fn decode(bytes: &[u8], sizes: &[usize], limit: usize) -> Result<ComputeRequest, DecodeError> {
    let mut decoder = RequestDecoder::new(bytes.len(), limit)?;
    let (mut rest, mut sizes) = (bytes, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(*sizes.next().expect("it has no end")));
        decoder.feed(piece)?;
        rest = after;
    }
    decoder.finish()
}

fn any_value() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -70..70_i64, (0..64_u32, any::<i64>()).prop_map(|(shift, value)| value >> shift)]
}

/// A field as a sender may write it, known or unknown, in the expected form or another.
fn any_field() -> impl Strategy<Value = Vec<u8>> {
    let varint = |number: u64| {
        let mut bytes = Vec::new();
        encode_varint(number, &mut bytes);
        bytes
    };
    let with_key = move |field: u32, wire_type: u64, content: Vec<u8>| {
        [varint(u64::from(field) << 3 | wire_type), content].concat()
    };
    let field = || prop_oneof![1..7_u32, any::<u32>().prop_map(|field| field >> 3)];
    let delimited = move |content: Vec<u8>| [varint(content.len() as u64), content].concat();
    let unsigned = |value: i64| (value << 1 ^ value >> 63) as u64;
    prop_oneof![
        4 => vec(any_value(), 0..20).prop_map(move |values| {
            with_key(1, 2, delimited(values.into_iter().flat_map(|value| varint(unsigned(value))).collect()))
        }),
        2 => any_value().prop_map(move |value| with_key(1, 0, varint(unsigned(value)))),
        2 => vec(any::<f64>(), 0..4).prop_map(move |doubles| {
            with_key(2, 2, delimited(doubles.into_iter().flat_map(f64::to_le_bytes).collect()))
        }),
        1 => any::<u32>().prop_map(move |bins| with_key(3, 2, delimited(with_key(1, 0, varint(u64::from(bins)))))),
        1 => any::<bool>().prop_map(move |late| with_key(4, 0, vec![u8::from(late)])),
        1 => "[a-zé]{0,9}".prop_map(move |text| with_key(5, 2, delimited(text.into_bytes()))),
        1 => (field(), any::<u64>()).prop_map(move |(field, number)| with_key(field, 0, varint(number))),
        1 => (field(), vec(any::<u8>(), 0..30)).prop_map(move |(field, content)| with_key(field, 2, delimited(content))),
        1 => (field(), any::<[u8; 8]>()).prop_map(move |(field, content)| with_key(field, 1, content.to_vec())),
        1 => (field(), any::<[u8; 4]>()).prop_map(move |(field, content)| with_key(field, 5, content.to_vec())),
        1 => field().prop_map(move |field| with_key(field, 3, with_key(field, 4, vec![]))),
        1 => (field(), field()).prop_map(move |(a, b)| {
            with_key(a, 3, [with_key(b, 3, with_key(1, 0, varint(5))), with_key(b, 4, vec![]), with_key(a, 4, vec![])].concat())
        }),
    ]
}

fn any_request() -> impl Strategy<Value = ComputeRequest> {
    let options = (vec(any::<f64>(), 0..5), proptest::option::of(any::<u32>()), any::<bool>(), "[a-z]{0,5}");
    (vec(any_value(), 0..200), options).prop_map(|(values, (quantiles, bins, finish_late, operation_id))| {
        let histogram = bins.map(|bins| HistogramOptions { bins });
        ComputeRequest { values, quantiles, histogram, finish_late, operation_id }
    })
}

/// Bits, because NaN does not equal itself.
fn same(a: &ComputeRequest, b: &ComputeRequest) -> bool {
    let bits = |request: &ComputeRequest| request.quantiles.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
    let without = |request: &ComputeRequest| ComputeRequest { quantiles: vec![], ..request.clone() };
    bits(a) == bits(b) && without(a) == without(b)
}

fn agrees_with_prost(bytes: &[u8], sizes: &[usize]) -> Result<(), TestCaseError> {
    match (decode(bytes, sizes, usize::MAX), ComputeRequest::decode(bytes)) {
        (Ok(ours), Ok(theirs)) => prop_assert!(same(&ours, &theirs), "{ours:?} {theirs:?}"),
        (Err(DecodeError::Malformed { .. }), Err(_)) => {}
        (ours, theirs) => prop_assert!(false, "{ours:?} {theirs:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_prost_writes_is_read_in_any_pieces(request in any_request(), sizes in vec(1..40_usize, 1..5)) {
        let bytes = request.encode_to_vec();
        let read = decode(&bytes, &sizes, request.values.len()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(same(&read, &request));
    }

    #[test]
    fn fields_in_any_order_and_form_are_read_as_prost_reads_them(
        fields in vec(any_field(), 0..8),
        sizes in vec(1..20_usize, 1..5),
    ) {
        agrees_with_prost(&fields.concat(), &sizes)?;
    }

    #[test]
    fn whatever_is_damaged_or_cut_is_judged_as_prost_judges_it(
        fields in vec(any_field(), 1..5),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        end in any::<prop::sample::Index>(),
        sizes in vec(1..20_usize, 1..5),
    ) {
        let mut bytes = fields.concat();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        agrees_with_prost(&bytes, &sizes)?;
    }

    #[test]
    fn any_bytes_are_judged_as_prost_judges_them(bytes in vec(any::<u8>(), 0..40), sizes in vec(1..20_usize, 1..5)) {
        agrees_with_prost(&bytes, &sizes)?;
    }
}

#[test]
fn one_value_more_than_allowed_is_refused_as_soon_as_it_comes() {
    let bytes = ComputeRequest { values: vec![7; 1_000], ..ComputeRequest::default() }.encode_to_vec();
    assert_eq!(decode(&bytes, &[64], 1_000).map(|request| request.values.len()), Ok(1_000));
    let mut decoder = RequestDecoder::new(bytes.len(), 999).expect("there is memory");
    assert_eq!(decoder.feed(&bytes[..900]), Ok(()));
    assert_eq!(decoder.feed(&bytes[900..]), Err(DecodeError::TooManyValues { limit: 999 }));
    assert_eq!(decoder.count(), 999);
}

#[test]
fn what_is_unknown_is_skipped_however_long_it_is_and_what_is_known_is_not_kept_without_bound() {
    let field = |number: u64, length: usize| {
        let mut bytes = Vec::new();
        encode_varint(number << 3 | 2, &mut bytes);
        encode_varint(length as u64, &mut bytes);
        bytes.resize(bytes.len() + length, b'x');
        bytes
    };
    let read = decode(&[field(77, 1 << 20), vec![8, 2]].concat(), &[1_000], 1).expect("it is read");
    assert_eq!(read, ComputeRequest { values: vec![1], ..ComputeRequest::default() });
    for known in 2..=5 {
        let refused = decode(&field(known, 1 << 20), &[1_000], 1);
        assert!(matches!(refused, Err(DecodeError::Malformed { .. })), "{known}: {refused:?}");
    }
}

#[test]
fn groups_nested_as_deep_as_prost_allows_are_skipped_and_no_deeper() {
    for depth in [1, 99, 100, 101, 10_000] {
        let key = |wire_type: u64| {
            let mut bytes = Vec::new();
            encode_varint(9 << 3 | wire_type, &mut bytes);
            bytes
        };
        let bytes = [key(3).repeat(depth), key(4).repeat(depth)].concat();
        let (ours, theirs) = (decode(&bytes, &[7], 1), ComputeRequest::decode(&*bytes));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{depth}: {ours:?} {theirs:?}");
    }
}

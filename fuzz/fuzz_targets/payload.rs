//! A payload in S3 that is a serialized `ComputeRequest`, in the pieces that it comes in.
//!
//! The first byte says how many bytes follow that are the sizes of the pieces, less one and over and over; one more is the
//! number of values that are allowed; the rest is the payload.

#![no_main]

use compute_proto::v1::ComputeRequest;
use compute_worker::fuzzing::{PayloadDecoder, Refused};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

/// The most sizes of pieces.
const MAX_SIZES: usize = 8;

/// The most bytes of memory beside those that there are for each byte of the payload: lists start with room for some more.
const SPARE: usize = 1 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((&count, rest)) = bytes.split_first() else { return };
    let Some((sizes, rest)) = rest.split_at_checked(usize::from(count) % (MAX_SIZES + 1)) else { return };
    let Some((&limit, payload)) = rest.split_first() else { return };

    let theirs = ComputeRequest::decode(payload);
    let ours = decode(payload, sizes, usize::MAX);
    match (&ours, &theirs) {
        // Bytes, because NaN does not equal itself.
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.values, theirs.values);
            assert_eq!(ours.encode_to_vec(), theirs.encode_to_vec());
        }
        (Err(Refused::Malformed(reason)), Err(_)) => assert!(reason.len() < 1_000, "{reason}"),
        _ => panic!("{ours:?}, but prost: {theirs:?}"),
    }

    let limit = usize::from(limit);
    let limited = decode(payload, sizes, limit);
    match (&limited, &ours) {
        (Ok(limited), Ok(ours)) => {
            assert!(limited.values.len() <= limit);
            assert_eq!(limited.encode_to_vec(), ours.encode_to_vec());
        }
        (Err(Refused::TooManyValues), Ok(ours)) => assert!(ours.values.len() > limit),
        // Whichever comes first.
        (Err(Refused::TooManyValues), Err(_)) => {}
        _ => assert_eq!(limited.as_ref().err(), ours.as_ref().err()),
    }
});

fn decode(payload: &[u8], sizes: &[u8], limit: usize) -> Result<ComputeRequest, Refused> {
    let mut decoder = PayloadDecoder::new(payload.len(), limit);
    let mut sizes = sizes.iter().cycle().map(|&size| usize::from(size) + 1);
    let mut rest = payload;
    decoder.feed(&[])?;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(sizes.next().unwrap_or(usize::MAX)));
        let fed = decoder.feed(piece);
        assert!(decoder.count() <= limit.min(payload.len()));
        // Eight bytes for a value, and other fields as they came, in a list that doubles.
        let allowed = SPARE + 8 * payload.len().min(limit) + 2 * payload.len();
        assert!(decoder.memory() <= allowed, "{} bytes for {}", decoder.memory(), payload.len());
        fed?;
        rest = after;
    }
    decoder.finish()
}

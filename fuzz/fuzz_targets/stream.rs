//! A message of a `ComputeStream`, whose values the gateway keeps as bytes.

#![no_main]

use compute_gateway::fuzzing::packed_request;
use compute_proto::v1::ComputeStreamRequest;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    let theirs = ComputeStreamRequest::decode(bytes);
    let ours = packed_request(bytes.to_vec().into());
    match (&ours, &theirs) {
        (Ok((values, whole)), Ok(theirs)) => {
            // In the very bytes, so that there is one digest of a list however it was spelled.
            assert_eq!(*whole, theirs.encode_to_vec());
            let alone = ComputeStreamRequest { values: theirs.values.clone(), ..Default::default() }.encode_to_vec();
            assert!(
                alone.ends_with(values) && alone.len() <= values.len() + 11,
                "{values:?} is not the run in {alone:?}"
            );
            let (again, _) = packed_request(whole.clone().into()).expect("it was written just now");
            assert_eq!(again, *values);
        }
        (Err(ours), Err(_)) => assert!(ours.to_string().len() < 1_000, "{ours}"),
        _ => panic!("{ours:?}, but prost: {theirs:?}"),
    }
});

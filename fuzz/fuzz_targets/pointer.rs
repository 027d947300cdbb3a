//! The body of a message whose payload lies in S3.

#![no_main]

use compute_fuzz::BUCKET;
use libfuzzer_sys::fuzz_target;
use sqs_rpc::{Pointer, PointerError};

fuzz_target!(|body: &str| {
    match Pointer::read(body, BUCKET) {
        Ok(pointer) => {
            assert_eq!(pointer.bucket(), BUCKET);
            let key = pointer.key();
            let name = key.strip_prefix("payloads/").expect("the prefix of payloads");
            assert!(name.len() == 36 && name.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{key}");
            // What was pointed to is what stands in the text.
            let json: serde_json::Value = serde_json::from_str(body).expect("what was read is JSON");
            assert_eq!((&json[1]["s3BucketName"], &json[1]["s3Key"]), (&BUCKET.into(), &key.into()));
            assert_eq!(Pointer::read(&pointer.to_body(), BUCKET), Ok(pointer));
        }
        Err(PointerError::Format { reason }) => assert!(reason.len() < 1_000, "{reason}"),
        Err(PointerError::Bucket | PointerError::Key) => {}
    }
});

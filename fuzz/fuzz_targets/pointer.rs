//! The body of a message whose payload lies in S3.

#![no_main]

use compute_fuzz::{BUCKET, check_pointer};
use libfuzzer_sys::fuzz_target;
use sqs_rpc::{Pointer, PointerError};

fuzz_target!(|body: &str| {
    match Pointer::read(body, BUCKET) {
        Ok(pointer) => check_pointer(&pointer, body),
        Err(PointerError::Format { reason }) => assert!(reason.len() < 1_000, "{reason}"),
        Err(PointerError::Bucket | PointerError::Key) => {}
    }
});

//! What fuzz targets share, first of all the form of a message that they take: text, so that a case is read and written by hand and mutations stay near it.
//!
//! ```text
//! CorrelationId String 0197a1c2-d3e4-7f56-8123-456789abcdef
//! Digest String *
//! @MessageGroupId acme
//!
//! {"values":[4,5,2,35,2452]}
//! ```
//!
//! A line for each attribute, name, type and value; after `@` one of SQS's own, name and value; an empty line; the body. A
//! digest `*` stands for that of the body, which no mutation would find.

use serde_json::Value;
use sqs_rpc::Pointer;
use sqs_rpc::fuzzing::{self, Message};

/// Replies may go to queues of this account, the one of the golden files,
pub const ACCOUNT: &str = "123456789012";

/// with such names.
pub const REPLY_QUEUES: &str = "compute-replies";

/// Where payloads lie.
pub const BUCKET: &str = "compute-logs";

/// Reads a message. Any bytes are one; what SQS would not take is replaced.
pub fn message(bytes: &[u8]) -> Message {
    let text: String =
        String::from_utf8_lossy(bytes).chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect();
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut message = Message { body: body.to_owned(), ..Message::default() };
    for line in head.lines() {
        if let Some(line) = line.strip_prefix('@') {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            message.system.push((name.to_owned(), value.to_owned()));
        } else {
            let mut parts = line.splitn(3, ' ');
            let mut next = || parts.next().unwrap_or_default().to_owned();
            let (name, data_type, value) = (next(), next(), next());
            let value = if name == "Digest" && value == "*" { fuzzing::digest(body) } else { value };
            message.attributes.push((name, data_type, value));
        }
    }
    message
}

/// Whether SQS takes the text: characters of XML 1.0, in body and attributes alike.
pub fn is_sqs_text(text: &str) -> bool {
    text.chars().all(is_allowed)
}

fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether `a` comes no later than `b`, which NaN never does.
pub fn in_order(a: f64, b: f64) -> bool {
    a <= b
}

/// A pointer that was read leads to a payload in the bucket, the one that stands in the text.
pub fn check_pointer(pointer: &Pointer, body: &str) {
    assert_eq!(pointer.bucket(), BUCKET);
    let key = pointer.key();
    let name = key.strip_prefix("payloads/").expect("the prefix of payloads");
    assert!(name.len() == 36 && name.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{key}");
    let json: Value = serde_json::from_str(body).expect("what was read is JSON");
    assert_eq!((&json[1]["s3BucketName"], &json[1]["s3Key"]), (&BUCKET.into(), &key.into()));
    assert_eq!(Pointer::read(&pointer.to_body(), BUCKET).as_ref(), Ok(pointer));
}

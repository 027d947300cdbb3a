//! Pointers to payloads in S3, in the format of Amazon's Extended Client Library.
//!
//! A payload too large for its queue lies in S3, and the body of the message is a pointer to it: a JSON array of the name of a
//! Java class and an object, as [Jackson](https://github.com/FasterXML/jackson) writes a value with its type. The attribute
//! `ExtendedPayloadSize` tells such a message from one whose body is the payload.
//!
//! ```json
//! ["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"compute-logs","s3Key":"payloads/…"}]
//! ```
//!
//! Sources: `PayloadS3Pointer` of Amazon's `payload-offloading-java-common-lib-for-aws`, and
//! `amazon-sqs-python-extended-client-lib`, which writes the same with spaces.

use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The name that stands before the pointer. Older versions of the library wrote another, which is not read here.
const CLASS: &str = "software.amazon.payloadoffloading.PayloadS3Pointer";

/// What the key of every payload starts with.
const PREFIX: &str = "payloads/";

/// The names of its two fields.
const BUCKET: &str = "s3BucketName";
const KEY: &str = "s3Key";

/// Most characters of a reason that are kept: it may quote the body.
const MAX_REASON: usize = 200;

/// Where a payload lies: an object `payloads/<uuid>` in one bucket.
///
/// Whoever may write to a queue writes pointers, but reading them is done with the reader's rights: so a reader takes only
/// those to its own bucket, and to keys of this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    bucket: String,
    payload: Uuid,
}

/// A body that is not a pointer to follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// The body is not JSON, or not of the format.
    #[error("the body is not a pointer of Amazon's Extended Client Library: {reason}")]
    Format {
        /// What is wrong with it.
        reason: String,
    },
    /// The payload lies in a bucket from which none is read.
    #[error("the payload lies in another bucket than that of this system")]
    Bucket,
    /// The key of the payload is not `payloads/<uuid>`, the UUID in lower case with hyphens.
    #[error("the key of the payload is not {PREFIX}<uuid>")]
    Key,
}

#[derive(Serialize)]
struct Location<'a> {
    #[serde(rename = "s3BucketName")]
    bucket: &'a str,
    #[serde(rename = "s3Key")]
    key: &'a str,
}

impl Pointer {
    /// A pointer to the payload of that name in that bucket.
    pub fn new(bucket: impl Into<String>, payload: Uuid) -> Self {
        Self { bucket: bucket.into(), payload }
    }

    /// Reads the body of a message as a pointer into this bucket. Fields of the pointer that are not known are ignored, as
    /// Amazon's libraries do.
    ///
    /// # Errors
    ///
    /// See [`PointerError`].
    pub fn read(body: &str, bucket: &str) -> Result<Self, PointerError> {
        let (class, location): (String, Map<String, Value>) =
            serde_json::from_str(body).map_err(|error| format(&error))?;
        if class != CLASS {
            return Err(format(&format_args!("it does not start with {CLASS:?}")));
        }
        let field = |name: &str| {
            let value = location.get(name).and_then(Value::as_str);
            value.ok_or_else(|| format(&format_args!("it has no string {name:?}")))
        };
        let (given_bucket, key) = (field(BUCKET)?, field(KEY)?);
        if given_bucket != bucket {
            return Err(PointerError::Bucket);
        }
        let payload = payload(key).ok_or(PointerError::Key)?;
        Ok(Self::new(bucket, payload))
    }

    /// The bucket that the payload lies in.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The name of the payload.
    pub fn payload(&self) -> Uuid {
        self.payload
    }

    /// The key of the payload in its bucket.
    pub fn key(&self) -> String {
        format!("{PREFIX}{}", self.payload)
    }

    /// The body of the message, character for character as Amazon's library in Java writes it.
    pub fn to_body(&self) -> String {
        let location = Location { bucket: &self.bucket, key: &self.key() };
        serde_json::to_string(&(CLASS, location)).expect("an array of strings, written to memory, cannot fail")
    }
}

/// The name of the payload under a key. There is only one way to write it.
fn payload(key: &str) -> Option<Uuid> {
    let name = key.strip_prefix(PREFIX)?;
    let payload = Uuid::try_parse(name).ok()?;
    (payload.to_string() == name).then_some(payload)
}

fn format(reason: &dyn std::fmt::Display) -> PointerError {
    PointerError::Format { reason: reason.to_string().chars().take(MAX_REASON).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &str = "0197a1c2-d3e4-7f56-8123-456789abcdef";

    /// As Amazon's library in Java writes it.
    fn java(bucket: &str, key: &str) -> String {
        format!(r#"["{CLASS}",{{"s3BucketName":"{bucket}","s3Key":"{key}"}}]"#)
    }

    /// As Amazon's library in Python writes it.
    fn python(bucket: &str, key: &str) -> String {
        format!(r#"["{CLASS}", {{"s3BucketName": "{bucket}", "s3Key": "{key}"}}]"#)
    }

    fn read(body: &str) -> Result<Pointer, PointerError> {
        Pointer::read(body, "compute-logs")
    }

    #[test]
    fn what_amazons_libraries_write_is_read_and_written_as_java_does() {
        let key = format!("payloads/{PAYLOAD}");
        let pointer = read(&java("compute-logs", &key)).expect("a pointer");
        assert_eq!((pointer.bucket(), pointer.key()), ("compute-logs", key.clone()));
        assert_eq!(pointer.to_body(), java("compute-logs", &key));
        assert_eq!(read(&python("compute-logs", &key)), Ok(pointer.clone()));
        assert_eq!(pointer, Pointer::new("compute-logs", Uuid::parse_str(PAYLOAD).expect("a UUID")));

        let more = format!(r#"["{CLASS}",{{"s3Key":"{key}","future":[{{}}],"s3BucketName":"compute-logs"}}]"#);
        assert_eq!(read(&more), Ok(pointer), "the order does not matter, and what is unknown is ignored");
    }

    #[test]
    fn a_pointer_to_another_bucket_or_to_anything_but_a_payload_is_refused() {
        let key = format!("payloads/{PAYLOAD}");
        for bucket in ["", "compute-log", "compute-logs2", "COMPUTE-LOGS", "compute-logs/payloads", "compute-logs "] {
            assert_eq!(read(&java(bucket, &key)), Err(PointerError::Bucket), "{bucket:?}");
        }
        for key in [
            "",
            "payloads/",
            PAYLOAD,
            &format!("/{key}"),
            &format!("{key}/"),
            &format!("{key}.json"),
            &format!("payloads//{PAYLOAD}"),
            &format!("payloads/../payloads/{PAYLOAD}"),
            &format!("operations/{PAYLOAD}"),
            &format!("Payloads/{PAYLOAD}"),
            &format!("payloads/{}", PAYLOAD.to_uppercase()),
            &format!("payloads/{}", PAYLOAD.replace('-', "")),
            &format!("payloads/{{{PAYLOAD}}}"),
            &format!("payloads/urn:uuid:{PAYLOAD}"),
        ] {
            assert_eq!(read(&java("compute-logs", key)), Err(PointerError::Key), "{key:?}");
        }
    }

    #[test]
    fn anything_else_is_no_pointer_and_the_reason_is_short() {
        let (key, long) = (format!("payloads/{PAYLOAD}"), "x".repeat(10_000));
        for body in [
            "",
            "null",
            "[]",
            r#"{"values":[1]}"#,
            &format!(r#"["{CLASS}"]"#),
            &format!(r#"["{CLASS}",{{}}]"#),
            &format!(r#"["{CLASS}",{{"s3BucketName":"compute-logs"}}]"#),
            &format!(r#"["{CLASS}",{{"s3BucketName":"compute-logs","s3Key":null}}]"#),
            &format!(r#"["{CLASS}",["compute-logs","{key}"]]"#),
            &format!(r#"["{CLASS}",{{"s3BucketName":"compute-logs","s3Key":"{key}"}},1]"#),
            &format!("{} x", java("compute-logs", &key)),
            &java("compute-logs", &key).replace(CLASS, "com.amazon.sqs.javamessaging.MessageS3Pointer"),
            &format!(r#"["{CLASS}","{long}"]"#),
        ] {
            match read(body) {
                Err(PointerError::Format { reason }) => assert!(reason.len() <= 4 * MAX_REASON, "{reason}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }
}

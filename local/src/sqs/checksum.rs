//! MD5 checksums of messages, as [the developer guide](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation)
//! defines them; SDKs compute and compare them.

use md5::{Digest, Md5};

use super::message_attributes::{Attribute, Value};

/// MD5 of the body's UTF-8 bytes, in hexadecimal.
pub(super) fn of_body(body: &str) -> String {
    hexadecimal(Md5::digest(body.as_bytes()).into())
}

/// MD5 of attributes in the order of their names, in hexadecimal; `None` for no attributes.
///
/// Each attribute counts as its name, its type and its value, every part after its length (four bytes, big-endian), the value
/// also after a byte that tells text (1) from binary (2).
pub(super) fn of_attributes<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a Attribute)>) -> Option<String> {
    let mut attributes = attributes.into_iter().peekable();
    attributes.peek()?;
    let mut md5 = Md5::new();
    for (name, attribute) in attributes {
        update(&mut md5, name.as_bytes());
        update(&mut md5, attribute.data_type.as_bytes());
        let (transport, value) = match &attribute.value {
            Value::Text(text) => (1, text.as_bytes()),
            Value::Binary(bytes) => (2, bytes.as_slice()),
        };
        md5.update([transport]);
        update(&mut md5, value);
    }
    Some(hexadecimal(md5.finalize().into()))
}

fn update(md5: &mut Md5, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("a request is at most 16 MiB");
    md5.update(length.to_be_bytes());
    md5.update(part);
}

fn hexadecimal(digest: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(digest))
}

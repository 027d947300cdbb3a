//! What is received.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use aws_smithy_types::base64;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads the body of the answer. None if it is not as it should be: the SDK then says what is wrong with it.
pub(super) fn from_json(body: &[u8]) -> Option<ReceiveMessageOutput> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let messages = answer.messages.map(|messages| messages.into_iter().map(MessageForm::into_message).collect());
    Some(ReceiveMessageOutput::builder().set_messages(messages).build())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    messages: Option<Vec<MessageForm>>,
}

/// A message. Its checksums are not read: nobody compares them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageForm {
    message_id: Option<String>,
    receipt_handle: Option<String>,
    body: Option<String>,
    attributes: Option<SystemAttributes>,
    message_attributes: Option<Attributes>,
}

impl MessageForm {
    fn into_message(self) -> Message {
        Message::builder()
            .set_message_id(self.message_id)
            .set_receipt_handle(self.receipt_handle)
            .set_body(self.body)
            .set_attributes(self.attributes.map(|SystemAttributes(attributes)| attributes))
            .set_message_attributes(self.message_attributes.map(|Attributes(attributes)| attributes))
            .build()
    }
}

struct SystemAttributes(HashMap<MessageSystemAttributeName, String>);

impl<'de> Deserialize<'de> for SystemAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = SystemAttributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("attributes of SQS")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // As many as are asked for.
                let mut attributes = HashMap::with_capacity(5);
                while let Some((name, value)) = map.next_entry::<&str, String>()? {
                    attributes.insert(name.into(), value);
                }
                Ok(SystemAttributes(attributes))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

struct Attributes(HashMap<String, MessageAttributeValue>);

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("message attributes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                // As many as a message may have.
                let mut attributes = HashMap::with_capacity(10);
                while let Some((name, AttributeForm { data_type, string_value, binary_value })) = map.next_entry()? {
                    let bytes = binary_value.map(base64::decode).transpose().map_err(serde::de::Error::custom)?;
                    let value = MessageAttributeValue::builder().data_type(data_type).set_string_value(string_value);
                    let value = value.set_binary_value(bytes.map(Blob::new)).build();
                    attributes.insert(name, value.map_err(serde::de::Error::custom)?);
                }
                Ok(Attributes(attributes))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeForm {
    data_type: String,
    string_value: Option<String>,
    binary_value: Option<String>,
}

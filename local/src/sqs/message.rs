//! What a producer sends: body, message attributes, system attributes; their rules and sizes.
//!
//! Source: [Message metadata](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html) and
//! [SendMessage](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::checksum;
use super::error::SqsError;

/// Attributes by name, in the order that their checksum needs.
pub(super) type Attributes = BTreeMap<String, Attribute>;

const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME_CHARS: usize = 256;
const TRACE_HEADER: &str = "AWSTraceHeader";

/// One message attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Attribute {
    /// `String`, `Number` or `Binary`, with a label of the producer's own after a dot if it likes.
    #[serde(rename = "DataType")]
    pub(super) data_type: String,
    #[serde(flatten)]
    pub(super) value: Value,
}

/// An attribute's value; the type decides which of the two it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum Value {
    #[serde(rename = "StringValue")]
    Text(String),
    #[serde(rename = "BinaryValue", serialize_with = "to_base64")]
    Binary(Vec<u8>),
}

/// An attribute as it comes in: nothing about it is known to hold.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeForm {
    data_type: Option<String>,
    string_value: Option<String>,
    #[serde(default, deserialize_with = "from_base64")]
    binary_value: Option<Vec<u8>>,
    #[serde(default)]
    string_list_values: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    binary_list_values: Vec<serde::de::IgnoredAny>,
}

/// A message as it comes in: of `SendMessage` or of one batch entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageForm {
    message_body: Option<String>,
    #[serde(default)]
    message_attributes: Option<BTreeMap<String, AttributeForm>>,
    #[serde(default)]
    message_system_attributes: Option<BTreeMap<String, AttributeForm>>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
    pub(super) delay_seconds: Option<i64>,
}

/// A message that keeps all rules, with its checksums. Never changes after it was sent.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) id: Uuid,
    pub(super) body: String,
    pub(super) body_md5: String,
    pub(super) attributes: Attributes,
    /// `None` without attributes.
    pub(super) attributes_md5: Option<String>,
    pub(super) trace_header: Option<String>,
    pub(super) system_attributes_md5: Option<String>,
    pub(super) group_id: Option<String>,
}

impl MessageForm {
    /// Bytes that count against the limits: the body, and names, types and values of the message attributes. System attributes
    /// are free.
    pub(super) fn bytes(&self) -> usize {
        let attributes = self.message_attributes.iter().flatten();
        let attributes = attributes.map(|(name, attribute)| name.len() + attribute.bytes()).sum::<usize>();
        self.message_body.as_ref().map_or(0, String::len) + attributes
    }

    /// Checks the message and gives it an id and its checksums.
    ///
    /// # Errors
    ///
    /// The rule that is broken.
    pub(super) fn check(self, maximum_bytes: usize) -> Result<Content, SqsError> {
        let bytes = self.bytes();
        let body = self.message_body.filter(|body| !body.is_empty());
        let body = body.ok_or(SqsError::MissingParameter("MessageBody"))?;
        if bytes > maximum_bytes {
            let reason = format!("Message must be shorter than {maximum_bytes} bytes.");
            return Err(SqsError::InvalidParameterValue(format!(
                "One or more parameters are invalid. Reason: {reason}"
            )));
        }
        check_characters(&body)?;
        if let Some(group) = &self.message_group_id {
            check_group_id(group)?;
        }
        if let Some(id) = &self.message_deduplication_id {
            return Err(not_for_standard_queues("MessageDeduplicationId", id));
        }
        let attributes = check_attributes(self.message_attributes.unwrap_or_default())?;
        let system_attributes = check_system_attributes(self.message_system_attributes.unwrap_or_default())?;
        Ok(Content {
            id: Uuid::new_v4(),
            body_md5: checksum::of_body(&body),
            body,
            attributes_md5: checksum::of_attributes(&attributes),
            attributes,
            system_attributes_md5: checksum::of_attributes(&system_attributes),
            trace_header: system_attributes.into_values().find_map(|attribute| match attribute.value {
                Value::Text(text) => Some(text),
                Value::Binary(_) => None,
            }),
            group_id: self.message_group_id,
        })
    }
}

impl Content {
    /// The same message under a new id, as a redrive sends it.
    pub(super) fn with_new_id(&self) -> Self {
        Self {
            id: Uuid::new_v4(),
            body: self.body.clone(),
            body_md5: self.body_md5.clone(),
            attributes: self.attributes.clone(),
            attributes_md5: self.attributes_md5.clone(),
            trace_header: self.trace_header.clone(),
            system_attributes_md5: self.system_attributes_md5.clone(),
            group_id: self.group_id.clone(),
        }
    }
}

/// The error for a parameter that only FIFO queues take.
pub(super) fn not_for_standard_queues(name: &str, value: &str) -> SqsError {
    SqsError::parameter(name, value, "The request include parameter that is not valid for this queue type.")
}

impl AttributeForm {
    fn bytes(&self) -> usize {
        let text = self.string_value.as_ref().map_or(0, String::len);
        let binary = self.binary_value.as_ref().map_or(0, Vec::len);
        self.data_type.as_ref().map_or(0, String::len) + text + binary
    }

    fn check(self, name: &str) -> Result<Attribute, SqsError> {
        let invalid = |what: &str| SqsError::InvalidParameterValue(format!("The message attribute '{name}' {what}"));
        if !self.string_list_values.is_empty() || !self.binary_list_values.is_empty() {
            return Err(SqsError::UnsupportedOperation("Message attribute list values are not supported.".to_owned()));
        }
        let data_type = self.data_type.filter(|data_type| !data_type.is_empty());
        let data_type = data_type.ok_or_else(|| invalid("must contain a non-empty message attribute type."))?;
        let (base, label) = data_type.split_once('.').map_or((&*data_type, None), |(base, label)| (base, Some(label)));
        if data_type.chars().count() > MAX_NAME_CHARS {
            return Err(invalid("has a message attribute type longer than 256 characters."));
        }
        if label.is_some_and(|label| label.is_empty() || !label.chars().all(is_name_char)) {
            return Err(invalid("has a message attribute type with an invalid custom suffix."));
        }
        let non_empty =
            || invalid(&format!("must contain non-empty message attribute value for message attribute type '{base}'."));
        let one_value = || invalid(&format!("has a value that does not fit its type '{data_type}'."));
        let value = match (base, self.string_value, self.binary_value) {
            ("String" | "Number", Some(text), None) if !text.is_empty() => Value::Text(text),
            ("Binary", None, Some(bytes)) if !bytes.is_empty() => Value::Binary(bytes),
            ("String" | "Number" | "Binary", Some(_), Some(_)) => return Err(one_value()),
            ("String" | "Number", None, Some(_)) | ("Binary", Some(_), None) => return Err(one_value()),
            ("String" | "Number" | "Binary", ..) => return Err(non_empty()),
            _ => {
                return Err(invalid(
                    "has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
                ));
            }
        };
        if let Value::Text(text) = &value {
            check_characters(text)?;
            if base == "Number" && !is_number(text) {
                let message = format!("Can't cast the value of message (user) attribute '{name}' to a number.");
                return Err(SqsError::InvalidParameterValue(message));
            }
        }
        Ok(Attribute { data_type, value })
    }
}

fn check_attributes(forms: BTreeMap<String, AttributeForm>) -> Result<Attributes, SqsError> {
    if forms.len() > MAX_ATTRIBUTES {
        let message = format!("Number of message attributes [{}] exceeds the allowed maximum [10].", forms.len());
        return Err(SqsError::InvalidParameterValue(message));
    }
    let check = |(name, form): (String, AttributeForm)| {
        check_attribute_name(&name)?;
        let attribute = form.check(&name)?;
        Ok((name, attribute))
    };
    forms.into_iter().map(check).collect()
}

fn check_attribute_name(name: &str) -> Result<(), SqsError> {
    let lower = name.to_ascii_lowercase();
    let reason = if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        "must be 1 to 256 characters long"
    } else if !name.chars().all(|c| is_name_char(c) || c == '.') {
        "can contain letters, digits, hyphens, underscores and periods only"
    } else if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        "must not start or end with a period or have periods in succession"
    } else if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        "must not start with the reserved prefixes 'AWS.' or 'Amazon.'"
    } else {
        return Ok(());
    };
    Err(SqsError::InvalidParameterValue(format!("Message (user) attribute name '{name}' is invalid: it {reason}.")))
}

fn check_system_attributes(forms: BTreeMap<String, AttributeForm>) -> Result<Attributes, SqsError> {
    let check = |(name, form): (String, AttributeForm)| {
        let attribute = form.check(&name)?;
        if name != TRACE_HEADER || attribute.data_type != "String" {
            let message =
                format!("Message system attribute '{name}' is invalid: only AWSTraceHeader, a String, is allowed.");
            return Err(SqsError::InvalidParameterValue(message));
        }
        Ok((name, attribute))
    };
    forms.into_iter().map(check).collect()
}

/// The characters of XML 1.0, which SQS limits itself to.
fn check_characters(text: &str) -> Result<(), SqsError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FFFD}' | '\u{10000}'..);
    match text.chars().find(|&c| !allowed(c)) {
        None => Ok(()),
        Some(c) => Err(SqsError::InvalidMessageContents(c.into())),
    }
}

fn check_group_id(id: &str) -> Result<(), SqsError> {
    if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.";
    Err(SqsError::parameter("MessageGroupId", id, reason))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A decimal with an optional exponent. AWS also bounds the digits (38) and the exponent (-128 to 126).
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mantissa = unsigned(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let significant = mantissa.replace('.', "").trim_start_matches('0').len();
    digits(&format!("{whole}{fraction}"))
        && digits(&unsigned(exponent))
        && significant <= 38
        && exponent.parse().is_ok_and(|exponent: i32| (-128..=126).contains(&exponent))
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    BASE64.decode(text).map(Some).map_err(serde::de::Error::custom)
}

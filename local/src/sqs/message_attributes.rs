//! Message attributes: names, types and values, and the rules they keep.
//!
//! Source: [Message metadata](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html) and
//! [MessageAttributeValue](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_MessageAttributeValue.html).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::SqsError;
use super::message::check_characters;

const MAX_ATTRIBUTES: usize = 10;
const MAX_CHARS: usize = 256;

/// Attributes by name, in the order that their checksum needs.
pub(super) type Attributes = BTreeMap<String, Attribute>;

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
    string_list_values: Option<Vec<IgnoredAny>>,
    binary_list_values: Option<Vec<IgnoredAny>>,
}

impl AttributeForm {
    /// Bytes of type and value.
    pub(super) fn bytes(&self) -> usize {
        let text = self.string_value.as_ref().map_or(0, String::len);
        let binary = self.binary_value.as_ref().map_or(0, Vec::len);
        self.data_type.as_ref().map_or(0, String::len) + text + binary
    }

    /// The attribute of this name, if type and value keep the rules.
    pub(super) fn check(self, name: &str) -> Result<Attribute, SqsError> {
        if [self.string_list_values, self.binary_list_values].into_iter().flatten().any(|list| !list.is_empty()) {
            return Err(SqsError::UnsupportedOperation("Message attribute list values are not supported.".to_owned()));
        }
        let data_type = self.data_type.unwrap_or_default();
        let base = check_type(name, &data_type)?;
        let value = match (base, self.string_value, self.binary_value) {
            (BaseType::String | BaseType::Number, Some(text), None) if !text.is_empty() => Value::Text(text),
            (BaseType::Binary, None, Some(bytes)) if !bytes.is_empty() => Value::Binary(bytes),
            _ => {
                let what = format!("must contain one non-empty value, of the kind that its type '{data_type}' says.");
                return Err(invalid(name, &what));
            }
        };
        if let Value::Text(text) = &value {
            check_characters(text)?;
            if base == BaseType::Number && !is_number(text) {
                return Err(invalid(name, "has a value that cannot be cast to a number."));
            }
        }
        Ok(Attribute { data_type, value })
    }
}

/// What a type is, apart from its custom label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BaseType {
    String,
    Number,
    Binary,
}

fn check_type(name: &str, data_type: &str) -> Result<BaseType, SqsError> {
    if !(1..=MAX_CHARS).contains(&data_type.chars().count()) {
        return Err(invalid(name, "must have a type of 1 to 256 characters."));
    }
    let (base, label) = match data_type.split_once('.') {
        Some((base, label)) => (base, Some(label)),
        None => (data_type, None),
    };
    if label.is_some_and(|label| label.is_empty() || !label.chars().all(|c| is_name_char(c) || c == '.')) {
        return Err(invalid(name, "has a type with an invalid custom label."));
    }
    match base {
        "String" => Ok(BaseType::String),
        "Number" => Ok(BaseType::Number),
        "Binary" => Ok(BaseType::Binary),
        _ => {
            Err(invalid(name, "has an invalid type, the set of supported type prefixes is Binary, Number, and String."))
        }
    }
}

/// The attributes of a message, if there are not too many and all keep the rules.
pub(super) fn check_attributes(forms: BTreeMap<String, AttributeForm>) -> Result<Attributes, SqsError> {
    if forms.len() > MAX_ATTRIBUTES {
        let message = format!("Number of message attributes [{}] exceeds the allowed maximum [10].", forms.len());
        return Err(SqsError::InvalidParameterValue(message));
    }
    let check = |(name, form): (String, AttributeForm)| {
        check_name(&name)?;
        let attribute = form.check(&name)?;
        Ok((name, attribute))
    };
    forms.into_iter().map(check).collect()
}

fn check_name(name: &str) -> Result<(), SqsError> {
    let starts_with = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let what = if !(1..=MAX_CHARS).contains(&name.chars().count()) {
        "must have a name of 1 to 256 characters."
    } else if !name.chars().all(|c| is_name_char(c) || c == '.') {
        "can have letters, digits, hyphens, underscores and periods in its name only."
    } else if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        "must not have a name that starts or ends with a period or has periods in succession."
    } else if starts_with("aws.") || starts_with("amazon.") {
        "must not have a name with the reserved prefixes 'AWS.' or 'Amazon.'."
    } else {
        return Ok(());
    };
    Err(invalid(name, what))
}

fn invalid(name: &str, what: &str) -> SqsError {
    SqsError::InvalidParameterValue(format!("The message (user) attribute '{name}' {what}"))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// A decimal with an optional exponent. AWS also bounds the digits (38) and the exponent (-128 to 126).
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (mantissa, magnitude) = (unsigned(mantissa), unsigned(exponent));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significant = whole.bytes().chain(fraction.bytes()).skip_while(|&digit| digit == b'0').count();
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && is_digits(magnitude)
        && significant <= 38
        && exponent.parse().is_ok_and(|exponent: i32| (-128..=126).contains(&exponent))
}

fn unsigned(number: &str) -> &str {
    number.strip_prefix(['+', '-']).unwrap_or(number)
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    BASE64.decode(text).map(Some).map_err(serde::de::Error::custom)
}

//! What a producer sends: body, message attributes, system attributes; their rules and sizes.
//!
//! Source: [Message metadata](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html) and
//! [SendMessage](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use super::batch::EntryForm;
use super::checksum;
use super::error::SqsError;
use super::message_attributes::{AttributeForm, Attributes, Value, check_attributes};

const TRACE_HEADER: &str = "AWSTraceHeader";

/// A message as it comes in: of `SendMessage` or of one batch entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MessageForm {
    /// Of an entry of a batch.
    #[serde(default)]
    id: String,
    message_body: Option<String>,
    message_attributes: Option<BTreeMap<String, AttributeForm>>,
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

impl EntryForm for MessageForm {
    fn take_id(&mut self) -> String {
        std::mem::take(&mut self.id)
    }
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
            let message = format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {maximum_bytes} bytes."
            );
            return Err(SqsError::InvalidParameterValue(message));
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
pub(super) fn check_characters(text: &str) -> Result<(), SqsError> {
    // Nearly every text is of these, which need not be decoded.
    if text.bytes().all(|byte| matches!(byte, b' '..=0x7f)) {
        return Ok(());
    }
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

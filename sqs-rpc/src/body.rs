//! What a message carries.

use crate::pointer::Pointer;

/// The body of a call or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The payload itself: text that XML can hold, as SQS demands. JSON is.
    Text(String),
    /// A payload that lies in S3, where the sender has put it.
    InS3 {
        /// Where it lies.
        pointer: Pointer,
        /// Its bytes.
        size: u64,
    },
}

impl Body {
    /// The text of the message, and the bytes of the payload if that is not the text.
    pub(crate) fn into_message(self) -> (String, Option<u64>) {
        match self {
            Self::Text(text) => (text, None),
            Self::InS3 { pointer, size } => (pointer.to_body(), Some(size)),
        }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

//! What can be wrong with a body.

use serde_json::error::Category;

use crate::validate::FieldViolation;

/// Why a body could not be read. Each is the sender's fault: `INVALID_ARGUMENT` for a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The text is not JSON, or holds a number beyond the range of doubles.
    #[error("not JSON: {reason}")]
    Syntax {
        /// What is wrong and where: line and column, counted from 1.
        reason: String,
    },

    /// The text is JSON, but not an object with the fields that must be there, each once.
    #[error("{reason}")]
    Body {
        /// What is wrong.
        reason: String,
    },

    /// A field has a value of the wrong type or out of the range of its type.
    #[error("{field}: {reason}")]
    Field {
        /// The path of the field, such as `values[3]` or `histogram.bins`.
        field: String,
        /// What was given and what is allowed.
        reason: String,
    },
}

/// Bytes of a reason that are kept: it may quote what was sent, which has no bound.
const MAX_REASON: usize = 200;

impl WireError {
    pub(super) fn from_path(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = error.path().to_string();
        // The path of the whole document is written as a dot.
        let field = if path == "." { "" } else { &path };
        Self::new(field, error.inner())
    }

    pub(super) fn new(field: &str, error: &serde_json::Error) -> Self {
        let reason = error.to_string();
        match error.classify() {
            Category::Syntax | Category::Eof | Category::Io => Self::Syntax { reason: shorten(&reason) },
            Category::Data => {
                // The path of the field says more than the position in the text.
                let position = format!(" at line {} column {}", error.line(), error.column());
                let reason = shorten(reason.strip_suffix(&position).unwrap_or(&reason));
                match field {
                    "" => Self::Body { reason },
                    field => Self::Field { field: shorten(field), reason },
                }
            }
        }
    }

    /// The path of the field that is wrong, if the error is about one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Field { field, .. } => Some(field),
            Self::Syntax { .. } | Self::Body { .. } => None,
        }
    }

    /// The error as a violation to report to the caller, if it is about one field.
    pub fn violation(&self) -> Option<FieldViolation> {
        match self {
            Self::Field { field, reason } => Some(FieldViolation { field: field.clone(), description: reason.clone() }),
            Self::Syntax { .. } | Self::Body { .. } => None,
        }
    }
}

pub(super) fn shorten(text: &str) -> String {
    if text.len() <= MAX_REASON {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_REASON)])
}

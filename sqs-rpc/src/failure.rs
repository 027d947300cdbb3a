//! An answer that is an error.

use serde::{Deserialize, Serialize};

/// The gRPC status codes that this crate itself answers with. Services may use any other.
pub mod code {
    /// The request is not acceptable, whatever the state of the system.
    pub const INVALID_ARGUMENT: i32 = 3;
    /// The method is not one that the responder knows.
    pub const UNIMPLEMENTED: i32 = 12;
    /// The responder failed, for example by a panic of its service.
    pub const INTERNAL: i32 = 13;
}

/// An answer that is an error: `google.rpc.Status` in its JSON form, which is the body of a reply whose `Status` is not 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("code {code}: {message}")]
pub struct Failure {
    /// The gRPC status code; never 0.
    pub code: i32,
    /// What went wrong, for a developer.
    #[serde(default)]
    pub message: String,
    /// Messages of `google.rpc` in ProtoJSON, each with its `@type`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<serde_json::Value>,
}

impl Failure {
    /// A failure without details.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// A failure of the responder itself. The message stays this vague on purpose: what went wrong is for the responder's own
    /// log.
    pub(crate) fn internal() -> Self {
        Self::new(code::INTERNAL, "the worker failed")
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a struct of plain fields serializes")
    }
}

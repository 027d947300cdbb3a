//! What settings may be, and why a requester or a responder does not start.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::queue::QueueError;

/// Why a [`Requester`](crate::Requester) or a [`Responder`](crate::Responder) does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is out of its range, or contradicts another.
    #[error("{setting} is {value}, expected {expected}")]
    Setting {
        /// The field of the configuration.
        setting: &'static str,
        /// What it was set to.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A queue cannot be used.
    #[error("cannot use the {role} queue: {source}")]
    Queue {
        /// `request` or `reply`.
        role: &'static str,
        /// What SQS said.
        source: QueueError,
    },
    /// The given reply queue belongs to another requester that lives, as far as its lease tells.
    #[error("the reply queue {queue} belongs to {holder}, whose lease ends in {} s unless it is renewed", time_left.as_secs())]
    ReplyQueueInUse {
        /// The URL of the queue.
        queue: String,
        /// `<uuid>/<process id>@<instance>` of the owner.
        holder: String,
        /// How long its lease goes on.
        time_left: Duration,
    },
}

pub(crate) fn check_range(setting: &'static str, value: u64, allowed: RangeInclusive<u64>) -> Result<(), StartError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let expected = format!("{} to {}", allowed.start(), allowed.end());
    Err(StartError::Setting { setting, value: value.to_string(), expected })
}

/// A queue name has at most 80 characters; a prefix leaves room for `-replies-<uuid>`.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), StartError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=35).contains(&prefix.len()) && prefix.bytes().all(allowed) {
        return Ok(());
    }
    let expected = "1 to 35 letters, digits, hyphens and underscores".to_owned();
    Err(StartError::Setting { setting: "prefix", value: format!("{prefix:?}"), expected })
}

/// What the name of every reply queue starts with.
pub(crate) fn reply_queue_name_prefix(prefix: &str) -> String {
    format!("{prefix}-replies")
}

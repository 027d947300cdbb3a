//! What SQS does with a message that is received over and over.

use serde::Deserialize;

/// The attribute `RedrivePolicy` of a queue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RedrivePolicy {
    /// The dead-letter queue.
    pub(crate) dead_letter_target_arn: String,
    /// How often a message is received before it goes there. SQS gives a number, whatever it was set to.
    pub(crate) max_receive_count: u32,
}

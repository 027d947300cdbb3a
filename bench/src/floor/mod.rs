//! What the system is compared with: the same messages through the bare AWS SDK and the same calls through bare tonic.
//!
//! Two processes, as the system has: a gateway that answers an echo call and sends and receives messages, and a worker that
//! receives, replies, logs and deletes. Nothing ties a call to a message but their number: no correlation, no deadline, no
//! statistics. [`Batching`] tells the floor, below which no program on SQS gets, from the naive way.

mod contender;
pub(crate) mod echo;
pub(crate) mod hop;
mod pair;

pub(crate) use contender::Contender;
pub(crate) use hop::Batching;
pub(crate) use pair::{Pair, Setting};

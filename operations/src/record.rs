//! What the log says of an operation, as JSON, and the summary for human eyes.
//!
//! Golden records lie in `proto/wire/v1/records.json`. All times are Unix milliseconds.

mod summary;

use compute_proto::{v1, wire};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::summary::summary;

/// How many values a record and its summary hold; of a longer list these are the first.
pub const MAX_LOGGED_VALUES: usize = 1_000;

/// gRPC's code of a failure that is not the caller's.
const INTERNAL: i32 = 13;

/// Whether records hold the values of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogValues {
    /// The first 1,000 of them.
    #[default]
    All,
    /// None: their number and the digest of the request remain, and the result.
    None,
}

/// What is known of an operation apart from its values and outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// A UUIDv7, the correlation id of the request.
    pub id: Uuid,
    /// The authenticated caller, if there was authentication.
    pub tenant: Option<String>,
    /// The method called, such as `compute.v1.ComputeService/Compute`.
    pub method: String,
    /// When things happened.
    pub times: Times,
    /// The id of the worker that did the work.
    pub worker: String,
    /// The SHA-256 of the request's body, or of its payload when that lay in S3, in hex.
    pub digest: String,
}

/// When things happened to an operation, in Unix milliseconds, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When SQS took the request, on SQS's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<i64>,
    /// When the request was first received by a worker, on SQS's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_received: Option<i64>,
    /// When the work started, on the worker's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// When the work was finished, on the worker's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<i64>,
}

/// The log record of an operation. Its fields are those of the JSON object, in this order; absent ones are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// See [`Operation::id`].
    pub id: Uuid,
    /// See [`Operation::tenant`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// See [`Operation::method`].
    pub method: String,
    /// See [`Operation::times`].
    pub times: Times,
    /// See [`Operation::worker`].
    pub worker: String,
    /// The gRPC status code: 0 with a result, another with an error.
    pub status: i32,
    /// See [`Operation::digest`].
    pub digest: String,
    /// How many values the request holds. Absent when they could not be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The values, but at most the first [`MAX_LOGGED_VALUES`]: those are all if there are `count` of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<wire::Integers>,
    /// The key of the payload that holds the request, when it did not come in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The result, in the form of a reply's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<wire::Statistics>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// The result for human eyes, see [`summary`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// Why an operation has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The gRPC status code, never 0.
    pub code: i32,
    /// What went wrong.
    pub message: String,
}

impl Record {
    /// The record of an operation that has a result. Of the values it takes all, or at least the first
    /// [`MAX_LOGGED_VALUES`]: how many there are the result says.
    pub fn succeeded(operation: Operation, values: &[i64], result: v1::Statistics, log: LogValues) -> Self {
        let summary = match log {
            LogValues::All => summary(values, &result),
            LogValues::None => summary::of_result(&result),
        };
        Self {
            summary: Some(summary),
            count: Some(result.count),
            result: Some(wire::Statistics(result)),
            ..Self::new(operation, 0, Some(values), log)
        }
    }

    /// The record of an operation that failed, with the values of its request if they could be read.
    pub fn failed(operation: Operation, values: Option<&[i64]>, error: Error, log: LogValues) -> Self {
        let record = Self::new(operation, error.code, values, log);
        Self { error: Some(error), ..record }
    }

    /// The mark of an operation that is about to be worked for the last time: what stays of it if that comes to no end. Its code
    /// is that of a worker that failed, for so one has, every time.
    pub fn dead_mark(operation: Operation, deliveries: u32) -> Self {
        let plural = if deliveries == 1 { "delivery" } else { "deliveries" };
        let message = format!(
            "not finished after {deliveries} {plural}, of which the last may be under way: the request is then left to the \
             dead-letter queue"
        );
        Self::failed(operation, None, Error { code: INTERNAL, message }, LogValues::None)
    }

    /// The record of the same operation, whose request came in the payload with this key, and holds that many values if they
    /// could be counted. A count that is known already stays.
    #[must_use]
    pub fn with_payload(self, key: impl Into<String>, count: impl Into<Option<u64>>) -> Self {
        Self { payload: Some(key.into()), count: self.count.or(count.into()), ..self }
    }

    fn new(operation: Operation, status: i32, values: Option<&[i64]>, log: LogValues) -> Self {
        let Operation { id, tenant, method, times, worker, digest } = operation;
        let logged = match log {
            LogValues::All => values.map(|values| wire::Integers(first(values).to_vec())),
            LogValues::None => None,
        };
        Self {
            id,
            tenant,
            method,
            times,
            worker,
            status,
            digest,
            count: values.map(|values| values.len() as u64),
            values: logged,
            payload: None,
            result: None,
            error: None,
            summary: None,
        }
    }

    /// Writes the record as one line of JSON, the content of its object. `serde_json` reads it back.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a form with string keys, written to memory, cannot fail")
    }
}

/// The values that are logged of a list.
fn first(values: &[i64]) -> &[i64] {
    &values[..values.len().min(MAX_LOGGED_VALUES)]
}

#[cfg(test)]
mod tests;

//! What all batch actions have in common: 1 to 10 entries, each with an id of its own and an outcome of its own.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::SqsError;

const MAX_ENTRIES: usize = 10;

/// Parameters of a batch action.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchInput<T> {
    pub(super) queue_url: Option<String>,
    entries: Option<Vec<T>>,
}

/// The parameters of an action, with a field for the id that they have as an entry of a batch.
///
/// Not an id and, flattened, the parameters: those would be read into a tree first.
pub(super) trait EntryForm {
    /// Takes the id out; empty if there is none.
    fn take_id(&mut self) -> String;
}

/// One entry of a batch: an id and what the action without batch takes.
#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) id: String,
    pub(super) item: T,
}

impl<T: EntryForm> BatchInput<T> {
    /// The entries, once they keep the rules of batches. `entry_shape` is the name of an entry in the API.
    pub(super) fn entries(self, entry_shape: &'static str) -> Result<Vec<Entry<T>>, SqsError> {
        let entries = self.entries.filter(|entries| !entries.is_empty());
        let entries = entries.ok_or(SqsError::EmptyBatchRequest(entry_shape))?;
        if entries.len() > MAX_ENTRIES {
            return Err(SqsError::TooManyEntriesInBatchRequest(entries.len()));
        }
        let entry = |mut item: T| Entry { id: item.take_id(), item };
        let entries: Vec<_> = entries.into_iter().map(entry).collect();
        let mut ids = BTreeSet::new();
        for Entry { id, .. } in &entries {
            if !is_entry_id(id) {
                return Err(SqsError::InvalidBatchEntryId);
            }
            if !ids.insert(id) {
                return Err(SqsError::BatchEntryIdsNotDistinct(id.clone()));
            }
        }
        Ok(entries)
    }
}

fn is_entry_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=80).contains(&id.len()) && id.bytes().all(allowed)
}

/// Answer of a batch action. Like the service's, it leaves out a list that is empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchOutput<R> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    successful: Vec<Success<R>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Success<R> {
    #[serde(rename = "Id")]
    id: String,
    #[serde(flatten)]
    result: R,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    id: String,
    sender_fault: bool,
    code: &'static str,
    message: String,
}

/// Of an entry whose success is all there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Done {}

impl<R> FromIterator<(String, Result<R, SqsError>)> for BatchOutput<R> {
    fn from_iter<I: IntoIterator<Item = (String, Result<R, SqsError>)>>(outcomes: I) -> Self {
        let mut output = Self { successful: Vec::new(), failed: Vec::new() };
        for (id, outcome) in outcomes {
            match outcome {
                Ok(result) => output.successful.push(Success { id, result }),
                Err(error) => {
                    let (code, sender_fault) = (error.codes().query, error.is_sender_fault());
                    output.failed.push(Failure { id, sender_fault, code, message: error.to_string() });
                }
            }
        }
        output
    }
}

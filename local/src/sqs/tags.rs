//! Cost allocation tags of queues: kept, listed, checked against AWS's limits.

use std::collections::BTreeMap;

use super::error::SqsError;

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

/// Adds tags or gives existing ones a new value.
///
/// # Errors
///
/// [`InvalidParameterValue`](SqsError::InvalidParameterValue) if the queue would have more than 50 tags, a key is not 1 to 128
/// characters or begins with `aws:`, or a value is longer than 256 characters. Then nothing is changed.
pub(super) fn add(tags: &mut Tags, added: Tags) -> Result<(), SqsError> {
    for (key, value) in &added {
        check(key, value).map_err(|reason| SqsError::parameter("Tags", key, reason))?;
    }
    let new = added.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + new > 50 {
        return Err(SqsError::parameter("Tags", tags.len() + new, "A queue can have at most 50 tags."));
    }
    tags.extend(added);
    Ok(())
}

fn check(key: &str, value: &str) -> Result<(), &'static str> {
    if !(1..=128).contains(&key.chars().count()) {
        Err("Tag keys must be between 1 and 128 characters in length.")
    } else if value.chars().count() > 256 {
        Err("Tag values must be between 0 and 256 characters in length.")
    } else if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        Err("Tag keys that begin with aws: are reserved for system use.")
    } else {
        Ok(())
    }
}

//! Pages of queue URLs. The token is the name of the last queue of the page before, so a page is right even if queues come and go.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::error::SqsError;
use super::protocol::in_range;
use super::queue::Queue;

/// Where a page begins and how long it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PageForm {
    max_results: Option<i64>,
    next_token: Option<String>,
}

/// Cuts one page out of queues that are in the order of their names.
///
/// Only who sets `MaxResults` (1 to 1,000) gets a token for the next page; else the answer ends after 1,000.
pub(super) fn page(queues: Vec<Arc<Queue>>, form: &PageForm) -> Result<(Vec<Arc<Queue>>, Option<String>), SqsError> {
    let max_results = in_range("MaxResults", form.max_results, 1, 1000)?;
    let after =
        form.next_token.as_ref().filter(|token| !token.is_empty()).map(|token| read_token(token)).transpose()?;
    let limit = usize::try_from(max_results.unwrap_or(1000)).unwrap_or(1000);
    let mut rest = queues.into_iter().filter(|queue| after.as_ref().is_none_or(|after| queue.name > *after));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let more = max_results.is_some() && rest.next().is_some();
    let token = page.last().filter(|_| more).map(|last| BASE64.encode(&last.name));
    Ok((page, token))
}

fn read_token(token: &str) -> Result<String, SqsError> {
    let name = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| SqsError::parameter("NextToken", token, "It was not returned by this action."))
}

//! Walks through listings, page by page.

use std::collections::HashSet;
use std::time::Duration;

use compute_proto::v1::{ListOperationsRequest, ListOperationsResponse};
use tokio::time::Instant;
use uuid::Uuid;

use super::Client;
use crate::BoxError;
use crate::spread::Spread;

/// A walk from the first page of a listing to its last.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// How long each page took, in seconds, in thirds of the way: start, middle, end.
    pub(super) thirds: [Spread; 3],
    /// Of all pages.
    pub(super) pages: Spread,
    /// Every operation, as it came.
    pub(super) seen: Vec<Uuid>,
    /// Pages with more operations than asked for, or without any though they are not the last.
    pub(super) odd_pages: u64,
}

/// How a walk differs from what it had to show.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Flaws {
    pub(super) missing: u64,
    pub(super) repeated: u64,
    pub(super) disordered: u64,
}

impl Walk {
    /// Walks through a listing, of one day if one is given. `about` operations are expected.
    pub(super) async fn through(
        client: &Client,
        page_size: u32,
        day: Option<&str>,
        about: usize,
    ) -> Result<Self, BoxError> {
        let (mut walk, mut token) = (Self::default(), String::new());
        loop {
            let (page, took) = page(client, page_size, day, token).await?;
            let third = (3 * walk.seen.len() / about.max(1)).min(2);
            walk.thirds[third].add(took.as_secs_f64());
            walk.pages.add(took.as_secs_f64());
            let (count, is_last) = (page.operations.len(), page.next_page_token.is_empty());
            walk.odd_pages += u64::from(count > page_size as usize || (count == 0 && !is_last));
            for operation in page.operations {
                walk.seen.push(id_of(&operation.name)?);
            }
            if is_last {
                return Ok(walk);
            }
            token = page.next_page_token;
        }
    }

    /// Compares with operations that had to be seen; others may have been.
    pub(super) fn flaws(&self, expected: &[Uuid]) -> Flaws {
        let seen: HashSet<_> = self.seen.iter().collect();
        Flaws {
            missing: expected.iter().filter(|id| !seen.contains(id)).count() as u64,
            repeated: (self.seen.len() - seen.len()) as u64,
            disordered: self.seen.windows(2).filter(|pair| pair[0] <= pair[1]).count() as u64,
        }
    }
}

impl std::ops::AddAssign for Flaws {
    fn add_assign(&mut self, more: Self) {
        self.missing += more.missing;
        self.repeated += more.repeated;
        self.disordered += more.disordered;
    }
}

async fn page(
    client: &Client,
    page_size: u32,
    day: Option<&str>,
    page_token: String,
) -> Result<(ListOperationsResponse, Duration), BoxError> {
    let (page_size, day) = (i32::try_from(page_size)?, day.unwrap_or_default().to_owned());
    let started = Instant::now();
    let page = client.clone().list_operations(ListOperationsRequest { page_size, page_token, day }).await;
    let took = started.elapsed();
    Ok((page.map_err(|status| format!("ListOperations fails: {status}"))?.into_inner(), took))
}

/// The id in the name `operations/<id>`.
pub(super) fn id_of(name: &str) -> Result<Uuid, BoxError> {
    let id = name.strip_prefix("operations/").and_then(|id| Uuid::parse_str(id).ok());
    id.ok_or_else(|| format!("{name:?} is not the name of an operation").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flaws_are_told_apart() {
        let [one, two, three, new] = [1, 2, 3, 9].map(Uuid::from_u128);
        let flaws = |seen: &[Uuid]| {
            let walk = Walk { seen: seen.to_vec(), ..Walk::default() };
            let Flaws { missing, repeated, disordered } = walk.flaws(&[three, two, one]);
            (missing, repeated, disordered)
        };
        assert_eq!(flaws(&[new, three, two, one]), (0, 0, 0));
        assert_eq!(flaws(&[three, one]), (1, 0, 0));
        assert_eq!(flaws(&[three, two, two, one]), (0, 1, 1));
        assert_eq!(flaws(&[three, one, two]), (0, 0, 1));
    }
}

//! Looks operations up by their ids.

use std::time::Duration;

use compute_proto::v1::operation::Result as Outcome;
use compute_proto::v1::{GetOperationRequest, Operation};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::Client;
use super::past::Past;
use crate::BoxError;
use crate::question::Question;
use crate::spread::Spread;
use crate::system::System;
use crate::traffic::Traffic;

/// The retention of the request queue of compute-local: how long an operation may be on its way.
const RETENTION: Duration = Duration::from_secs(345_600);

/// Ids whose age is so near to the retention are not asked for, since either answer is right.
const MARGIN: Duration = Duration::from_secs(600);

/// Lookups of one kind, one after the other.
#[derive(Debug)]
pub(super) struct Lookups {
    pub(super) what: &'static str,
    /// In seconds.
    pub(super) took: Spread,
    /// Answers that are not what they must be.
    pub(super) wrong: u64,
    /// What they asked of S3.
    pub(super) traffic: Traffic,
}

/// Looks up operations of the past, drawn at random.
pub(super) async fn known(
    system: &System,
    client: &Client,
    past: &Past,
    seed: u64,
    count: usize,
) -> Result<Lookups, BoxError> {
    let mut random = StdRng::seed_from_u64(seed);
    let all: Vec<_> = past.operations.iter().map(|(&id, &number)| (id, number)).collect();
    let drawn: Vec<_> = (0..count).filter_map(|_| all.choose(&mut random).copied()).collect();
    look_up(system, client, "known", drawn, |id, number, answer| {
        let is_right = |operation: Operation| {
            let statistics = Outcome::Statistics(Question::new(seed, number).answer());
            operation.name == name(id) && operation.done && operation.result == Some(statistics)
        };
        answer.is_ok_and(is_right)
    })
    .await
}

/// Looks up operations that never were, of the time of the past.
pub(super) async fn unknown(
    system: &System,
    client: &Client,
    past: &Past,
    seed: u64,
    count: usize,
) -> Result<Lookups, BoxError> {
    let mut random = StdRng::seed_from_u64(seed);
    let margin = u64::try_from(MARGIN.as_millis())?;
    // The past ends about now.
    let limit = past.end - u64::try_from(RETENTION.as_millis())?;
    let mut drawn = Vec::new();
    while drawn.len() < count {
        let ms = random.random_range(past.start..past.end);
        if ms.abs_diff(limit) > margin {
            drawn.push((uuid::Builder::from_unix_timestamp_millis(ms, &random.random()).into_uuid(), ms));
        }
    }
    look_up(system, client, "unknown", drawn, |_, ms, answer| {
        let Err(status) = answer else { return false };
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let is_told = if ms > limit {
            reason == "NOT_RECORDED_YET" && details.retry_info().is_some()
        } else {
            reason == "OPERATION_NOT_FOUND"
        };
        status.code() == Code::NotFound && is_told
    })
    .await
}

async fn look_up(
    system: &System,
    client: &Client,
    what: &'static str,
    ids: Vec<(Uuid, u64)>,
    is_right: impl Fn(Uuid, u64, Result<Operation, Status>) -> bool,
) -> Result<Lookups, BoxError> {
    let (mut took, mut wrong, before) = (Spread::default(), 0, Traffic::of(system).await?);
    for (id, of_it) in ids {
        let started = Instant::now();
        let answer = client.clone().get_operation(GetOperationRequest { name: name(id) }).await;
        took.add(started.elapsed().as_secs_f64());
        let answer = answer.map(tonic::Response::into_inner);
        let shown = format!("{answer:?}");
        if !is_right(id, of_it, answer) {
            tracing::error!(%id, answer = shown, "a lookup of the kind {what:?} is answered wrongly");
            wrong += 1;
        }
    }
    Ok(Lookups { what, took, wrong, traffic: Traffic::of(system).await?.since(&before) })
}

fn name(id: Uuid) -> String {
    format!("operations/{id}")
}

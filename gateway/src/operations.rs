//! Operations: calls that can be looked up, waited for, listed and repeated.
//!
//! - `name`: what operations are called;
//! - `lookup`, `list`: what the log knows of them (`page_token`: where a listing goes on);
//! - `answers`: what this gateway knows of them before the log does;
//! - `repeat`: calls with an id of the caller's own (`flights`: those that are under way);
//! - `description`: what a caller is told;
//! - `submit`: requests that nobody waits for;
//! - `places`: how many may wait.

mod answers;
pub(crate) mod description;
mod flights;
mod list;
mod lookup;
pub(crate) mod name;
pub(crate) mod page_token;
mod places;
mod repeat;
mod submit;

use std::sync::Arc;

use compute_operations::Bucket;
use compute_operations::log::LogReader;
use sqs_rpc::Requester;
use tonic::Status;

pub(crate) use self::answers::Answers;
use self::flights::Flights;
use self::places::{Place, Places};
pub(crate) use self::repeat::Chosen;
use crate::status;

/// The operations of all tenants. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Operations {
    /// For claims.
    bucket: Bucket,
    log: LogReader,
    answers: Arc<Answers>,
    flights: Flights,
    places: Places,
    /// Knows how long requests can be on their way.
    requester: Requester,
}

/// How many calls may wait at once for what the requester does not wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WaitLimits {
    pub(crate) all: usize,
    pub(crate) per_tenant: usize,
}

impl Operations {
    pub(crate) fn new(bucket: Bucket, answers: Arc<Answers>, requester: Requester, limits: WaitLimits) -> Self {
        Self {
            log: LogReader::new(bucket.clone()),
            bucket,
            answers,
            flights: Flights::default(),
            places: Places::new(limits.all, limits.per_tenant),
            requester,
        }
    }

    /// A place for a call that waits.
    pub(crate) fn place(&self, tenant: Option<&str>, operation: status::Operation) -> Result<Place, Status> {
        self.places.take(tenant).map_err(|error| status::from_call_error(error, operation))
    }
}

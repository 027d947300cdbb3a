//! Parts of the system that differ from the real ones in one thing. Scenarios start them as processes: this program again,
//! with a hidden command.

mod gateway;
mod slow_worker;

use std::future::Future;

use clap::Subcommand;

use crate::BoxError;

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// A worker whose work takes a fixed time
    SlowWorker(slow_worker::Flags),
    /// A gateway that takes every call
    TakingGateway(Box<gateway::Flags>),
}

/// Runs a part until `shutdown` is ready.
pub(crate) async fn run(part: Part, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    match part {
        Part::SlowWorker(flags) => slow_worker::run(flags, shutdown).await,
        Part::TakingGateway(flags) => gateway::run(*flags, shutdown).await,
    }
}

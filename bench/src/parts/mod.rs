//! Parts of the system that differ from the real ones in one thing, and what the system is compared with. Scenarios start them as
//! processes: this program again, with a hidden command.

mod bare_stream;
mod floor_gateway;
mod floor_worker;
mod gateway;
mod slow_worker;

use std::future::Future;

use clap::Subcommand;

use crate::BoxError;

#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// A program that puts a long list to S3, gets it and computes
    BareStream(bare_stream::Flags),
    /// The gateway of the floor
    FloorGateway(floor_gateway::Flags),
    /// The worker of the floor
    FloorWorker(floor_worker::Flags),
    /// A worker whose work takes a fixed time
    SlowWorker(slow_worker::Flags),
    /// A gateway that takes every call
    TakingGateway(Box<gateway::Flags>),
}

/// Runs a part until `shutdown` is ready.
pub(crate) async fn run(part: Part, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    match part {
        Part::BareStream(flags) => bare_stream::run(flags).await,
        Part::FloorGateway(flags) => floor_gateway::run(flags, shutdown).await,
        Part::FloorWorker(flags) => floor_worker::run(flags, shutdown).await,
        Part::SlowWorker(flags) => slow_worker::run(flags, shutdown).await,
        Part::TakingGateway(flags) => gateway::run(*flags, shutdown).await,
    }
}

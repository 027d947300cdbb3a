//! A gateway that takes every call, also those that cannot be answered in time. Nothing else of it differs from
//! `compute-gateway`, which has no flag for that.

use std::future::Future;

use compute_gateway::{Config, Listeners};
use compute_process::telemetry::Counters;
use compute_process::{Readiness, admin, aws};
use tokio::net::TcpListener;

use crate::BoxError;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Where to take calls
    #[arg(long)]
    listen: String,
    /// Where to serve metrics
    #[arg(long)]
    admin_listen: String,
    #[command(flatten)]
    config: Config,
}

/// Serves until `shutdown` is ready.
pub(crate) async fn run(mut flags: Flags, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    flags.config.refuse_hopeless = false;
    let calls = TcpListener::bind(flags.listen).await?;
    let listener = TcpListener::bind(flags.admin_listen).await?;
    tracing::info!(address = %listener.local_addr()?, "the admin port listens");
    let admin = admin::Port { listener, spans: Counters::default() };
    let listeners = Listeners { calls, admin: Some(admin) };
    compute_gateway::run(flags.config, &aws::load().await, listeners, Readiness::new(), shutdown).await?;
    Ok(())
}

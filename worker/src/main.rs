//! The binary `compute-worker`: flags, logs and signals around [`compute_worker::run`].

use std::process::ExitCode;

use clap::Parser as _;
use compute_process::{Readiness, aws, logging, shutdown};
use compute_worker::Flags;
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "the worker ends");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), BoxError> {
    logging::init(&flags.logging)?;
    let shutdown = shutdown::requested()?;
    let admin = TcpListener::bind(flags.admin_listen)
        .await
        .map_err(|error| format!("cannot listen on --admin-listen {}: {error}", flags.admin_listen))?;
    tracing::info!(address = %admin.local_addr()?, "the admin port listens");
    compute_worker::run(flags.config, &aws::load().await, Some(admin), Readiness::new(), shutdown).await?;
    Ok(())
}

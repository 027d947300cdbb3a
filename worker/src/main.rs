//! The binary `compute-worker`: flags, logs and signals around [`compute_worker::run`].

use std::io;
use std::process::ExitCode;

use compute_process::{Readiness, aws, logging, shutdown};
use compute_worker::dead::Dead;
use compute_worker::log_cli::LogCommand;
use compute_worker::{CommandLine, Flags};
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let (outcome, failed) = match CommandLine::parse() {
        CommandLine::Work(flags) => (work(flags).await, "the worker ends"),
        CommandLine::Dead(dead) => (look(&dead).await, "the command failed"),
        CommandLine::Log(command) => (log(&command).await, "the command failed"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "{failed}");
            ExitCode::FAILURE
        }
    }
}

async fn look(dead: &Dead) -> Result<(), BoxError> {
    logging::init(dead.logging())?;
    dead.run(&aws::load().await, io::stdout(), io::stderr()).await?;
    Ok(())
}

async fn log(command: &LogCommand) -> Result<(), BoxError> {
    logging::init(command.logging())?;
    command.run(&aws::load().await, io::stdout(), io::stderr()).await?;
    Ok(())
}

async fn work(flags: Flags) -> Result<(), BoxError> {
    logging::init(&flags.logging)?;
    let shutdown = shutdown::requested()?;
    let admin = TcpListener::bind(flags.admin_listen)
        .await
        .map_err(|error| format!("cannot listen on --admin-listen {}: {error}", flags.admin_listen))?;
    tracing::info!(address = %admin.local_addr()?, "the admin port listens");
    compute_worker::run(flags.config, &aws::load().await, Some(admin), Readiness::new(), shutdown).await?;
    Ok(())
}

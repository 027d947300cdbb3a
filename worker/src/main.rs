//! The binary `compute-worker`: flags, logs and signals around [`compute_worker::run`].

use std::io;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use compute_process::telemetry::{Counters, Service, Telemetry};
use compute_process::{Readiness, admin, aws, logging, shutdown};
use compute_worker::dead::Dead;
use compute_worker::log_cli::LogCommand;
use compute_worker::{CommandLine, Doctor, Flags, doctor};
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let (outcome, failed) = match CommandLine::parse() {
        CommandLine::Work(flags) => (work(flags).await, "the worker ends"),
        CommandLine::Dead(dead) => (look(&dead).await, "the command failed"),
        CommandLine::Log(command) => (log(&command).await, "the command failed"),
        CommandLine::Doctor(doctor) => (examine(&doctor).await, "the command failed"),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error, "{failed}");
            ExitCode::FAILURE
        }
    }
}

async fn look(dead: &Dead) -> Result<ExitCode, BoxError> {
    logging::init(dead.logging())?;
    dead.run(&aws::load().await, io::stdout(), io::stderr()).await?;
    Ok(ExitCode::SUCCESS)
}

async fn log(command: &LogCommand) -> Result<ExitCode, BoxError> {
    logging::init(command.logging())?;
    command.run(&aws::load().await, io::stdout(), io::stderr()).await?;
    Ok(ExitCode::SUCCESS)
}

async fn work(flags: Flags) -> Result<ExitCode, BoxError> {
    let service = Service { name: "compute-worker", version: env!("CARGO_PKG_VERSION") };
    let (telemetry, collecting) = Telemetry::start(&flags.telemetry, service, flags.config.worker_id.as_deref())?;
    logging::init_with(&flags.logging, collecting)?;
    let worked = run(flags, telemetry.counters()).await;
    telemetry.end().await;
    worked.map(|()| ExitCode::SUCCESS)
}

async fn run(flags: Flags, spans: Counters) -> Result<(), BoxError> {
    let shutdown = shutdown::requested()?;
    let listener = TcpListener::bind(flags.admin_listen)
        .await
        .map_err(|error| format!("cannot listen on --admin-listen {}: {error}", flags.admin_listen))?;
    tracing::info!(address = %listener.local_addr()?, "the admin port listens");
    let admin = admin::Port { listener, spans };
    compute_worker::run(flags.config, &aws::load().await, Some(admin), Readiness::new(), shutdown).await?;
    Ok(())
}

async fn examine(Doctor { worker, output }: &Doctor) -> Result<ExitCode, BoxError> {
    if let Err(error) = worker.config.check() {
        Doctor::command().error(ErrorKind::ValueValidation, error).exit();
    }
    logging::init(&worker.logging)?;
    if output.plan {
        output.write_plan(&doctor::plan(&worker.config), io::stdout(), io::stderr())?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = doctor::examine(&worker.config, &aws::load().await).await;
    report.write(output.json, io::stdout())?;
    Ok(report.exit_code())
}

//! `compute-gateway`: takes gRPC and gRPC-Web calls and has them answered by workers behind an Amazon SQS queue.

mod command_line;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use compute_gateway::{Listeners, doctor};
use compute_process::telemetry::{Collecting, Counters, Service, Telemetry};
use compute_process::{Readiness, admin, aws, logging, open_files, shutdown};
use tokio::net::TcpListener;

use self::command_line::Flags;

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, doctor) = command_line::parse();
    if let Err(error) = flags.config.check().and_then(|()| flags.config.check_address(flags.listen)) {
        Flags::command().error(ErrorKind::ValueValidation, error).exit();
    }
    let outcome = match doctor {
        None => serve(flags).await,
        Some(output) => examine(&flags, &output).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = &*error, "the gateway has failed");
            ExitCode::FAILURE
        }
    }
}

async fn serve(flags: Flags) -> Result<ExitCode, Box<dyn Error>> {
    let service = Service { name: "compute-gateway", version: env!("CARGO_PKG_VERSION") };
    let (telemetry, collecting) = Telemetry::start(&flags.telemetry, service, flags.config.instance.as_deref())?;
    start_logging(&flags, collecting);
    let served = run(flags, telemetry.counters()).await;
    telemetry.end().await;
    served.map(|()| ExitCode::SUCCESS)
}

async fn run(flags: Flags, spans: Counters) -> Result<(), Box<dyn Error>> {
    open_files::raise_limit();
    let shutdown = shutdown::requested()?;
    let calls = bind("--listen", flags.listen).await?;
    let listener = bind("--admin-listen", flags.admin_listen).await?;
    tracing::info!(address = %listener.local_addr()?, "the admin port listens");
    let aws = aws::load().await;
    let listeners = Listeners { calls, admin: Some(admin::Port { listener, spans }) };
    compute_gateway::run(flags.config, &aws, listeners, Readiness::new(), shutdown).await?;
    Ok(())
}

async fn examine(flags: &Flags, output: &compute_doctor::Flags) -> Result<ExitCode, Box<dyn Error>> {
    start_logging(flags, None);
    let config = &flags.config;
    if output.plan {
        output.write_plan(&doctor::plan(config), io::stdout(), io::stderr())?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = doctor::examine(config, &aws::load().await).await;
    report.write(output.json, io::stdout())?;
    Ok(report.exit_code())
}

fn start_logging(flags: &Flags, collecting: Option<Collecting>) {
    if let Err(error) = logging::init_with(&flags.logging, collecting) {
        Flags::command().error(ErrorKind::ValueValidation, error).exit();
    }
}

async fn bind(flag: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address} ({flag}): {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        command_line::command().debug_assert();
    }
}

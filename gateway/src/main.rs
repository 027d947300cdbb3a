//! `compute-gateway`: takes gRPC and gRPC-Web calls and has them answered by workers behind an Amazon SQS queue.

mod command_line;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};
use compute_gateway::{Config, Listeners, doctor};
use compute_process::{Readiness, aws, flags, logging, open_files, shutdown};
use tokio::net::TcpListener;

/// Takes gRPC and gRPC-Web calls and has them answered by workers behind an Amazon SQS queue.
///
/// One port serves gRPC (HTTP/2, with TLS if there is a certificate), gRPC-Web, a page at /, GET /healthz, gRPC reflection and grpc.health.v1. The
/// admin port serves /livez, /readyz and /metrics. Region, credentials and endpoint of AWS come from the environment, as for
/// every AWS tool: AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, the role of the instance.
///
/// At SIGINT or SIGTERM the gateway takes no more calls, answers those in flight within --drain-limit, deletes the reply queue
/// that it made, and exits with 0; a second signal ends it at once. It exits with 1 if it cannot start, with 2 if a flag is
/// wrong.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Flags {
    /// Where to take calls: an address and a port
    #[arg(long, env = "COMPUTE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = flags::socket)]
    listen: SocketAddr,

    /// Where to serve /livez, /readyz and /metrics: an address and a port, which callers should not reach
    #[arg(long, env = "COMPUTE_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:9464", value_parser = flags::socket)]
    admin_listen: SocketAddr,

    #[command(flatten)]
    config: Config,

    #[command(flatten)]
    logging: logging::Flags,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, doctor) = command_line::parse();
    if let Err(error) = flags.config.check().and_then(|()| flags.config.check_address(flags.listen)) {
        Flags::command().error(ErrorKind::ValueValidation, error).exit();
    }
    if let Err(error) = logging::init(&flags.logging) {
        Flags::command().error(ErrorKind::ValueValidation, error).exit();
    }
    let outcome = match doctor {
        None => run(flags).await.map(|()| ExitCode::SUCCESS),
        Some(output) => examine(&flags.config, &output).await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(error = &*error, "the gateway has failed");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), Box<dyn Error>> {
    open_files::raise_limit();
    let shutdown = shutdown::requested()?;
    let calls = bind("--listen", flags.listen).await?;
    let admin = bind("--admin-listen", flags.admin_listen).await?;
    tracing::info!(address = %admin.local_addr()?, "the admin port listens");
    let aws = aws::load().await;
    let listeners = Listeners { calls, admin: Some(admin) };
    compute_gateway::run(flags.config, &aws, listeners, Readiness::new(), shutdown).await?;
    Ok(())
}

async fn examine(config: &Config, output: &compute_doctor::Flags) -> Result<ExitCode, Box<dyn Error>> {
    if output.plan {
        output.write_plan(&doctor::plan(config), io::stdout(), io::stderr())?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = doctor::examine(config, &aws::load().await).await;
    report.write(output.json, io::stdout())?;
    Ok(report.exit_code())
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

//! The binary `compute-local`: the whole system on one machine.

mod command_line;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use compute_local::{Config, Stack};
use compute_process::telemetry::{Service, Telemetry};
use compute_process::{logging, shutdown};
use tokio::net::TcpListener;

use crate::command_line::Flags;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run_traced(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error, "compute-local ends");
            ExitCode::FAILURE
        }
    }
}

/// Traces the calls of gateway and workers, which are one process here.
async fn run_traced(flags: Flags) -> Result<(), BoxError> {
    let service = Service { name: "compute-local", version: env!("CARGO_PKG_VERSION") };
    let (telemetry, collecting) = Telemetry::start(&flags.telemetry, service, None)?;
    logging::init_with(&flags.logging, collecting)?;
    let ran = run(flags).await;
    telemetry.end().await;
    ran
}

async fn run(flags: Flags) -> Result<(), BoxError> {
    let shutdown = shutdown::requested()?;
    let listener = listen("--listen", flags.listen).await?;
    let aws_listener = listen("--aws-listen", flags.aws_listen).await?;
    let mut config = Config::new(flags.data_dir);
    config.workers = flags.workers;
    config.chaos = flags.chaos;
    config.gateway.edge.allow_anonymous = flags.allow_anonymous;

    let stack = Stack::start(config, listener, aws_listener).await?;
    print_welcome(&stack)?;
    if let Some(chaos) = flags.chaos {
        print(format_args!("\n  chaos  {chaos}"))?;
    }
    shutdown.await;
    let traffic = stack.stop().await;
    if flags.chaos.is_some() {
        print(format_args!("\n{traffic}"))?;
    }
    Ok(())
}

fn print(text: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

async fn listen(flag: &str, address: SocketAddr) -> Result<TcpListener, BoxError> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {flag} {address}: {error}").into())
}

/// Tells where to go. On standard output, so that a script can read the addresses.
fn print_welcome(stack: &Stack) -> std::io::Result<()> {
    let (address, aws) = (stack.address(), stack.aws_endpoint());
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "compute-local is up\n\
         \n  page   http://{address}/\
         \n  grpc   grpcurl -plaintext -d '{{\"values\":[4,5,2,35,2452]}}' {address} compute.v1.ComputeService/Compute\
         \n  aws    {aws}\
         \n  logs   {logs}\n\
         \nAny AWS tool can look inside: AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 \
         aws --endpoint-url {aws} sqs list-queues",
        logs = stack.log_dir().display(),
    )?;
    out.flush()
}

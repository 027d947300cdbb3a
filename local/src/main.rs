//! The binary `compute-local`: the whole system on one machine.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use compute_local::chaos::Chaos;
use compute_local::{Config, Stack};
use compute_process::telemetry::{self, Service, Telemetry};
use compute_process::{logging, shutdown};
use tokio::net::TcpListener;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Runs the whole system on this machine: an embedded SQS and S3, a gateway, and workers.
///
/// Queues live in memory and are gone when it stops. Log objects are files in the data folder and stay; payloads and claims
/// expire after 40 days, unless the bucket compute-logs has lifecycle rules of its own. The AWS endpoint takes any
/// credentials; keep it on loopback. Ctrl-C or SIGTERM stops it when the calls in flight are answered, a second one at once.
///
/// GET /_compute/traffic at the AWS endpoint tells, as JSON, how often each operation of SQS and S3 was asked for: how many
/// requests arrived, how many were handled, and how many requests those handled count on a bill.
#[derive(Debug, Parser)]
#[command(name = "compute-local", version)]
struct Flags {
    /// Address of gRPC, gRPC-Web and the page
    #[arg(long, env = "COMPUTE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Address of the embedded SQS and S3
    #[arg(long, env = "COMPUTE_AWS_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    aws_listen: SocketAddr,

    /// Folder for the objects of the embedded S3, the log among them
    #[arg(long, env = "COMPUTE_DATA_DIR", value_name = "FOLDER", default_value = "./data")]
    data_dir: PathBuf,

    /// How many workers to run: 0 to 64. With 0, workers of your own can join at the AWS endpoint
    #[arg(long, env = "COMPUTE_WORKERS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=64))]
    workers: u32,

    /// Take calls from beyond this host, if --listen is such an address. Anybody may call then
    #[arg(long, env = "COMPUTE_ALLOW_ANONYMOUS", value_parser = clap::builder::BoolishValueParser::new())]
    allow_anonymous: bool,

    /// Let SQS and S3 misbehave on purpose: the faults to inject, such as
    /// `seed=7,duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=1%,partial=5%,s3-error=5%`
    #[arg(long, env = "COMPUTE_CHAOS", value_name = "FAULTS")]
    chaos: Option<Chaos>,

    #[command(flatten)]
    logging: logging::Flags,

    #[command(flatten)]
    telemetry: telemetry::Flags,
}

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

//! The command line of `compute-local`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use compute_local::chaos::Chaos;
use compute_process::{logging, telemetry};

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
pub(crate) struct Flags {
    /// Address of gRPC, gRPC-Web and the page
    #[arg(long, env = "COMPUTE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Address of the embedded SQS and S3
    #[arg(long, env = "COMPUTE_AWS_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub(crate) aws_listen: SocketAddr,

    /// Folder for the objects of the embedded S3, the log among them
    #[arg(long, env = "COMPUTE_DATA_DIR", value_name = "FOLDER", default_value = "./data")]
    pub(crate) data_dir: PathBuf,

    /// How many workers to run: 0 to 64. With 0, workers of your own can join at the AWS endpoint
    #[arg(long, env = "COMPUTE_WORKERS", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=64))]
    pub(crate) workers: u32,

    /// Take calls from beyond this host, if --listen is such an address. Anybody may call then
    #[arg(long, env = "COMPUTE_ALLOW_ANONYMOUS", value_parser = clap::builder::BoolishValueParser::new())]
    pub(crate) allow_anonymous: bool,

    /// Let SQS and S3 misbehave on purpose: the faults to inject, such as
    /// `seed=7,duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=1%,partial=5%,s3-error=5%`
    #[arg(long, env = "COMPUTE_CHAOS", value_name = "FAULTS")]
    pub(crate) chaos: Option<Chaos>,

    #[command(flatten)]
    pub(crate) logging: logging::Flags,

    #[command(flatten)]
    pub(crate) telemetry: telemetry::Flags,
}

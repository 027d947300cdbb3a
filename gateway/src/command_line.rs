//! What the process is to do: serve, or look whether it could.

use std::net::SocketAddr;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use compute_gateway::Config;
use compute_process::{flags, logging, telemetry};

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
pub(crate) struct Flags {
    /// Where to take calls: an address and a port
    #[arg(long, env = "COMPUTE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = flags::socket)]
    pub(crate) listen: SocketAddr,

    /// Where to serve /livez, /readyz and /metrics: an address and a port, which callers should not reach
    #[arg(long, env = "COMPUTE_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:9464", value_parser = flags::socket)]
    pub(crate) admin_listen: SocketAddr,

    #[command(flatten)]
    pub(crate) config: Config,

    #[command(flatten)]
    pub(crate) logging: logging::Flags,

    #[command(flatten)]
    pub(crate) telemetry: telemetry::Flags,
}

/// Checks from where it stands whether AWS is as a gateway with these flags needs it, and says how to mend what is not.
///
/// One line for each check: ok, warn or fail; skip is what cannot be seen from here and is not needed for the work. Nothing that
/// is done disturbs gateways, workers or callers: what a gateway does in the bucket is done to objects `<folder>/_doctor`, and it
/// makes a reply queue and deletes it again. Exits with 0 if nothing has failed, with 1 otherwise, with 2 if a flag is wrong.
#[derive(Debug, Parser)]
struct Doctor {
    #[command(flatten)]
    gateway: Flags,

    #[command(flatten)]
    output: compute_doctor::Flags,
}

const DOCTOR: &str = "doctor";

/// Without a subcommand it serves; each has flags of its own.
pub(crate) fn command() -> clap::Command {
    let command = Flags::command().subcommand(Doctor::command().name(DOCTOR));
    command.subcommand_negates_reqs(true).args_conflicts_with_subcommands(true)
}

/// The flags, and what a doctor is to write if that is what is wanted.
pub(crate) fn parse() -> (Flags, Option<compute_doctor::Flags>) {
    let mut command = command();
    let matches = command.get_matches_mut();
    let parsed = match matches.subcommand() {
        Some((_doctor, matches)) => {
            Doctor::from_arg_matches(matches).map(|doctor| (doctor.gateway, Some(doctor.output)))
        }
        None => Flags::from_arg_matches(&matches).map(|flags| (flags, None)),
    };
    parsed.unwrap_or_else(|error| error.format(&mut command).exit())
}

//! `compute-bench`: load and survival, shown with the real programs.
//!
//! Each scenario starts the programs as processes, drives them over gRPC, checks every answer, prints what it saw, and exits
//! with 1 when a promise was not kept. `bench/README.md` tells what each shows.

mod caller;
mod callgrind;
mod chart;
mod floor;
mod http;
mod large_list;
mod load;
mod log_objects;
mod machine;
mod parts;
mod processes;
mod progress;
mod question;
mod queues;
mod report;
mod scenarios;
mod spread;
mod store;
mod stream_call;
mod system;
mod tally;
mod targets;
mod traffic;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use compute_process::{logging, shutdown};

use crate::parts::Part;
use crate::report::Report;
use crate::scenarios::{Options, Scenario};

/// An error that ends a scenario.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Shows with the real programs what the system promises under load, faults and restarts.
///
/// Every scenario starts compute-local, gateways and workers as processes on ports that the system picks, calls them over gRPC
/// and checks every answer. Exits with 0 when every promise was kept, with 1 when one was not or the scenario could not run.
#[derive(Debug, Parser)]
#[command(name = "compute-bench", version, max_term_width = 100)]
struct Flags {
    #[command(flatten)]
    options: Options,

    #[command(flatten)]
    logging: logging::Flags,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Scenario(Scenario),
    /// Puts the figures with targets of all reports into one table, and tells which are kept and which are missed
    Targets(targets::Flags),
    /// A part of the system that differs from the real one, or what it is compared with; scenarios start it
    #[command(subcommand, hide = true)]
    Part(Part),
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(flags).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(error, "compute-bench ends");
            ExitCode::FAILURE
        }
    }
}

/// Whether all promises were kept.
async fn run(flags: Flags) -> Result<bool, BoxError> {
    logging::init(&flags.logging)?;
    let shutdown = shutdown::requested()?;
    let scenario = match flags.command {
        Command::Scenario(scenario) => scenario,
        Command::Targets(targets) => return targets::tell(&targets, flags.options.json.as_deref()),
        Command::Part(part) => return parts::run(part, shutdown).await.map(|()| true),
    };
    let report: Report = tokio::select! {
        report = scenarios::run(&flags.options, scenario) => report?,
        // The scenario is dropped, and with it every process that it has started.
        () = shutdown => return Err("interrupted".into()),
    };
    report.print()?;
    if let Some(file) = &flags.options.json {
        report.write(file)?;
    }
    Ok(report.is_kept())
}

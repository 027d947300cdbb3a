//! The scenarios, one a file. Each starts what it needs, and reports.

mod growth;
mod idle;
mod instructions;
mod log_cost;
mod mixed;
mod no_worker;
mod operations;
mod overload;
mod rolling_restart;
mod soak;
mod stream;
mod throughput;
mod torture;
mod waiting;

use std::path::PathBuf;

use clap::Subcommand;

use crate::BoxError;
use crate::report::Report;
use crate::system::System;
use crate::tally::Tally;

/// What all scenarios have.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Also write the report as JSON to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Folder of the programs under test. Without it the folder of this program
    #[arg(long, global = true, env = "COMPUTE_BIN_DIR", value_name = "FOLDER")]
    pub(crate) bin_dir: Option<PathBuf>,

    /// Keep the folder with log objects and the programs' logs also when all went well
    #[arg(long, global = true)]
    pub(crate) keep: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Kills workers and gateways over and over, on queues that misbehave: no wrong answer, nothing lost, nothing left behind
    Torture(torture::Flags),
    /// Offers more than the workers can do: what is answered in time stays near the best
    Overload(overload::Flags),
    /// Restarts every gateway and worker in turn under load: no call fails, no message is stranded
    RollingRestart(rolling_restart::Flags),
    /// Takes all workers away for a while: calls are refused at once, and taken again as soon as a worker is there
    NoWorker(no_worker::Flags),
    /// Has very many calls wait in one gateway: what each costs in memory, and that all end well
    Waiting(waiting::Flags),
    /// Half of what the system can do, for long: memory stays flat
    Soak(soak::Flags),
    /// Lists and looks up the operations of some days while others are done: quick pages, each operation once
    Operations(operations::Flags),
    /// Counts what SQS and S3 are asked for an operation, and its price, in both modes of the log
    LogCost(log_cost::Flags),
    /// Streams very long lists: right answers, little memory of the gateway, not much slower than a bare program
    Stream(stream::Flags),
    /// One call at a time: how much longer it takes than two bare hops through SQS and a bare call
    Idle(idle::Flags),
    /// As many calls as go, beside what the bare SDK can do and what the naive way does: calls a second, processor time, requests
    Throughput(throughput::Flags),
    /// Has 1 to 10,000 calls wait at the same rate: what one costs the gateway's processor stays the same
    Growth(growth::Flags),
    /// Short and very long lists at once: right answers, and how long each size takes
    Mixed(mixed::Flags),
    /// Counts with callgrind the instructions of a call in the gateway, and the share of its own code
    Instructions(instructions::Flags),
}

/// Runs a scenario.
pub(crate) async fn run(options: &Options, scenario: Scenario) -> Result<Report, BoxError> {
    match scenario {
        Scenario::Torture(flags) => torture::run(options, &flags).await,
        Scenario::Overload(flags) => overload::run(options, &flags).await,
        Scenario::RollingRestart(flags) => rolling_restart::run(options, &flags).await,
        Scenario::NoWorker(flags) => no_worker::run(options, &flags).await,
        Scenario::Waiting(flags) => waiting::run(options, &flags).await,
        Scenario::Soak(flags) => soak::run(options, &flags).await,
        Scenario::Operations(flags) => operations::run(options, &flags).await,
        Scenario::LogCost(flags) => log_cost::run(options, &flags).await,
        Scenario::Stream(flags) => stream::run(options, &flags).await,
        Scenario::Idle(flags) => idle::run(options, &flags).await,
        Scenario::Throughput(flags) => throughput::run(options, &flags).await,
        Scenario::Growth(flags) => growth::run(options, &flags).await,
        Scenario::Mixed(flags) => mixed::run(options, &flags).await,
        Scenario::Instructions(flags) => instructions::run(options, &flags).await,
    }
}

/// What every scenario promises of its calls and programs; then it stops the system, and keeps its folder if a promise was
/// broken.
async fn conclude(mut report: Report, options: &Options, system: System) -> Result<Report, BoxError> {
    report.promise_none("no program panics", system.panics());
    let keep = options.keep || !report.is_kept();
    system.stop(keep).await?;
    Ok(report)
}

/// Promises that hold of all calls, whatever happens around them.
fn promise_of_calls(report: &mut Report, tally: &Tally) {
    let count = |label: &str| tally.by_ending.get(label).copied().unwrap_or_default();
    report.promise_none("no answer is wrong", count("WRONG"));
    report.promise_none("no call outlives its deadline", count("HUNG"));
    report.promise(
        "every call ends with its answer or a status that says what to do",
        tally.forbidden == 0,
        tally.endings(),
    );
    report.figure("calls", tally.to_json());
    for example in &tally.examples {
        tracing::error!(example, "an ending that must not be");
    }
}

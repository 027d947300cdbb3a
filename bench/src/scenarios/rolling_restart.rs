//! Every gateway and worker is restarted in turn, under load.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::processes::Process;
use crate::question::Question;
use crate::queues::{Depth, Queues};
use crate::report::{Report, Table, duration};
use crate::system::{Gateway, REPLY_QUEUES, REQUEST_QUEUE, System};
use crate::tally::SharedTally;
use crate::{BoxError, load};

/// The deadline of a call, retries included. Longer than what a stranded message would cost, so that this shows as time.
const DEADLINE: Duration = Duration::from_secs(60);

/// A message that a worker took along comes back after this time; a call that took as long has waited for one.
const VISIBILITY: Duration = Duration::from_secs(10);

/// How long a reply's log and delete may come after the reply.
const SETTLE: Duration = Duration::from_secs(3);

/// Calls go on for so long before the first restart and after the last.
const MARGIN: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How often everything is restarted
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Calls a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// How many gateways there are
    #[arg(long, default_value_t = 2)]
    gateways: usize,
    /// How many workers there are
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let callers = Gateways::new(flags.gateways, 4);
    let (mut workers, mut gateways) = (Vec::new(), Vec::new());
    for number in 0..flags.workers {
        workers.push(start_worker(&system, number).await?);
    }
    for number in 0..flags.gateways {
        gateways.push(start_gateway(&system, &callers, number).await?);
    }

    let (tally, done, started) = (SharedTally::default(), CancellationToken::new(), Instant::now());
    let calling = load::with_progress("rolling restart", &tally, offer(flags.rate, &callers, &tally, &done));
    let restarting = async {
        tokio::time::sleep(MARGIN).await;
        let mut restarts = Restarts::default();
        for round in 0..flags.rounds {
            tracing::info!(round, "restarting everything");
            for number in 0..flags.workers {
                restarts.count(workers.remove(0)).await?;
                workers.push(start_worker(&system, number).await?);
            }
            for number in 0..flags.gateways {
                restarts.count(gateways.remove(0).process).await?;
                gateways.push(start_gateway(&system, &callers, number).await?);
            }
        }
        tokio::time::sleep(MARGIN).await;
        done.cancel();
        Ok::<_, BoxError>(restarts)
    };
    let ((), restarts) = tokio::join!(calling, restarting);
    let (mut restarts, took) = (restarts?, started.elapsed());
    let queues = Queues::of(&system);
    let left = queues.until_empty(REQUEST_QUEUE, SETTLE).await?;

    for process in workers.into_iter().chain(gateways.into_iter().map(|gateway| gateway.process)) {
        restarts.count(process).await?;
    }
    let stray = queues.named(REPLY_QUEUES).await?.len();

    let mut report = Report::new(
        "rolling-restart",
        json!({ "rounds": flags.rounds, "rate_per_second": flags.rate, "gateways": flags.gateways, "workers": flags.workers }),
    );
    let counted = tally.read();
    let mut table = Table::new(&["restarts", "seconds", "calls", "attempts", "p50", "p99", "max"]);
    table.row([
        restarts.all.to_string(),
        format!("{:.0}", took.as_secs_f64()),
        counted.total.to_string(),
        counted.attempts.to_string(),
        duration(counted.quantile(0.5)),
        duration(counted.quantile(0.99)),
        duration(counted.slowest()),
    ]);
    report.table(table);
    report.figure("restarts", restarts.all);
    report.figure("left", left);
    promise_of_calls(&mut report, &counted);
    report.promise_none("no call fails", counted.failed());
    report.promise("no message is left on the request queue", left == Depth::default(), format!("{left:?}"));
    report.promise(
        "no call waits for a message that was stranded",
        counted.slowest() < VISIBILITY,
        format!("the slowest took {}", duration(counted.slowest())),
    );
    report.promise_none("every program that is told to end exits with 0", restarts.unclean);
    report.promise_none("no reply queue stays behind", stray as u64);
    conclude(report, options, system).await
}

/// Calls at a fixed rate until `done`, in turn to each gateway.
async fn offer(rate: u32, gateways: &Gateways, tally: &SharedTally, done: &CancellationToken) {
    let call = |number, due| {
        let (gateways, tally) = (gateways.clone(), tally.clone());
        async move {
            let (slot, times) = (usize::try_from(number).unwrap_or_default(), Times::at(due, DEADLINE));
            tally.add(&caller::call_until_available(&gateways, slot, &Question::new(0, number), times).await);
        }
    };
    load::at_rate(f64::from(rate), done.cancelled(), call).await;
}

#[derive(Debug, Default)]
struct Restarts {
    all: u64,
    /// Programs that did not exit with 0.
    unclean: u64,
}

impl Restarts {
    async fn count(&mut self, process: Process) -> Result<(), BoxError> {
        let status = process.terminate().await?;
        self.all += 1;
        if !status.success() {
            tracing::error!(%status, "a program did not end as told");
            self.unclean += 1;
        }
        Ok(())
    }
}

async fn start_worker(system: &System, number: usize) -> Result<Process, BoxError> {
    system.worker(&format!("worker-{number}"), &[]).await
}

async fn start_gateway(system: &System, callers: &Gateways, number: usize) -> Result<Gateway, BoxError> {
    let gateway = system.gateway(&format!("gateway-{number}"), &[]).await?;
    callers.set(number, gateway.address)?;
    Ok(gateway)
}

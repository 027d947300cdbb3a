//! Workers and gateways are killed over and over, on queues that misbehave.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use compute_process::flags;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Ending, Gateways, Times};
use crate::log_objects::{Copies, Log};
use crate::processes::Process;
use crate::question::Question;
use crate::queues::Queues;
use crate::report::{Report, Table, duration};
use crate::system::{DEAD_LETTER_QUEUE, Gateway, LogMode, REPLY_QUEUES, REQUEST_QUEUE, System};
use crate::tally::SharedTally;
use crate::traffic::Traffic;
use crate::{BoxError, load, machine};

/// How long the queues may take to become empty when all calls have ended: a few visibility timeouts.
const SETTLE: Duration = Duration::from_secs(120);

/// The signs of life of the gateways. Short, so that the reply queues of killed ones are seen to go; longer than the
/// misbehaviour of the queues can delay one.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How long a sweep may take, of the queues of all gateways that were killed.
const SWEEP: Duration = Duration::from_secs(60);

/// How often the start of a program is tried on an endpoint that misbehaves.
const START_ATTEMPTS: u32 = 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// What the questions, and the misbehaviour, are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many calls to make
    #[arg(long, default_value_t = 20_000)]
    calls: u64,
    /// How many callers make them, each one after the other
    #[arg(long, default_value_t = 256)]
    callers: u64,
    /// The deadline of a call, retries included
    #[arg(long, default_value = "60s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// How many workers there are
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// How many gateways there are
    #[arg(long, default_value_t = 2)]
    gateways: usize,
    /// How often a worker is killed, one after the other
    #[arg(long, default_value = "1s", value_parser = flags::duration(Duration::from_millis(100)..=Duration::from_secs(900)))]
    kill_worker_every: Duration,
    /// How often a gateway is killed, one after the other
    #[arg(long, default_value = "5s", value_parser = flags::duration(Duration::from_millis(100)..=Duration::from_secs(900)))]
    kill_gateway_every: Duration,
    /// How the workers log
    #[arg(long, value_enum, default_value_t = LogMode::Object)]
    log_mode: LogMode,
    /// How queues and bucket misbehave, without the seed; `none`: not at all
    #[arg(
        long,
        default_value = "duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=1%,partial=5%,s3-error=5%"
    )]
    chaos: String,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let chaos = (flags.chaos != "none").then(|| format!("seed={},{}", flags.seed, flags.chaos));
    let system = System::start(options, chaos.as_deref()).await?;
    let gateways = Gateways::new(flags.gateways, 4);
    let mut herd = Herd::start(&system, &gateways, flags).await?;

    let (tally, answered) = (SharedTally::default(), Arc::new(Mutex::new(Vec::new())));
    let stop = CancellationToken::new();
    let started = Instant::now();
    let calling = async {
        let calls = load::by_callers(flags.callers, flags.calls, call(flags, &gateways, &tally, &answered));
        load::with_progress("torture", &tally, calls).await;
        stop.cancel();
    };
    let ((), kills) = tokio::join!(calling, herd.suffer(&system, &gateways, flags, &stop));
    let (kills, took) = (kills?, started.elapsed());
    tracing::info!(took = duration(took), "all calls have ended, waiting for the queues to settle");

    let parameters = json!({ "seed": flags.seed, "calls": flags.calls, "callers": flags.callers, "chaos": chaos,
        "log_mode": flags.log_mode.name(), "workers": flags.workers, "gateways": flags.gateways, "deadline_seconds": flags.deadline.as_secs_f64() });
    let mut report = Report::new("torture", parameters);
    let counted = tally.read();
    let mut table =
        Table::new(&["calls", "attempts", "calls/s", "p50", "p99", "max", "workers killed", "gateways killed"]);
    table.row([
        counted.total.to_string(),
        counted.attempts.to_string(),
        format!("{:.0}", counted.total as f64 / took.as_secs_f64()),
        duration(counted.quantile(0.5)),
        duration(counted.quantile(0.99)),
        duration(counted.slowest()),
        kills.workers.to_string(),
        kills.gateways.to_string(),
    ]);
    report.table(table);
    report.figure("seconds", took.as_secs_f64());
    report.figure("killed", json!({ "workers": kills.workers, "gateways": kills.gateways }));
    promise_of_calls(&mut report, &counted);
    promise_nothing_left(&mut report, &system, &herd).await?;
    let answered = std::mem::take(&mut *answered.lock().expect("no code panics while it holds the lock"));
    promise_of_log(&mut report, &system, flags.log_mode, answered)?;
    let puts = Traffic::of(&system).await?.s3_puts() as f64 / counted.right.max(1) as f64;
    report.fact("S3 PUTs per answered operation", format!("{puts:.4}"));
    report.figure("s3_puts_per_operation", puts);
    conclude(report, options, system).await
}

/// Makes one call and takes down its ending.
fn call(
    flags: &Flags,
    gateways: &Gateways,
    tally: &SharedTally,
    answered: &Arc<Mutex<Vec<String>>>,
) -> impl Fn(u64) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static + use<> {
    let (seed, deadline) = (flags.seed, flags.deadline);
    let (gateways, tally, answered) = (gateways.clone(), tally.clone(), answered.clone());
    move |number| {
        let (gateways, tally, answered) = (gateways.clone(), tally.clone(), answered.clone());
        Box::pin(async move {
            let (question, times) = (Question::new(seed, number), Times::now(deadline));
            let slot = usize::try_from(number).unwrap_or_default();
            let ended = caller::call_until_available(&gateways, slot, &question, times).await;
            tally.add(&ended);
            if let Ending::Right { operation } = ended.ending {
                answered.lock().expect("no code panics while it holds the lock").push(operation);
            }
        })
    }
}

/// The programs that are killed.
struct Herd {
    workers: Vec<Process>,
    gateways: Vec<Gateway>,
}

#[derive(Debug, Default)]
struct Kills {
    workers: u64,
    gateways: u64,
}

impl Herd {
    async fn start(system: &System, callers: &Gateways, flags: &Flags) -> Result<Self, BoxError> {
        let mut herd = Self { workers: Vec::new(), gateways: Vec::new() };
        for number in 0..flags.workers {
            herd.workers.push(start_worker(system, flags.log_mode, number).await?);
        }
        for number in 0..flags.gateways {
            herd.gateways.push(start_gateway(system, callers, number).await?);
        }
        Ok(herd)
    }

    /// Kills and restarts one after the other until `stop`; all run then.
    async fn suffer(
        &mut self,
        system: &System,
        callers: &Gateways,
        flags: &Flags,
        stop: &CancellationToken,
    ) -> Result<Kills, BoxError> {
        let workers = async {
            let mut kills = 0;
            for number in (0..flags.workers).cycle() {
                if stop.run_until_cancelled(tokio::time::sleep(flags.kill_worker_every)).await.is_none() {
                    break;
                }
                self.workers.remove(0).kill().await?;
                self.workers.push(start_worker(system, flags.log_mode, number).await?);
                kills += 1;
            }
            Ok::<u64, BoxError>(kills)
        };
        let gateways = async {
            let mut kills = 0;
            for number in (0..flags.gateways).cycle() {
                if stop.run_until_cancelled(tokio::time::sleep(flags.kill_gateway_every)).await.is_none() {
                    break;
                }
                self.gateways.remove(0).process.kill().await?;
                self.gateways.push(start_gateway(system, callers, number).await?);
                kills += 1;
            }
            Ok::<u64, BoxError>(kills)
        };
        let (workers, gateways) = tokio::try_join!(workers, gateways)?;
        Ok(Kills { workers, gateways })
    }
}

async fn start_worker(system: &System, log_mode: LogMode, number: usize) -> Result<Process, BoxError> {
    let name = format!("worker-{number}");
    until_started(async || system.worker(&name, log_mode.flags()).await).await
}

async fn start_gateway(system: &System, callers: &Gateways, number: usize) -> Result<Gateway, BoxError> {
    let name = format!("gateway-{number}");
    let heartbeat = humantime::format_duration(HEARTBEAT).to_string();
    let settings = ["--reply-queue-heartbeat", &heartbeat];
    let gateway = until_started(async || system.gateway(&name, &settings).await).await?;
    callers.set(number, gateway.address)?;
    Ok(gateway)
}

/// Starts a program; what supervises it would do the same.
async fn until_started<T>(start: impl AsyncFn() -> Result<T, BoxError>) -> Result<T, BoxError> {
    let mut failed = 0;
    loop {
        match start().await {
            Ok(started) => return Ok(started),
            Err(error) if failed == START_ATTEMPTS => return Err(error),
            Err(error) => tracing::debug!(error, "starting it again"),
        }
        failed += 1;
    }
}

async fn promise_nothing_left(report: &mut Report, system: &System, herd: &Herd) -> Result<(), BoxError> {
    let queues = Queues::of(system);
    let requests = queues.until_empty(REQUEST_QUEUE, SETTLE).await?;
    report.promise_none("no request is left waiting", requests.waiting);
    report.promise_none("no request is left in flight", requests.in_flight);
    // Every request could be answered: whatever lies there should have been.
    let dead = queues.depth(DEAD_LETTER_QUEUE).await?;
    report.promise_none("no dead letter that could have been answered", dead.waiting + dead.in_flight);

    let mut waiting = 0;
    for gateway in &herd.gateways {
        waiting += machine::metric(gateway.admin, "compute_gateway_waiters").await?;
    }
    report.promise_none("no call waits in a gateway", waiting);

    let live: Vec<&str> = herd.gateways.iter().map(|gateway| gateway.reply_queue.as_str()).collect();
    let stray = until_swept(&queues, &live).await?;
    report.promise_none("no reply queue of a dead gateway", stray);
    Ok(())
}

/// Waits until no reply queue is there but those of these gateways, as long as that may take; how many are there then.
async fn until_swept(queues: &Queues, live: &[&str]) -> Result<u64, BoxError> {
    // A gateway is dead after almost four heartbeats; then two or three more may pass until the next sweep, which takes a while.
    let end = Instant::now() + 8 * HEARTBEAT + SWEEP;
    loop {
        let mut stray = queues.named(REPLY_QUEUES).await?;
        stray.retain(|url| !live.contains(&url.as_str()));
        if stray.is_empty() || Instant::now() >= end {
            return Ok(stray.len() as u64);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn promise_of_log(
    report: &mut Report,
    system: &System,
    log_mode: LogMode,
    mut answered: Vec<String>,
) -> Result<(), BoxError> {
    let log = Log::read(&system.bucket_folder())?;
    let calls = answered.len();
    answered.sort_unstable();
    answered.dedup();
    report.promise_none("no two answers name the same operation", (calls - answered.len()) as u64);
    let (promise, is_kept): (_, fn(Copies) -> bool) = match log_mode {
        LogMode::Object => ("every answered operation is in the log exactly once", |copies| {
            copies == Copies { objects: 1, batched: 0 }
        }),
        // A redelivery may repeat a record; readers of the log see it once.
        LogMode::Batch => {
            ("every answered operation is in a batch of the log", |copies| copies.objects == 0 && copies.batched >= 1)
        }
    };
    let not_so = answered.iter().filter(|id| !is_kept(log.copies_of(id))).count();
    report.promise(promise, not_so == 0, format!("{} answered, {} logged, {not_so} not so", answered.len(), log.len()));
    report.promise_none("no object of the log is odd", log.odd.len() as u64);
    for odd in log.odd.iter().take(10) {
        tracing::error!(odd, "an object of the log is not what its name says, or holds a failure");
    }
    if log_mode == LogMode::Batch {
        let (batches, batched) = (log.batches, log.batched());
        report.fact("records in batches", format!("{batched} in {batches} objects, of {} operations", log.len()));
        report.figure("log", json!({ "batches": batches, "records": batched, "operations": log.len() }));
    }
    Ok(())
}

//! Ever more calls wait at the same rate: what one costs the gateway's processor.

use std::time::Duration;

use compute_process::flags;
use serde_json::json;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::progress::Progress;
use crate::question::Question;
use crate::report::{Report, Table, duration};
use crate::spread::Spread;
use crate::system::{Gateway, System};
use crate::tally::{SharedTally, Tally};
use crate::targets::{Figure, Measured};
use crate::{BoxError, load, machine};

/// From how many waiting calls on the cost is to be flat.
const FLAT_FROM: u64 = 100;

/// The most slots that a worker can have.
const MOST_SLOTS: u64 = 10_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many calls are to wait
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000,10000", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    waiting: Vec<u64>,
    /// How many calls come a second, always; the work takes as long as it must for so many to wait
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// How long the cost is measured, each time when that many wait
    #[arg(long, default_value = "6s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(600)))]
    step: Duration,
    /// How often
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Over how many connections calls come
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

/// What was seen with so many calls waiting.
#[derive(Default)]
struct Step {
    wanted: u64,
    waiting: Spread,
    /// Microseconds of the gateway's processor for each call.
    micros: Spread,
    tally: Tally,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let progress = Progress::new(flags.rounds * flags.waiting.len());
    let mut steps: Vec<Step> = flags.waiting.iter().map(|&wanted| Step { wanted, ..Step::default() }).collect();
    for round in 0..flags.rounds {
        for step in &mut steps {
            progress.step(format!("{} wait, round {}", step.wanted, round + 1));
            measure(&system, flags, round, step).await?;
        }
    }
    drop(progress);

    let mut report = Report::new(
        "growth",
        json!({ "waiting": flags.waiting, "calls_per_second": flags.rate, "step_seconds": flags.step.as_secs_f64(),
            "rounds": flags.rounds }),
    );
    let mut table = Table::new(&["to wait", "waiting", "us of the processor a call", "p50", "endings"]);
    let text = |spread: &Spread| format!("{:.1} ({:.1} to {:.1})", spread.median(), spread.least(), spread.most());
    for step in &steps {
        let p50 = duration(step.tally.quantile(0.5));
        let waiting = format!("{:.0}", step.waiting.median());
        table.row([step.wanted.to_string(), waiting, text(&step.micros), p50, step.tally.endings()]);
        let figures = json!({ "waiting": step.waiting.to_json(), "processor_micros_per_call": step.micros.to_json() });
        report.figure(&format!("waiting_{}", step.wanted), figures);
    }
    report.table(table);
    let flat = || steps.iter().filter(|step| step.wanted >= FLAT_FROM).map(|step| step.micros.median());
    let growth = flat().fold(f64::NAN, f64::max) / flat().fold(f64::NAN, f64::min);
    report.target(Measured::once(Figure::Growth, growth));
    let tally = Tally::sum(steps.iter().map(|step| &step.tally));
    report.promise_none("every call gets its answer", tally.failed());
    promise_of_calls(&mut report, &tally);
    conclude(report, options, system).await
}

/// Lets the calls that wait become so many, then measures for a while.
async fn measure(system: &System, flags: &Flags, round: usize, step: &mut Step) -> Result<(), BoxError> {
    let time = Duration::from_secs_f64(step.wanted as f64 / flags.rate).max(Duration::from_millis(1));
    let (name, room) = (format!("{}-{round}", step.wanted), 2 * step.wanted + 1_000);
    let worker_time = humantime::format_duration(Duration::from_millis(time.as_millis().try_into()?)).to_string();
    // No worker is heard from until the first call has been worked.
    let silence =
        humantime::format_duration(2 * Duration::from_secs(time.as_secs()) + Duration::from_secs(10)).to_string();
    let gateway = ["--max-in-flight", &room.to_string(), "--no-worker-after", &silence];
    let gateway = system.gateway(&format!("gateway-{name}"), &gateway).await?;
    let (count, mut workers) = (room.div_ceil(MOST_SLOTS), Vec::new());
    let slots = room.div_ceil(count).to_string();
    for number in 0..count {
        let worker = ["--slots", &slots, "--time", &worker_time];
        workers.push(system.slow_worker(&format!("slow-{name}-{number}"), &worker).await?);
    }
    let gateways = Gateways::new(1, flags.connections);
    gateways.set(0, gateway.address)?;

    let tally = SharedTally::default();
    // Far more than a call takes, or the gateway would refuse those that it cannot tell to be in time.
    let deadline = 10 * time + Duration::from_secs(60);
    let call = |number, due| {
        let (gateways, tally) = (gateways.clone(), tally.clone());
        async move {
            let question = Question::new(0, number);
            tally.add(&caller::call_once(&gateways, 0, &question, Times::at(due, deadline)).await);
        }
    };
    let measuring = async {
        tokio::time::sleep(time + Duration::from_secs(1)).await;
        let seen = watch(&gateway, &tally, flags.step).await;
        seen.inspect_err(|error| tracing::error!(error, "cannot measure")).ok()
    };
    let (seen_sender, seen) = tokio::sync::oneshot::channel();
    let end = async { seen_sender.send(measuring.await).unwrap_or_default() };
    load::at_rate(flags.rate, end, call).await;
    let (waiting, micros) = seen.await?.ok_or("the gateway could not be measured")?;
    step.waiting.add(waiting);
    step.micros.add(micros);
    step.tally = Tally::sum([&step.tally, &tally.read()]);
    gateway.process.terminate().await?;
    for worker in workers {
        worker.terminate().await?;
    }
    Ok(())
}

/// How many calls wait, in the middle of that time, and what each that ends within it costs the gateway's processor.
async fn watch(gateway: &Gateway, tally: &SharedTally, time: Duration) -> Result<(f64, f64), BoxError> {
    let (ended, processor) = (tally.ended(), machine::processor_time(&gateway.process)?);
    tokio::time::sleep(time / 2).await;
    let waiting = machine::metric(gateway.admin, "compute_gateway_waiters").await?;
    tokio::time::sleep(time / 2).await;
    let (ended, processor) =
        (tally.ended() - ended, machine::processor_time(&gateway.process)?.saturating_sub(processor));
    Ok((waiting as f64, processor.as_secs_f64() * 1e6 / ended.max(1) as f64))
}

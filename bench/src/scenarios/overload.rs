//! More calls than the workers can do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use compute_process::flags;
use serde::Serialize;
use serde_json::json;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Ending, Gateways, Times};
use crate::machine::Processors;
use crate::question::Question;
use crate::queues::Queues;
use crate::report::{Report, Table, duration, percent};
use crate::system::{REQUEST_QUEUE, System};
use crate::tally::SharedTally;
use crate::{BoxError, load};

/// Goodput under the heaviest load is at least this part of the best.
const KEPT: f64 = 0.9;

/// How long the queue may take to become empty between two loads.
const SETTLE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many requests the worker works on at once
    #[arg(long, default_value_t = 10)]
    slots: u32,
    /// How long each takes; slots and time set the capacity
    #[arg(long, default_value = "20ms", value_parser = flags::duration(Duration::from_millis(1)..=Duration::from_secs(60)))]
    time: Duration,
    /// Loads to offer, in parts of the capacity, the heaviest last
    #[arg(long, value_delimiter = ',', default_value = "0.5,1,2,4")]
    loads: Vec<f64>,
    /// How long to offer each
    #[arg(long, default_value = "15s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(3600)))]
    step: Duration,
    /// The deadline of a call
    #[arg(long, default_value = "2s", value_parser = flags::duration(Duration::from_millis(10)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// Neither the gateway refuses nor the worker sheds what cannot be done in time: shows what that is good for
    #[arg(long)]
    no_shedding: bool,
}

impl Flags {
    /// Calls a second.
    fn capacity(&self) -> f64 {
        f64::from(self.slots) / self.time.as_secs_f64()
    }
}

/// What was seen of one load.
#[derive(Debug, Serialize)]
struct Step {
    load: f64,
    offered_per_second: f64,
    goodput_per_second: f64,
    processors_busy: f64,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let (slots, time) = (flags.slots.to_string(), humantime::format_duration(flags.time).to_string());
    let mut slow = vec!["--slots", &slots, "--time", &time];
    let gateway = if flags.no_shedding {
        slow.push("--no-shedding");
        system.taking_gateway("gateway").await?
    } else {
        system.gateway("gateway", &[]).await?
    };
    let _worker = system.slow_worker("slow", &slow).await?;
    let gateways = Gateways::new(1, 8);
    gateways.set(0, gateway.address)?;

    let parameters = json!({ "capacity_per_second": flags.capacity(), "slots": flags.slots,
        "work_seconds": flags.time.as_secs_f64(), "deadline_seconds": flags.deadline.as_secs_f64(),
        "step_seconds": flags.step.as_secs_f64(), "shedding": !flags.no_shedding });
    let mut report = Report::new("overload", parameters);
    let mut table = Table::new(&["load", "offered/s", "goodput/s", "p50", "p99", "processors", "endings"]);
    let (all, mut steps) = (SharedTally::default(), Vec::new());
    for &load in &flags.loads {
        Queues::of(&system).until_empty(REQUEST_QUEUE, SETTLE).await?;
        let tally = SharedTally::default();
        let step = offer(flags, load, &gateways, &tally, &all).await?;
        let counted = tally.read();
        table.row([
            load.to_string(),
            format!("{:.0}", step.offered_per_second),
            format!("{:.1}", step.goodput_per_second),
            duration(counted.quantile(0.5)),
            duration(counted.quantile(0.99)),
            percent(step.processors_busy),
            counted.endings(),
        ]);
        steps.push(step);
    }
    report.table(table);
    let goodput = |step: &Step| step.goodput_per_second;
    let best = steps.iter().map(goodput).fold(0.0, f64::max);
    let heaviest = steps.last().map_or(0.0, goodput);
    report.promise(
        format!("goodput under the heaviest load is at least {} of the best", percent(KEPT)),
        heaviest >= KEPT * best && best > 0.0,
        format!("{heaviest:.1}/s of {best:.1}/s: {}", percent(heaviest / best)),
    );
    report.figure("steps", &steps);
    promise_of_calls(&mut report, &all.read());
    conclude(report, options, system).await
}

/// Offers one load.
async fn offer(
    flags: &Flags,
    load: f64,
    gateways: &Gateways,
    tally: &SharedTally,
    all: &SharedTally,
) -> Result<Step, BoxError> {
    let (in_time, deadline, per_second) = (Arc::new(AtomicU64::new(0)), flags.deadline, load * flags.capacity());
    tracing::info!(load, per_second, "offering");
    let before = Processors::look()?;
    load::at_rate(per_second, tokio::time::sleep(flags.step), |number, due| {
        let (gateways, tally, all, in_time) = (gateways.clone(), tally.clone(), all.clone(), in_time.clone());
        async move {
            let question = Question::new(0, number);
            let ended = caller::call_once(&gateways, 0, &question, Times::at(due, deadline)).await;
            if matches!(ended.ending, Ending::Right { .. }) && ended.took <= deadline {
                in_time.fetch_add(1, Ordering::Relaxed);
            }
            tally.add(&ended);
            all.add(&ended);
        }
    })
    .await;
    Ok(Step {
        load,
        offered_per_second: tally.ended() as f64 / flags.step.as_secs_f64(),
        goodput_per_second: in_time.load(Ordering::Relaxed) as f64 / flags.step.as_secs_f64(),
        processors_busy: Processors::look()?.busy_since(before),
    })
}

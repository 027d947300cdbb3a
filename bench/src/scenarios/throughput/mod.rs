//! As much as goes: the system beside the floor and the naive way, in both modes of the log.

mod costs;
mod entrant;
mod sweep;

use std::path::PathBuf;
use std::time::Duration;

use compute_process::flags;
use serde_json::json;

use self::costs::Named;
use self::entrant::{Entrant, Load};
use self::sweep::Step;
use super::{Options, promise_of_calls};
use crate::BoxError;
use crate::chart::{self, Line};
use crate::floor::Contender;
use crate::progress::Progress;
use crate::report::{Report, Table, duration};
use crate::spread::Spread;
use crate::system::{LogMode, System};
use crate::tally::Tally;
use crate::targets::{Figure, Measured};
use crate::traffic;

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// The modes of the log to measure
    #[arg(long, value_enum, value_delimiter = ',', default_value = "object,batch")]
    log_modes: Vec<LogMode>,
    /// How many callers to try, each making one call after the other
    #[arg(long, value_delimiter = ',', default_value = "1,4,16,64,256,1024", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    callers: Vec<u64>,
    /// How many requests of each kind the floor has under way, to try
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8")]
    floor_slots: Vec<usize>,
    /// How many the naive way has under way, to try
    #[arg(long, value_delimiter = ',', default_value = "8,32,64")]
    naive_slots: Vec<usize>,
    /// How many calls and messages both have under way, to try
    #[arg(long, value_delimiter = ',', default_value = "256,1024")]
    windows: Vec<usize>,
    /// How long to try each of those
    #[arg(long, default_value = "1500ms", value_parser = flags::duration(Duration::from_millis(10)..=Duration::from_secs(60)))]
    step: Duration,
    /// How often all are measured at their best, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For about how long each time
    #[arg(long, default_value = "4s", value_parser = flags::duration(Duration::from_millis(10)..=Duration::from_secs(600)))]
    round: Duration,
    /// How many calls a single caller makes
    #[arg(long, default_value_t = 500)]
    lone_calls: u64,
    /// Loads to offer the system, however long calls take, in parts of what it has done at most
    #[arg(long, value_delimiter = ',', default_value = "0.05,0.2,0.4,0.6,0.8,0.9")]
    loads: Vec<f64>,
    /// How long to offer each
    #[arg(long, default_value = "4s", value_parser = flags::duration(Duration::from_millis(10)..=Duration::from_secs(600)))]
    load_time: Duration,
    /// How many workers the system has
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Over how many connections calls come
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// The deadline of a call
    #[arg(long, default_value = "60s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// Draw how long calls take under which load, as SVG, into this file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

/// What was measured in a mode of the log.
struct Measurements {
    mode: LogMode,
    steps: Vec<Step>,
    /// At their best, round by round; in the order of the contenders.
    saturated: [Vec<Load>; 3],
    /// With a single caller.
    lone: [Vec<Load>; 3],
    /// Calls a second that were offered, and how they ended.
    offered: Vec<(f64, Tally)>,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let settings = flags.windows.len() * (flags.floor_slots.len() + flags.naive_slots.len());
    let steps = flags.callers.len() + settings + 3 * flags.rounds + 3 + flags.loads.len();
    let progress = Progress::new(flags.log_modes.len() * steps);
    let (mut all, mut panics) = (Vec::new(), 0);
    for &mode in &flags.log_modes {
        let system = System::start(options, None).await?;
        all.push(measure(&system, mode, flags, &progress).await?);
        panics += system.panics();
        system.stop(options.keep).await?;
    }
    drop(progress);

    let seconds = |time: Duration| time.as_secs_f64();
    let mut report = Report::new(
        "throughput",
        json!({ "workers": flags.workers, "connections": flags.connections, "rounds": flags.rounds,
            "round_seconds": seconds(flags.round), "step_seconds": seconds(flags.step), "lone_calls": flags.lone_calls }),
    );
    tell_steps(&mut report, &all);
    tell_rounds(&mut report, &all);
    tell_costs(&mut report, &all);
    tell_loads(&mut report, &all, flags)?;
    set_targets(&mut report, &all);
    let tallies = all.iter().flat_map(Measurements::tallies);
    let tally = Tally::sum(tallies);
    report.promise_none("every call gets its answer", tally.failed());
    promise_of_calls(&mut report, &tally);
    report.promise_none("no program panics", panics);
    Ok(report)
}

async fn measure(system: &System, mode: LogMode, flags: &Flags, progress: &Progress) -> Result<Measurements, BoxError> {
    let mut ours = Entrant::system(system, mode, flags).await?;
    let mut steps = sweep::callers(system, &mut ours, flags, progress).await?;
    let (floor, of_floor) = sweep::settings(system, Contender::Floor, mode, flags, progress).await?;
    let (naive, of_naive) = sweep::settings(system, Contender::Naive, mode, flags, progress).await?;
    steps.extend(of_floor.into_iter().chain(of_naive));
    let mut entrants = [ours, floor, naive];

    let (mut saturated, mut lone): ([Vec<Load>; 3], [Vec<Load>; 3]) = Default::default();
    for round in 0..flags.rounds {
        for contender in Contender::in_turn(round) {
            progress.step(format!("{} mode, round {}: {}", mode.name(), round + 1, contender.name()));
            let entrant = &mut entrants[contender as usize];
            saturated[contender as usize].push(entrant.run_for(system, flags.round).await?);
        }
    }
    for contender in Contender::ALL {
        progress.step(format!("{} mode, one caller: {}", mode.name(), contender.name()));
        lone[contender as usize].push(entrants[contender as usize].run_lone(system, flags.lone_calls).await?);
    }
    let mut offered = Vec::new();
    let rates: Spread = rates(&saturated[Contender::System as usize]);
    for load in &flags.loads {
        progress.step(format!("{} mode, {load} of the most", mode.name()));
        let per_second = load * rates.median();
        offered.push((per_second, entrants[Contender::System as usize].offer(per_second, flags.load_time).await));
    }
    for entrant in entrants {
        entrant.stop().await?;
    }
    Ok(Measurements { mode, steps, saturated, lone, offered })
}

impl Measurements {
    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        let loads = self.saturated.iter().chain(&self.lone).flatten().map(|load| &load.tally);
        loads.chain(self.steps.iter().map(|step| &step.tally)).chain(self.offered.iter().map(|(_, tally)| tally))
    }

    /// What the system has of something, through what another has, round by round.
    fn over(&self, other: Contender, figure: impl Fn(&Load) -> f64) -> Spread {
        let rounds = self.saturated[Contender::System as usize].iter().zip(&self.saturated[other as usize]);
        spread(rounds.map(|(ours, theirs)| figure(ours) / figure(theirs)))
    }
}

fn spread(measurements: impl Iterator<Item = f64>) -> Spread {
    let mut spread = Spread::default();
    measurements.for_each(|measurement| spread.add(measurement));
    spread
}

fn rates(loads: &[Load]) -> Spread {
    spread(loads.iter().map(Load::rate))
}

fn tell_steps(report: &mut Report, all: &[Measurements]) {
    let mut table = Table::new(&["log", "", "callers", "slots", "calls/s", "p50", "p99"]);
    for Measurements { mode, steps, .. } in all {
        for step in steps {
            table.row([
                mode.name().to_owned(),
                step.contender.name().to_owned(),
                step.callers.to_string(),
                step.setting.map_or_else(String::new, |setting| setting.slots.to_string()),
                format!("{:.0}", step.per_second),
                duration(step.tally.quantile(0.5)),
                duration(step.tally.quantile(0.99)),
            ]);
        }
        report.figure(&format!("by_callers_{}", mode.name()), steps);
    }
    report.table(table);
}

fn tell_rounds(report: &mut Report, all: &[Measurements]) {
    let mut table = Table::new(&["log", "at their best", "calls/s", "over it", "processor a call", "over it"]);
    let text = |spread: &Spread, decimals: usize| {
        let (median, least, most) = (spread.median(), spread.least(), spread.most());
        format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
    };
    for measured in all {
        for contender in Contender::ALL {
            let loads = &measured.saturated[contender as usize];
            let (rates, processor) = (rates(loads), spread(loads.iter().map(Load::processor_micros)));
            let lone = spread(measured.lone[contender as usize].iter().map(Load::processor_micros));
            let over = measured.over(contender, Load::rate);
            let processor_over = measured.over(contender, Load::processor_micros);
            table.row([
                measured.mode.name().to_owned(),
                contender.name().to_owned(),
                text(&rates, 0),
                text(&over, 3),
                format!("{} us", text(&processor, 1)),
                text(&processor_over, 3),
            ]);
            report.figure(
                &format!("{}_{}", contender.name(), measured.mode.name()),
                json!({ "calls_per_second": rates.to_json(), "system_over_it": over.to_json(),
                    "processor_micros_per_call": processor.to_json(), "system_over_its_processor": processor_over.to_json(),
                    "lone_processor_micros_per_call": lone.to_json() }),
            );
        }
    }
    report.table(table);
}

fn tell_costs(report: &mut Report, all: &[Measurements]) {
    for measured in all {
        let mut named = Vec::new();
        for contender in Contender::ALL {
            let place = contender as usize;
            for (loads, callers) in [(&measured.saturated[place], "best"), (&measured.lone[place], "1")] {
                named.push(Named { name: format!("{}, {}, {callers}", measured.mode.name(), contender.name()), loads });
            }
        }
        costs::tell(report, &named);
    }
    report.fact("Dollars are those of us-east-1, idle polls included", traffic::PRICES);
}

fn tell_loads(report: &mut Report, all: &[Measurements], flags: &Flags) -> Result<(), BoxError> {
    let mut table = Table::new(&["log", "offered/s", "p50", "p90", "p99", "endings"]);
    let (mut lines, mut figures) = (Vec::new(), Vec::new());
    for Measurements { mode, offered, .. } in all {
        for (per_second, tally) in offered {
            let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|part| duration(tally.quantile(part)));
            table.row([mode.name().to_owned(), format!("{per_second:.0}"), p50, p90, p99, tally.endings()]);
            figures
                .push(json!({ "log_mode": mode.name(), "offered_per_second": per_second, "calls": tally.to_json() }));
        }
        for (part, name) in [(0.5, "p50"), (0.99, "p99")] {
            let points = offered.iter().map(|(load, tally)| (*load, tally.quantile(part).as_secs_f64())).collect();
            lines.push(Line { name: format!("{} mode, {name}", mode.name()), points });
        }
    }
    report.table(table);
    report.figure("latency_by_load", figures);
    if let Some(file) = &flags.chart {
        chart::latency_by_load(file, &lines)?;
    }
    Ok(())
}

fn set_targets(report: &mut Report, all: &[Measurements]) {
    let ours = Contender::System as usize;
    for measured in all {
        let (throughput, processor, s3) = match measured.mode {
            LogMode::Object => (Figure::ThroughputObject, Figure::ProcessorObject, Figure::S3Object),
            LogMode::Batch => (Figure::ThroughputBatch, Figure::ProcessorBatch, Figure::S3Batch),
        };
        report.target(Measured::new(throughput, &measured.over(Contender::Floor, Load::rate)));
        if measured.mode == LogMode::Batch {
            report.target(Measured::new(Figure::ThroughputNaive, &measured.over(Contender::Naive, Load::rate)));
        }
        report.target(Measured::new(processor, &measured.over(Contender::Floor, Load::processor_micros)));
        report.target(Measured::new(s3, &spread(measured.saturated[ours].iter().map(costs::s3))));
    }
    let of_all = |loads: fn(&Measurements) -> &[Vec<Load>; 3]| {
        spread(all.iter().flat_map(move |measured| loads(measured)[ours].iter().map(costs::sqs)))
    };
    report.target(Measured::new(Figure::SqsSaturated, &of_all(|measured| &measured.saturated)));
    report.target(Measured::new(Figure::SqsLone, &of_all(|measured| &measured.lone)));
}

//! Half of what the system can do, for long.

use std::time::Duration;

use compute_process::flags;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::machine::{Processors, resident};
use crate::processes::Process;
use crate::question::Question;
use crate::report::{Report, Table, duration, mebibytes, percent};
use crate::system::System;
use crate::tally::SharedTally;
use crate::{BoxError, load};

/// Memory may grow by this part after it has settled.
const GROWTH: f64 = 0.05;

/// The part of the time that memory has to settle: five minutes of thirty.
const SETTLING: f64 = 1.0 / 6.0;

/// The part of the time at either end of the settled rest over which the mean of the memory is taken.
const ENDS: f64 = 0.1;

const DEADLINE: Duration = Duration::from_secs(10);

/// How the capacity is measured: by so many callers, each one call after the other, for so long.
const CALLERS: u64 = 64;
const MEASURING: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How long, in minutes
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Calls a second. Without it half of the capacity, which is measured first
    #[arg(long)]
    rate: Option<f64>,
    /// How often memory is looked at
    #[arg(long, default_value = "10s", value_parser = flags::duration(Duration::from_millis(100)..=Duration::from_secs(600)))]
    sample_every: Duration,
}

/// The memory of the programs at one moment, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
struct Sample {
    seconds: f64,
    gateway: u64,
    worker: u64,
    /// Of the embedded SQS and S3, which keep an index of all objects: told, but not judged.
    local: u64,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let worker = system.worker("worker", &[]).await?;
    let gateway = system.gateway("gateway", &[]).await?;
    let gateways = Gateways::new(1, 8);
    gateways.set(0, gateway.address)?;
    let capacity = match flags.rate {
        Some(_) => None,
        None => Some(capacity(&gateways).await),
    };
    let rate = flags.rate.or(capacity.map(|capacity| capacity / 2.0)).ok_or("no rate")?;
    let time = Duration::from_secs_f64(flags.minutes * 60.0);
    tracing::info!(capacity, rate, time = duration(time), "soaking");

    let (tally, before) = (SharedTally::default(), Processors::look()?);
    let calls = load::at_rate(rate, tokio::time::sleep(time), |number, due| {
        let (gateways, tally) = (gateways.clone(), tally.clone());
        async move {
            let question = Question::new(0, number);
            tally.add(&caller::call_once(&gateways, 0, &question, Times::at(due, DEADLINE)).await);
        }
    });
    let done = CancellationToken::new();
    let calling = async {
        load::with_progress("soak", &tally, calls).await;
        done.cancel();
    };
    let ((), samples) = tokio::join!(calling, watch(flags.sample_every, &system, &gateway.process, &worker, &done));
    let samples = samples?;
    let busy = Processors::look()?.busy_since(before);

    let mut report = Report::new(
        "soak",
        json!({ "minutes": flags.minutes, "rate_per_second": rate, "capacity_per_second": capacity }),
    );
    let counted = tally.read();
    let mut table = Table::new(&["calls", "calls/s", "p50", "p99", "max", "processors"]);
    table.row([
        counted.total.to_string(),
        format!("{:.0}", counted.total as f64 / time.as_secs_f64()),
        duration(counted.quantile(0.5)),
        duration(counted.quantile(0.99)),
        duration(counted.slowest()),
        percent(busy),
    ]);
    report.table(table);
    report.figure("samples", &samples);
    judge(&mut report, &samples);
    report.promise_none("every call gets its answer", counted.failed());
    promise_of_calls(&mut report, &counted);
    conclude(report, options, system).await
}

/// The most calls a second that are answered, as one can see in a short time.
async fn capacity(gateways: &Gateways) -> f64 {
    let (tally, end) = (SharedTally::default(), Instant::now() + MEASURING);
    let call = {
        let (gateways, tally) = (gateways.clone(), tally.clone());
        move |caller| {
            let (gateways, tally) = (gateways.clone(), tally.clone());
            async move {
                for number in 0.. {
                    if Instant::now() >= end {
                        return;
                    }
                    let question = Question::new(caller, number);
                    tally.add(&caller::call_once(&gateways, 0, &question, Times::now(DEADLINE)).await);
                }
            }
        }
    };
    load::by_callers(CALLERS, CALLERS, call).await;
    tally.read().right as f64 / MEASURING.as_secs_f64()
}

/// Looks at the memory of the programs until `done`.
async fn watch(
    every: Duration,
    system: &System,
    gateway: &Process,
    worker: &Process,
    done: &CancellationToken,
) -> Result<Vec<Sample>, BoxError> {
    let (start, mut samples) = (Instant::now(), Vec::new());
    loop {
        samples.push(Sample {
            seconds: start.elapsed().as_secs_f64(),
            gateway: resident(gateway)?,
            worker: resident(worker)?,
            local: resident(system.local())?,
        });
        if done.run_until_cancelled(tokio::time::sleep(every)).await.is_none() {
            return Ok(samples);
        }
    }
}

fn judge(report: &mut Report, samples: &[Sample]) {
    type Memory = fn(&Sample) -> u64;
    let programs: [(&str, Memory); 2] = [("gateway", |sample| sample.gateway), ("worker", |sample| sample.worker)];
    let mut table = Table::new(&["memory of", "settled", "at the end", "growth", "curve from the start"]);
    for (name, memory) in programs {
        let curve: Vec<u64> = samples.iter().map(memory).collect();
        let settled = &curve[(curve.len() as f64 * SETTLING) as usize..];
        let end = ((settled.len() as f64 * ENDS) as usize).max(1).min(settled.len());
        let (first, last) = (mean(&settled[..end]), mean(&settled[settled.len() - end..]));
        let growth = last as f64 / first as f64 - 1.0;
        table.row([name.to_owned(), mebibytes(first), mebibytes(last), percent(growth), sparkline(&curve)]);
        report.promise(
            format!("the memory of the {name} grows by less than {} once it has settled", percent(GROWTH)),
            growth < GROWTH,
            percent(growth),
        );
        report.figure(&format!("{name}_growth"), growth);
    }
    report.table(table);
}

fn mean(values: &[u64]) -> u64 {
    values.iter().sum::<u64>() / (values.len() as u64).max(1)
}

/// A curve in one line, from nothing to its highest value.
fn sparkline(values: &[u64]) -> String {
    const BLOCKS: [char; 8] =
        ['\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}'];
    const COLUMNS: usize = 60;
    let highest = values.iter().copied().max().unwrap_or_default().max(1);
    let columns = values.chunks(values.len().div_ceil(COLUMNS).max(1)).map(mean);
    columns.map(|value| BLOCKS[usize::try_from(value * 7 / highest).unwrap_or_default()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(gateway: impl Fn(u64) -> u64) -> Vec<Sample> {
        (0..180)
            .map(|n| Sample { seconds: n as f64 * 10.0, gateway: gateway(n), worker: 1 << 24, local: 1 << 24 })
            .collect()
    }

    fn is_kept(gateway: impl Fn(u64) -> u64) -> bool {
        let mut report = Report::new("soak", json!({}));
        judge(&mut report, &samples(gateway));
        report.is_kept()
    }

    #[test]
    fn memory_may_rise_at_first_and_swing_but_not_creep() {
        assert!(is_kept(|n| 1_000_000 + 200_000 * n.min(20)));
        assert!(is_kept(|n| 5_000_000 + 400_000 * (n % 2)));
        assert!(!is_kept(|n| 5_000_000 + 3_000 * n));
    }

    #[test]
    fn a_sparkline_has_a_limited_length_and_rises_with_the_curve() {
        assert_eq!(sparkline(&[0, 4, 7]), "\u{2581}\u{2585}\u{2588}");
        assert_eq!(sparkline(&[1; 180]).chars().count(), 60);
        assert_eq!(sparkline(&[]), "");
    }
}

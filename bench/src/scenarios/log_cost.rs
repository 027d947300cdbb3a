//! What an operation costs at AWS in requests, in both modes of the log.

use std::collections::BTreeSet;
use std::time::Duration;

use compute_process::flags;
use serde_json::json;
use tokio::time::Instant;

use super::{Options, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::question::Question;
use crate::queues::Queues;
use crate::report::{Report, Table};
use crate::system::{LogMode, REQUEST_QUEUE, System};
use crate::tally::{SharedTally, Tally};
use crate::traffic::{self, Traffic};
use crate::{BoxError, load};

/// How long the queue may take to become empty when all calls have ended.
const SETTLE: Duration = Duration::from_secs(120);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// The modes of the log to measure
    #[arg(long, value_enum, value_delimiter = ',', default_value = "object,batch")]
    log_modes: Vec<LogMode>,
    /// How many calls to make at full load
    #[arg(long, default_value_t = 50_000)]
    calls: u64,
    /// How many callers make them, each one after the other
    #[arg(long, default_value_t = 256)]
    callers: u64,
    /// How many calls a single caller makes, one after the other
    #[arg(long, default_value_t = 2_000)]
    lone_calls: u64,
    /// How many workers there are
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// The deadline of a call
    #[arg(long, default_value = "60s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// How often S3 may be asked to store an object for an operation, at full load in batch mode
    #[arg(long, value_name = "RATIO", default_value_t = 0.01)]
    most_puts: f64,
}

/// A load, and what came in at SQS and S3 because of it.
struct Measured {
    name: String,
    mode: LogMode,
    is_full_load: bool,
    tally: Tally,
    took: Duration,
    traffic: Traffic,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let mut report = Report::new(
        "log-cost",
        json!({ "calls": flags.calls, "callers": flags.callers, "lone_calls": flags.lone_calls, "workers": flags.workers }),
    );
    let (mut measured, mut panics) = (Vec::new(), 0);
    for &mode in &flags.log_modes {
        let system = System::start(options, None).await?;
        measured.extend(measure(&system, mode, flags).await?);
        panics += system.panics();
        system.stop(options.keep).await?;
    }
    tell(&mut report, &measured);
    promise_of_calls(&mut report, &Tally::sum(measured.iter().map(|measured| &measured.tally)));
    for measured in measured.iter().filter(|measured| measured.mode == LogMode::Batch && measured.is_full_load) {
        let puts = measured.traffic.s3_puts() as f64 / measured.tally.right.max(1) as f64;
        let promise = format!("batch mode stores at most {} objects an operation at full load", flags.most_puts);
        report.promise(promise, puts <= flags.most_puts, format!("{puts:.5}"));
    }
    report.promise_none("no program panics", panics);
    Ok(report)
}

/// Measures a system under full load and with a single caller.
async fn measure(system: &System, mode: LogMode, flags: &Flags) -> Result<Vec<Measured>, BoxError> {
    let mut workers = Vec::new();
    for number in 0..flags.workers {
        workers.push(system.worker(&format!("worker-{number}"), mode.flags()).await?);
    }
    let gateway = system.gateway("gateway", &[]).await?;
    let gateways = Gateways::new(1, 4);
    gateways.set(0, gateway.address)?;
    let queues = Queues::of(system);
    let mut measured = Vec::new();
    for (callers, calls) in [(flags.callers, flags.calls), (1, flags.lone_calls)] {
        let (before, tally, started) = (Traffic::of(system).await?, SharedTally::default(), Instant::now());
        let call = {
            let (gateways, tally, deadline) = (gateways.clone(), tally.clone(), flags.deadline);
            move |number| {
                let (gateways, tally) = (gateways.clone(), tally.clone());
                async move {
                    let question = Question::new(0, number);
                    tally.add(&caller::call_once(&gateways, 0, &question, Times::now(deadline)).await);
                }
            }
        };
        load::with_progress("log-cost", &tally, load::by_callers(callers, calls, call)).await;
        let took = started.elapsed();
        // A request is deleted when it is logged.
        queues.until_empty(REQUEST_QUEUE, SETTLE).await?;
        let traffic = Traffic::of(system).await?.since(&before).without(&Queues::LOOKS);
        let name = format!("{}, {callers}", mode.name());
        measured.push(Measured { name, mode, is_full_load: callers > 1, tally: tally.read(), took, traffic });
    }
    Ok(measured)
}

/// Requests an operation by kind, and what a million operations cost; a column each.
fn tell(report: &mut Report, measured: &[Measured]) {
    let each = |measured: &Measured, count: f64| count / measured.tally.right.max(1) as f64;
    let mut head = vec!["log mode, callers".to_owned()];
    head.extend(measured.iter().map(|measured| measured.name.clone()));
    let mut table = Table::with_head(head);
    let mut row = |name: &str, cell: &dyn Fn(&Measured) -> String| {
        table.push([name.to_owned()].into_iter().chain(measured.iter().map(cell)).collect());
    };
    row("calls/s", &|measured| format!("{:.0}", measured.tally.total as f64 / measured.took.as_secs_f64()));
    let operations: BTreeSet<&str> =
        measured.iter().flat_map(|measured| measured.traffic.iter()).map(|(operation, _)| operation).collect();
    for operation in operations {
        row(operation, &|measured| {
            format!("{:.5}", each(measured, measured.traffic.requests(operation).billed as f64))
        });
    }
    let million = |measured: &Measured, service| 1e6 * each(measured, measured.traffic.dollars(service));
    for service in ["sqs", "s3"] {
        row(&format!("$ a million, {service}"), &|measured| format!("{:.3}", million(measured, service)));
    }
    row("$ a million", &|measured| format!("{:.3}", million(measured, "sqs") + million(measured, "s3")));
    report.table(table);
    report.fact("Requests are billed ones per operation, at the prices of us-east-1", traffic::PRICES);

    for measured in measured {
        let requests: serde_json::Map<_, _> = measured
            .traffic
            .iter()
            .map(|(operation, requests)| (operation.to_owned(), json!(each(measured, requests.billed as f64))))
            .collect();
        report.figure(
            &measured.name,
            json!({ "calls": measured.tally.to_json(), "seconds": measured.took.as_secs_f64(), "requests_per_operation": requests,
                "dollars_per_million": { "sqs": million(measured, "sqs"), "s3": million(measured, "s3") } }),
        );
    }
}

//! Very many calls wait in one gateway.

use std::time::Duration;

use compute_process::flags;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::question::Question;
use crate::queues::{Depth, Queues};
use crate::report::{Report, Table, duration, mebibytes};
use crate::system::{REQUEST_QUEUE, System};
use crate::tally::SharedTally;
use crate::{BoxError, load, machine};

/// How long it may take until all calls wait.
const GATHERING: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many calls wait
    #[arg(long, default_value_t = 50_000)]
    calls: u64,
    /// Over how many connections they come
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// The deadline of a call
    #[arg(long, default_value = "15m", value_parser = flags::duration(Duration::from_secs(10)..=Duration::from_secs(3600)))]
    deadline: Duration,
    /// What each may cost in memory of the gateway, its part of the connection included
    #[arg(long, value_name = "BYTES", default_value_t = 8_192)]
    most_bytes: u32,
    /// How many workers come then
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let queues = Queues::of(&system);
    let (room, patience) = ((flags.calls + 1_000).to_string(), humantime::format_duration(flags.deadline).to_string());
    // Workers come late here, on purpose.
    let settings = ["--max-in-flight", &room, "--max-deadline", &patience, "--no-worker-after", &patience];
    let gateway = system.gateway("gateway", &settings).await?;
    let gateways = Gateways::new(1, flags.connections);
    gateways.set(0, gateway.address)?;
    open_connections(&gateways, flags).await;

    let before = machine::resident(&gateway.process)?;
    let (tally, calls) = (SharedTally::default(), TaskTracker::new());
    for number in 0..flags.calls {
        let (gateways, tally, deadline) = (gateways.clone(), tally.clone(), flags.deadline);
        calls.spawn(async move {
            let question = Question::new(0, number);
            tally.add(&caller::call_once(&gateways, 0, &question, Times::now(deadline)).await);
        });
    }
    let sent = |depth: Depth| depth.waiting >= flags.calls;
    let depth = queues.until(REQUEST_QUEUE, GATHERING, sent).await?;
    let waiting = machine::metric(gateway.admin, "compute_gateway_waiters").await?;
    let (after, ended_early) = (machine::resident(&gateway.process)?, tally.ended());
    let each = (after.saturating_sub(before)) as f64 / waiting.max(1) as f64;
    tracing::info!(waiting, queued = depth.waiting, bytes_each = each, "all calls wait, now workers start");

    let mut workers = Vec::new();
    for number in 0..flags.workers {
        workers.push(system.worker(&format!("worker-{number}"), &[]).await?);
    }
    calls.close();
    load::with_progress("waiting", &tally, calls.wait()).await;
    let answered = machine::resident(&gateway.process)?;

    let mut report = Report::new(
        "waiting",
        json!({ "calls": flags.calls, "connections": flags.connections, "deadline_seconds": flags.deadline.as_secs_f64() }),
    );
    let mut table =
        Table::new(&["waiting", "memory before", "while they wait", "each", "when all are answered", "slowest"]);
    table.row([
        waiting.to_string(),
        mebibytes(before),
        mebibytes(after),
        format!("{each:.0} B"),
        mebibytes(answered),
        duration(tally.read().slowest()),
    ]);
    report.table(table);
    report.figure("resident_bytes", json!({ "before": before, "waiting": after, "answered": answered }));
    report.figure("bytes_each", each);
    report.promise("all calls wait at once", waiting == flags.calls && ended_early == 0, format!("{waiting} wait"));
    let most = f64::from(flags.most_bytes);
    report.promise(format!("each costs at most {most} bytes"), each <= most, format!("{each:.0}"));
    let counted = tally.read();
    report.promise_none("every call gets its answer", counted.failed());
    promise_of_calls(&mut report, &counted);
    conclude(report, options, system).await
}

/// Has every connection come about, and the gateway warm up, so that the memory for that is not counted as that of calls: asks
/// each for what is refused without a worker.
async fn open_connections(gateways: &Gateways, flags: &Flags) {
    for _ in 0..flags.connections {
        let _ = caller::call_once(gateways, 0, &Question::empty(), Times::now(Duration::from_secs(10))).await;
    }
}

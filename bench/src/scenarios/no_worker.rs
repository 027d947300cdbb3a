//! All workers are gone for a while.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use compute_process::flags;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Ended, Ending, Gateways, Times};
use crate::question::Question;
use crate::report::{Report, Table, duration};
use crate::system::System;
use crate::tally::SharedTally;
use crate::{BoxError, load};

/// The median of refused calls returns within this time.
const AT_ONCE: Duration = Duration::from_millis(50);

/// From a worker's start on, calls are answered again within this time.
const RECOVERY: Duration = Duration::from_secs(1);

/// What may pass, beside the detection time, until the gateway has noticed.
const DETECTION_MARGIN: Duration = Duration::from_secs(1);

/// What may pass between a worker's first reply and the moment that its start is noticed here.
const HEALING_MARGIN: Duration = Duration::from_millis(250);

/// How many calls a second may be let in, to find out when a worker is back.
const MOST_PROBES: f64 = 6.0;

/// How long the load goes on once a worker is back.
const AFTERWARDS: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How long there is no worker
    #[arg(long, default_value = "60s", value_parser = flags::duration(Duration::from_secs(3)..=Duration::from_secs(3600)))]
    outage: Duration,
    /// After how long without a reply the gateway refuses calls
    #[arg(long, default_value = "10s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(600)))]
    no_worker_after: Duration,
    /// Calls a second
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// The deadline of a call
    #[arg(long, default_value = "10s", value_parser = flags::duration(Duration::from_millis(100)..=Duration::from_secs(900)))]
    deadline: Duration,
}

/// A call, with the time that it was due, from the start of the load.
#[derive(Debug, Clone)]
struct Seen {
    due: Duration,
    ended: Ended,
}

impl Seen {
    fn is_refused(&self) -> bool {
        matches!(&self.ended.ending, Ending::Refused { code: Code::Unavailable, .. })
    }

    fn is_right(&self) -> bool {
        matches!(self.ended.ending, Ending::Right { .. })
    }

    /// When it ended, from the start of the load.
    fn end(&self) -> Duration {
        self.due + self.ended.took
    }
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let no_worker_after = humantime::format_duration(flags.no_worker_after).to_string();
    let gateway = system.gateway("gateway", &["--no-worker-after", &no_worker_after]).await?;
    let gateways = Gateways::new(1, 4);
    gateways.set(0, gateway.address)?;
    // A worker that answers, then goes: no cold start, which is another matter.
    let worker = system.worker("first", &[]).await?;
    let warm = caller::call_once(&gateways, 0, &Question::new(0, 0), Times::now(flags.deadline)).await;
    if !matches!(warm.ending, Ending::Right { .. }) {
        return Err(format!("the first call fails: {:?}", warm.ending).into());
    }
    worker.terminate().await?;

    let (tally, seen, done) = (SharedTally::default(), Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
    let start = Instant::now();
    let call = |number, due: Instant| {
        let (gateways, tally, seen) = (gateways.clone(), tally.clone(), seen.clone());
        let deadline = flags.deadline;
        async move {
            let question = Question::new(0, number);
            let ended = caller::call_once(&gateways, 0, &question, Times::at(due, deadline)).await;
            tally.add(&ended);
            let seen_call = Seen { due: due - start, ended };
            seen.lock().expect("no code panics while it holds the lock").push(seen_call);
        }
    };
    let calls = load::at_rate(f64::from(flags.rate), done.cancelled(), call);
    let calling = load::with_progress("no worker", &tally, calls);
    let healing = async {
        tokio::time::sleep(flags.outage).await;
        let worker = system.worker("second", &[]).await?;
        let up = start.elapsed();
        tracing::info!(after = duration(up), "a worker is up");
        tokio::time::sleep(AFTERWARDS).await;
        done.cancel();
        Ok::<_, BoxError>((worker, up))
    };
    let ((), healed) = tokio::join!(calling, healing);
    let (_worker, up) = healed?;

    let mut report = Report::new(
        "no-worker",
        json!({ "outage_seconds": flags.outage.as_secs_f64(), "no_worker_after_seconds": flags.no_worker_after.as_secs_f64(),
            "rate_per_second": flags.rate, "deadline_seconds": flags.deadline.as_secs_f64() }),
    );
    let seen = std::mem::take(&mut *seen.lock().expect("no code panics while it holds the lock"));
    judge(&mut report, flags, &seen, up);
    promise_of_calls(&mut report, &tally.read());
    conclude(report, options, system).await
}

fn judge(report: &mut Report, flags: &Flags, seen: &[Seen], up: Duration) {
    let (from, to) = (flags.no_worker_after + DETECTION_MARGIN, up.saturating_sub(HEALING_MARGIN));
    let during: Vec<_> = seen.iter().filter(|call| from < call.due && call.due < to).collect();
    let mut refused: Vec<_> = during.iter().filter(|call| call.is_refused()).map(|call| call.ended.took).collect();
    refused.sort_unstable();
    let median = refused.get(refused.len() / 2).copied();
    let first_right = seen.iter().filter(|call| call.is_right()).map(Seen::end).filter(|&end| end > up).min();
    let healed = up + RECOVERY;
    let refused_later = seen.iter().filter(|call| call.due > healed && !call.is_right()).count();

    let mut table =
        Table::new(&["calls", "after detection", "refused", "median", "first answer after the worker", "failed later"]);
    let or_none = |time: Option<Duration>| time.map_or("none".to_owned(), duration);
    table.row([
        seen.len().to_string(),
        during.len().to_string(),
        refused.len().to_string(),
        or_none(median),
        or_none(first_right.map(|first| first - up)),
        refused_later.to_string(),
    ]);
    report.table(table);
    report.figure("refused", refused.len());
    report.figure("refused_median_seconds", median.map(|median| median.as_secs_f64()));
    report.figure("recovery_seconds", first_right.map(|first| (first - up).as_secs_f64()));

    let (let_in, most) = (during.len() - refused.len(), MOST_PROBES * to.saturating_sub(from).as_secs_f64() + 1.0);
    report.promise(
        "after the detection time calls are refused, but for a trickle",
        !refused.is_empty() && let_in as f64 <= most,
        format!("{let_in} of {} let in, at most {most:.0} may be", during.len()),
    );
    let seen_median = format!("median {}", or_none(median));
    report.promise("a refused call returns at once", median.is_some_and(|median| median <= AT_ONCE), seen_median);
    let seen_first = or_none(first_right.map(|first| first - up));
    let within = format!("calls are answered again within {} of a worker's start", duration(RECOVERY));
    report.promise(within, first_right.is_some_and(|first| first <= healed), seen_first);
    report.promise_none("none that comes later fails", refused_later as u64);
}

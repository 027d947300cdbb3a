//! What a call costs the gateway in instructions, counted by callgrind: the same from run to run, whatever else the machine does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use super::{Options, conclude, promise_of_calls};
use crate::caller::{self, Gateways, Times};
use crate::callgrind;
use crate::question::Question;
use crate::report::{Report, Table, percent};
use crate::system::{Gateway, System};
use crate::tally::{SharedTally, Tally};
use crate::targets::{Figure, Measured};
use crate::{BoxError, load};

/// The crates of the gateway that this workspace has written.
const OWN: [&str; 5] = ["compute_gateway", "compute_operations", "compute_process", "compute_proto", "sqs_rpc"];

/// The deadline of a call: under callgrind the gateway is some fifty times as slow.
const DEADLINE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many calls to count, all with the same list
    #[arg(long, default_value_t = 10_000)]
    calls: u64,
    /// How many callers make them, each one after the other
    #[arg(long, default_value_t = 64)]
    callers: u64,
    /// How many calls come before, so that connections and tables are there
    #[arg(long, default_value_t = 500)]
    warm_up: u64,
    /// How many functions to name
    #[arg(long, default_value_t = 25)]
    functions: usize,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let _worker = system.worker("worker", &[]).await?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("callgrind.out");
    let gateway = system.counted_gateway("gateway", &out).await?;
    let gateways = Gateways::new(1, 4);
    gateways.set(0, gateway.address)?;

    let warm_up = calls(&gateways, flags.callers, flags.warm_up).await;
    control(&gateway, "--instr=on").await?;
    let counted = calls(&gateways, flags.callers, flags.calls).await;
    control(&gateway, "--instr=off").await?;
    control(&gateway, "--dump").await?;
    gateway.process.terminate().await?;

    let costs = read(folder.path())?;
    let each = |instructions: u64| instructions as f64 / counted.right.max(1) as f64;
    let total: u64 = costs.values().sum();
    let mut crates = BTreeMap::<&str, u64>::new();
    for (function, cost) in &costs {
        *crates.entry(callgrind::crate_of(function)).or_default() += cost;
    }
    let own: u64 = OWN.iter().filter_map(|name| crates.get(name)).sum();
    let share = |instructions: u64| instructions as f64 / total.max(1) as f64;

    let mut report = Report::new(
        "instructions",
        json!({ "calls": flags.calls, "callers": flags.callers, "warm_up": flags.warm_up }),
    );
    let most = |table: &mut Table, costs: Vec<(&str, u64)>| {
        let mut costs = costs;
        costs.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        for (name, cost) in costs.into_iter().take(flags.functions) {
            table.row([format!("{:.0}", each(cost)), percent(share(cost)), shortened(name)]);
        }
    };
    let mut of_crates = Table::new(&["instructions a call", "share", "crate, or function of C"]);
    most(&mut of_crates, crates.iter().map(|(name, cost)| (*name, *cost)).collect());
    report.table(of_crates);
    let mut of_functions = Table::new(&["instructions a call", "share", "function of our own"]);
    let is_own = |function: &str| OWN.contains(&callgrind::crate_of(function));
    most(
        &mut of_functions,
        costs.iter().filter(|(name, _)| is_own(name)).map(|(name, cost)| (&**name, *cost)).collect(),
    );
    report.table(of_functions);
    report.figure("instructions_per_call", each(total));
    report.figure("own_instructions_per_call", each(own));
    let by_crate: BTreeMap<_, _> = crates.iter().map(|(name, cost)| (*name, each(*cost))).collect();
    report.figure("instructions_per_call_by_crate", by_crate);
    report.target(Measured::once(Figure::Instructions, each(total)));
    report.target(Measured::once(Figure::OwnShare, share(own)));
    report.promise("callgrind has counted our own code too", own > 0, format!("{own} of {total}"));
    let tally = Tally::sum([&warm_up, &counted]);
    report.promise_none("every call gets its answer", tally.failed());
    promise_of_calls(&mut report, &tally);
    conclude(report, options, system).await
}

async fn calls(gateways: &Gateways, callers: u64, count: u64) -> Tally {
    let tally = SharedTally::default();
    let call = {
        let (gateways, tally) = (gateways.clone(), tally.clone());
        move |_number| {
            let (gateways, tally) = (gateways.clone(), tally.clone());
            async move {
                let question = Question::new(0, 0);
                tally.add(&caller::call_once(&gateways, 0, &question, Times::now(DEADLINE)).await);
            }
        }
    };
    load::with_progress("instructions", &tally, load::by_callers(callers, count, call)).await;
    tally.read()
}

/// Tells callgrind, within the gateway's process, what to do.
async fn control(gateway: &Gateway, what: &str) -> Result<(), BoxError> {
    let pid = gateway.process.pid().ok_or("the gateway has ended")?.to_string();
    let done = Command::new("callgrind_control").args([what, &pid]).output().await?;
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    Err(format!("callgrind_control {what}: {}", String::from_utf8_lossy(&said)).into())
}

/// All that was counted. A dump by command and the one at the end are files of their own.
fn read(folder: &Path) -> Result<BTreeMap<String, u64>, BoxError> {
    let mut costs = BTreeMap::new();
    for file in fs::read_dir(folder)? {
        for (function, cost) in callgrind::self_costs(&fs::read_to_string(file?.path())?) {
            *costs.entry(function).or_default() += cost;
        }
    }
    Ok(costs)
}

/// The start of a name, which generics make very long.
fn shortened(name: &str) -> String {
    const LONGEST: usize = 110;
    name.chars().take(LONGEST).collect()
}

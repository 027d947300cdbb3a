//! Operations of some days, listed and looked up while others are done.

mod lookups;
mod past;
mod walk;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use compute_process::flags;
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

use self::lookups::Lookups;
use self::past::{Layout, Past, Shape};
use self::walk::{Flaws, Walk};
use super::{Options, promise_of_calls};
use crate::caller::{self, Ending, Gateways, Times};
use crate::processes::Process;
use crate::question::Question;
use crate::queues::Queues;
use crate::report::{Report, Table, duration};
use crate::system::{LogMode, REQUEST_QUEUE, System};
use crate::tally::{SharedTally, Tally};
use crate::traffic::Traffic;
use crate::{BoxError, load};

type Client = ComputeServiceClient<Channel>;

const PAGE_SIZES: [u32; 2] = [50, 100];

/// The deadline of the calls that arrive meanwhile.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long the queue may take to become empty.
const SETTLE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How the operations were logged; one after the other, each with a system of its own
    #[arg(long, value_enum, value_delimiter = ',', default_value = "object,batch,mixed")]
    layouts: Vec<Layout>,
    /// How many operations there are
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    records: u64,
    /// In how many batches they lie, if in batches: a multiple of four
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(4..=1_000_000))]
    batches: u64,
    /// How many days they are of
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=100))]
    days: u64,
    /// What they are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many operations a second are done meanwhile
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// How many are looked up, one after the other; a tenth as many that never were
    #[arg(long, default_value_t = 2_000)]
    lookups: usize,
    /// How long a page may take
    #[arg(long, default_value = "200ms", value_parser = flags::duration(Duration::from_millis(1)..=Duration::from_secs(60)))]
    most_page: Duration,
}

/// What was seen of one layout.
struct Seen {
    layout: Layout,
    objects: usize,
    walks: Vec<Walked>,
    lookups: [Lookups; 2],
    /// Of operations that were done meanwhile, in a listing afterwards.
    arrivals: (usize, Flaws),
    tally: Tally,
}

/// Walks with pages of one size, through all days at once or each by itself.
struct Walked {
    page_size: u32,
    by_day: bool,
    walks: Vec<Walk>,
    flaws: Flaws,
    traffic: Traffic,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let mut report = Report::new(
        "operations",
        json!({ "records": flags.records, "batches": flags.batches, "days": flags.days, "rate_per_second": flags.rate,
            "lookups": flags.lookups, "seed": flags.seed }),
    );
    let (mut seen, mut panics) = (Vec::new(), 0);
    for &layout in &flags.layouts {
        let system = System::start(options, None).await?;
        seen.push(see(&system, layout, flags).await?);
        panics += system.panics();
        system.stop(options.keep).await?;
    }
    tell_pages(&mut report, &seen);
    tell_lookups(&mut report, &seen);
    promise(&mut report, flags, &seen);
    promise_of_calls(&mut report, &Tally::sum(seen.iter().map(|seen| &seen.tally)));
    report.promise_none("no program panics", panics);
    Ok(report)
}

/// Writes a past, then walks and looks up.
async fn see(system: &System, layout: Layout, flags: &Flags) -> Result<Seen, BoxError> {
    let shape = Shape { records: flags.records, batches: flags.batches, days: flags.days, seed: flags.seed };
    let past = Past::write(system, layout, shape).await?;
    let _workers = workers(system, layout).await?;
    // Nothing is warm: the first page is as slow as it can be.
    let gateway = system.gateway("gateway", &[]).await?;
    let gateways = Gateways::new(1, 1);
    gateways.set(0, gateway.address)?;
    let client =
        Client::new(Endpoint::from_shared(format!("http://{}", gateway.address))?.tcp_nodelay(true).connect().await?);

    let (tally, answered, done) = (SharedTally::default(), Arc::new(Mutex::new(Vec::new())), CancellationToken::new());
    let arrivals = load::at_rate(f64::from(flags.rate), done.cancelled(), |number, due| {
        let (gateways, tally, answered) = (gateways.clone(), tally.clone(), answered.clone());
        async move {
            let question = Question::new(u64::MAX, number);
            let ended = caller::call_once(&gateways, 0, &question, Times::at(due, DEADLINE)).await;
            tally.add(&ended);
            if let Ending::Right { operation } = ended.ending {
                answered.lock().expect("no code panics while it holds the lock").push(operation);
            }
        }
    });
    let walking = async {
        let walks = walks(system, &client, &past).await;
        done.cancel();
        walks
    };
    let ((), walks) = tokio::join!(arrivals, walking);
    let walks = walks?;
    // A request is deleted when it is logged.
    Queues::of(system).until_empty(REQUEST_QUEUE, SETTLE).await?;
    let answered = std::mem::take(&mut *answered.lock().expect("no code panics while it holds the lock"));
    let arrivals: Vec<Uuid> = answered.iter().map(|id| Uuid::parse_str(id)).collect::<Result<_, _>>()?;
    let all = Walk::through(&client, 100, None, past.operations.len()).await?;
    let lookups = [
        lookups::known(system, &client, &past, flags.seed, flags.lookups).await?,
        lookups::unknown(system, &client, &past, flags.seed, flags.lookups / 10).await?,
    ];
    let (objects, arrivals) = (past.objects, (arrivals.len(), all.flaws(&arrivals)));
    Ok(Seen { layout, objects, walks, lookups, arrivals, tally: tally.read() })
}

/// The workers for what is done meanwhile.
async fn workers(system: &System, layout: Layout) -> Result<Vec<Process>, BoxError> {
    let modes: &[_] = match layout {
        Layout::Object => &[LogMode::Object],
        Layout::Batch => &[LogMode::Batch],
        Layout::Mixed => &[LogMode::Object, LogMode::Batch],
    };
    let mut workers = Vec::new();
    for mode in modes {
        workers.push(system.worker(mode.name(), mode.flags()).await?);
    }
    Ok(workers)
}

async fn walks(system: &System, client: &Client, past: &Past) -> Result<Vec<Walked>, BoxError> {
    let mut all = Vec::new();
    for by_day in [false, true] {
        for page_size in PAGE_SIZES {
            let days: Vec<_> = if by_day { past.days().into_iter().map(Some).collect() } else { vec![None] };
            let before = Traffic::of(system).await?;
            let (mut walks, mut flaws) = (Vec::new(), Flaws::default());
            for day in &days {
                let expected = past.newest_first(day.as_deref());
                let walk = Walk::through(client, page_size, day.as_deref(), expected.len()).await?;
                flaws += walk.flaws(&expected);
                walks.push(walk);
            }
            let traffic = Traffic::of(system).await?.since(&before);
            tracing::info!(page_size, by_day, pages = pages(&walks), ?flaws, "walked");
            all.push(Walked { page_size, by_day, walks, flaws, traffic });
        }
    }
    Ok(all)
}

fn pages(walks: &[Walk]) -> usize {
    walks.iter().map(|walk| walk.pages.len()).sum()
}

fn seconds(seconds: f64) -> String {
    if seconds.is_nan() { "-".to_owned() } else { duration(Duration::from_secs_f64(seconds)) }
}

/// How often S3 was asked to list and to get, on average.
fn lists_and_gets(traffic: &Traffic, count: usize) -> [String; 2] {
    let each = |operation| format!("{:.2}", traffic.requests(operation).handled as f64 / count.max(1) as f64);
    ["s3:ListObjects", "s3:GetObject"].map(each)
}

fn tell_pages(report: &mut Report, seen: &[Seen]) {
    let mut table = Table::new(&[
        "log", "objects", "page of", "day", "pages", "p50", "p99", "longest", "at start", "middle", "end", "LISTs",
        "GETs",
    ]);
    let mut figures = Vec::new();
    for Seen { layout, objects, walks, .. } in seen {
        for walked in walks {
            let all = walked.walks.iter().map(|walk| &walk.pages).sum::<crate::spread::Spread>();
            let third = |third: usize| {
                seconds(walked.walks.iter().map(|walk| walk.thirds[third].most()).fold(f64::NAN, f64::max))
            };
            let [lists, gets] = lists_and_gets(&walked.traffic, all.len());
            table.row([
                layout.name().to_owned(),
                objects.to_string(),
                walked.page_size.to_string(),
                if walked.by_day { "each" } else { "any" }.to_owned(),
                all.len().to_string(),
                seconds(all.quantile(0.5)),
                seconds(all.quantile(0.99)),
                seconds(all.most()),
                third(0),
                third(1),
                third(2),
                lists.clone(),
                gets.clone(),
            ]);
            figures.push(json!({ "layout": layout.name(), "page_size": walked.page_size, "by_day": walked.by_day, "pages": all.len(),
                "seconds": { "p50": all.quantile(0.5), "p99": all.quantile(0.99), "max": all.most() },
                "lists_per_page": lists, "gets_per_page": gets }));
        }
    }
    report.table(table);
    report.figure("listings", figures);
}

fn tell_lookups(report: &mut Report, seen: &[Seen]) {
    let mut table = Table::new(&["log", "looked up", "lookups", "p50", "p99", "longest", "LISTs", "GETs"]);
    let mut figures = Vec::new();
    for Seen { layout, lookups, .. } in seen {
        for Lookups { what, took, traffic, .. } in lookups {
            let [lists, gets] = lists_and_gets(traffic, took.len());
            table.row([
                layout.name().to_owned(),
                (*what).to_owned(),
                took.len().to_string(),
                seconds(took.quantile(0.5)),
                seconds(took.quantile(0.99)),
                seconds(took.most()),
                lists.clone(),
                gets.clone(),
            ]);
            figures.push(json!({ "layout": layout.name(), "what": what, "lookups": took.len(),
                "seconds": { "p50": took.quantile(0.5), "p99": took.quantile(0.99), "max": took.most() },
                "lists_per_lookup": lists, "gets_per_lookup": gets }));
        }
    }
    report.table(table);
    report.figure("lookups", figures);
}

fn promise(report: &mut Report, flags: &Flags, seen: &[Seen]) {
    for Seen { layout, walks, lookups, arrivals, .. } in seen {
        let log = layout.name();
        let longest = walks.iter().flat_map(|walked| &walked.walks).map(|walk| walk.pages.most()).fold(0.0, f64::max);
        report.promise(
            format!("{log}: every page within {}", duration(flags.most_page)),
            longest <= flags.most_page.as_secs_f64(),
            format!("longest {}", seconds(longest)),
        );
        let mut flaws = arrivals.1;
        walks.iter().for_each(|walked| flaws += walked.flaws);
        let Flaws { missing, repeated, disordered } = flaws;
        report.promise(
            format!("{log}: walks show every operation once, newest first, while others are done"),
            missing + repeated + disordered == 0 && arrivals.0 > 0,
            format!("{missing} missing, {repeated} repeated, {disordered} out of order; {} done meanwhile", arrivals.0),
        );
        let odd = walks.iter().flat_map(|walked| &walked.walks).map(|walk| walk.odd_pages).sum();
        report.promise_none(format!("{log}: no page is too long, or empty but the last"), odd);
        let wrong = lookups.iter().map(|lookups| lookups.wrong).sum();
        report.promise_none(format!("{log}: no lookup is answered wrongly"), wrong);
    }
}

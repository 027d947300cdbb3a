//! One call at a time: how much longer it takes than two bare hops and a bare call.

use std::net::SocketAddr;
use std::time::Duration;

use compute_process::flags;
use serde_json::json;

use super::{Options, conclude, promise_of_calls};
use crate::BoxError;
use crate::caller::{self, Ended, Gateways, Times};
use crate::floor::{Contender, Pair, Setting, echo};
use crate::processes::Process;
use crate::progress::Progress;
use crate::question::Question;
use crate::report::{Report, Table};
use crate::spread::Spread;
use crate::system::{LogMode, System};
use crate::tally::{SharedTally, Tally};
use crate::targets::{Figure, Measured};

/// Calls that one contender makes until it is the next one's turn. The first of them is not counted: what is left to do of the
/// others' calls may be in its way.
const BLOCK: u64 = 25;

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How often all are measured, in turns
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// How many calls of a round are counted, over a connection that is there
    #[arg(long, default_value_t = 480)]
    calls: u64,
    /// How many, each over a connection of its own
    #[arg(long, default_value_t = 96)]
    fresh_calls: u64,
    /// What to add to each request to the endpoint in a second run, as a region's distance does; whole milliseconds
    #[arg(long, default_value = "10ms", value_parser = flags::duration(Duration::from_millis(1)..=Duration::from_secs(1)))]
    request_latency: Duration,
    /// How often all are measured then
    #[arg(long, default_value_t = 7)]
    distant_rounds: usize,
    /// How many calls of such a round are counted, over a connection that is there
    #[arg(long, default_value_t = 48)]
    distant_calls: u64,
    /// How many polls the floor has waiting on each hop: enough for what follows a reply to be in nobody's way
    #[arg(long, default_value_t = 4)]
    slots: usize,
    /// The deadline of a call
    #[arg(long, default_value = "30s", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
}

/// What comes before a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// It is there.
    Warm,
    /// It is made within the time of the call.
    Fresh,
}

/// All contenders, on one endpoint.
struct Field {
    system: System,
    gateways: Gateways,
    gateway: SocketAddr,
    floor: Pair,
    naive: Pair,
    deadline: Duration,
    /// The gateway and the worker of the system.
    _programs: [Process; 2],
}

/// What was measured of one kind of calls.
struct Series {
    name: String,
    tallies: [Tally; 3],
    /// Over the floor, round by round; in the order of the contenders.
    p50: [Spread; 3],
    p99: [Spread; 3],
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let progress = Progress::new(2 * (flags.rounds + flags.distant_rounds));
    let near = Field::start(options, None, flags).await?;
    let warm = near.measure("warm", Connection::Warm, (flags.rounds, flags.calls), &progress).await?;
    let fresh = near.measure("new connection", Connection::Fresh, (flags.rounds, flags.fresh_calls), &progress).await?;
    let near = near.system;

    let latency = flags.request_latency.as_millis();
    let distant = Field::start(options, Some(&format!("delay={latency}-{latency}ms")), flags).await?;
    let calls = (flags.distant_rounds, flags.distant_calls);
    let named = |name| format!("{name}, {latency} ms more a request");
    let far_warm = distant.measure(&named("warm"), Connection::Warm, calls, &progress).await?;
    let calls = (flags.distant_rounds, flags.distant_calls.min(BLOCK - 1));
    let far_fresh = distant.measure(&named("new connection"), Connection::Fresh, calls, &progress).await?;
    let panics = distant.system.panics();
    distant.system.stop(options.keep).await?;
    drop(progress);

    let mut report = Report::new(
        "idle",
        json!({ "rounds": flags.rounds, "calls": flags.calls, "fresh_calls": flags.fresh_calls, "slots": flags.slots,
            "request_latency_seconds": flags.request_latency.as_secs_f64(),
            "distant_rounds": flags.distant_rounds, "distant_calls": flags.distant_calls }),
    );
    let system = Contender::System as usize;
    report.target(Measured::new(Figure::IdleP50, &warm.p50[system]));
    report.target(Measured::new(Figure::IdleP99, &warm.p99[system]));
    report.target(Measured::new(Figure::IdleP50Distant, &far_warm.p50[system]));
    tell(&mut report, &[warm, fresh, far_warm, far_fresh]);
    report.promise_none("no program of the distant run panics", panics);
    conclude(report, options, near).await
}

impl Field {
    async fn start(options: &Options, chaos: Option<&str>, flags: &Flags) -> Result<Self, BoxError> {
        let system = System::start(options, chaos).await?;
        let worker = system.worker("worker", &[]).await?;
        let gateway = system.gateway("gateway", &[]).await?;
        let gateways = Gateways::new(1, 1);
        gateways.set(0, gateway.address)?;
        let setting = Setting { slots: flags.slots, window: 1 };
        let pair = async |contender: Contender| {
            let batching = contender.batching().ok_or("the system is no pair")?;
            Pair::start(&system, contender.name(), (batching, LogMode::Object), setting, 1).await
        };
        let (floor, naive) = (pair(Contender::Floor).await?, pair(Contender::Naive).await?);
        let (address, programs) = (gateway.address, [gateway.process, worker]);
        Ok(Self { system, gateways, gateway: address, floor, naive, deadline: flags.deadline, _programs: programs })
    }

    /// Has all contenders make so many calls in each of so many rounds, in blocks that take turns.
    async fn measure(
        &self,
        name: &str,
        connection: Connection,
        (rounds, calls): (usize, u64),
        progress: &Progress,
    ) -> Result<Series, BoxError> {
        let mut series = Series::new(name);
        let mut number = 0;
        for round in 0..rounds {
            progress.step(format!("{name}, round {} of {rounds}", round + 1));
            let tallies: [SharedTally; 3] = Default::default();
            for block in 0..calls.div_ceil(BLOCK - 1) {
                let counted = (calls - block * (BLOCK - 1)).min(BLOCK - 1);
                for contender in Contender::in_turn(round + usize::try_from(block)?) {
                    for call in 0..=counted {
                        let ended = self.call(contender, connection, &Question::new(0, number)).await?;
                        number += 1;
                        if call > 0 || !ended.ending.is_allowed() {
                            tallies[contender as usize].add(&ended);
                        }
                    }
                }
            }
            series.add(&tallies.map(|tally| tally.read()));
        }
        Ok(series)
    }

    async fn call(&self, contender: Contender, connection: Connection, question: &Question) -> Result<Ended, BoxError> {
        let times = Times::now(self.deadline);
        let pair = match contender {
            Contender::System => {
                let gateways = match connection {
                    Connection::Warm => self.gateways.clone(),
                    Connection::Fresh => {
                        let gateways = Gateways::new(1, 1);
                        gateways.set(0, self.gateway)?;
                        gateways
                    }
                };
                return Ok(caller::call_once(&gateways, 0, question, times).await);
            }
            Contender::Floor => &self.floor,
            Contender::Naive => &self.naive,
        };
        let client = match connection {
            Connection::Warm => pair.client.clone(),
            Connection::Fresh => echo::Client::new(pair.address, 1)?,
        };
        Ok(client.call(echo::Call::RoundTrip, question, times).await)
    }
}

impl Series {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tallies: Default::default(), p50: Default::default(), p99: Default::default() }
    }

    /// Adds a round.
    fn add(&mut self, round: &[Tally; 3]) {
        let floor = &round[Contender::Floor as usize];
        for contender in Contender::ALL {
            let place = contender as usize;
            let ratio = |part| round[place].quantile(part).as_secs_f64() / floor.quantile(part).as_secs_f64();
            self.p50[place].add(ratio(0.5));
            self.p99[place].add(ratio(0.99));
            self.tallies[place] = Tally::sum([&self.tallies[place], &round[place]]);
        }
    }
}

fn tell(report: &mut Report, series: &[Series]) {
    let mut table = Table::new(&["connection", "", "p50", "p99", "p50 over the floor", "p99 over the floor"]);
    let milliseconds = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    let ratio = |spread: &Spread| format!("{:.3} ({:.3} to {:.3})", spread.median(), spread.least(), spread.most());
    for one in series {
        for contender in Contender::ALL {
            let place = contender as usize;
            let tally = &one.tallies[place];
            table.row([
                one.name.clone(),
                contender.name().to_owned(),
                milliseconds(tally.quantile(0.5)),
                milliseconds(tally.quantile(0.99)),
                ratio(&one.p50[place]),
                ratio(&one.p99[place]),
            ]);
            report.figure(
                &format!("{}, {}", one.name, contender.name()),
                json!({ "calls": tally.to_json(), "p50_over_floor": one.p50[place].to_json(),
                    "p99_over_floor": one.p99[place].to_json() }),
            );
        }
    }
    report.table(table);
    let all = Tally::sum(series.iter().flat_map(|series| &series.tallies));
    report.promise_none("every call gets its answer", all.failed());
    promise_of_calls(report, &all);
}

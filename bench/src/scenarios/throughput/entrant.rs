//! One of those that are compared, up and running, and what a load of it took.

use std::time::Duration;

use tokio::time::Instant;

use super::Flags;
use crate::caller::{self, Gateways, Times};
use crate::floor::{Contender, Pair, Setting, echo};
use crate::processes::Process;
use crate::question::Question;
use crate::queues::Queues;
use crate::system::{Gateway, LogMode, REQUEST_QUEUE, System};
use crate::tally::{SharedTally, Tally};
use crate::traffic::Traffic;
use crate::{BoxError, load, machine};

/// How long queues may take to become empty when all calls have ended.
const SETTLE: Duration = Duration::from_secs(120);

/// Calls by which a rate is found out, that of the next load.
const PROBE: u64 = 500;

/// A gateway and its workers.
pub(super) struct Entrant {
    contender: Contender,
    kind: Kind,
    /// How many callers are best for it.
    pub(super) callers: u64,
    /// How it is set, if it is not the system.
    pub(super) setting: Option<Setting>,
    /// Calls a second, as seen last.
    pub(super) rate: f64,
    deadline: Duration,
}

#[allow(clippy::large_enum_variant, reason = "a run has three of them")]
enum Kind {
    System { gateway: Gateway, workers: Vec<Process>, gateways: Gateways },
    Pair(Pair),
}

/// What a load took.
pub(super) struct Load {
    pub(super) tally: Tally,
    /// Until the last call was answered and its message was there and back.
    pub(super) took: Duration,
    /// Of the gateway and the workers, until all is logged and deleted.
    pub(super) processor: Duration,
    pub(super) traffic: Traffic,
}

impl Load {
    /// Calls a second.
    pub(super) fn rate(&self) -> f64 {
        self.tally.right as f64 / self.took.as_secs_f64()
    }

    /// So much for each call.
    pub(super) fn each(&self, whole: f64) -> f64 {
        whole / self.tally.right.max(1) as f64
    }

    /// Microseconds of a processor for each call.
    pub(super) fn processor_micros(&self) -> f64 {
        self.each(self.processor.as_secs_f64() * 1e6)
    }
}

impl Entrant {
    /// Starts a gateway and workers of the system.
    pub(super) async fn system(system: &System, mode: LogMode, flags: &Flags) -> Result<Self, BoxError> {
        let mut workers = Vec::new();
        for number in 0..flags.workers {
            workers.push(system.worker(&format!("worker-{number}"), mode.flags()).await?);
        }
        let gateway = system.gateway("gateway", &[]).await?;
        let gateways = Gateways::new(1, flags.connections);
        gateways.set(0, gateway.address)?;
        let kind = Kind::System { gateway, workers, gateways };
        Ok(Self { contender: Contender::System, kind, callers: 1, setting: None, rate: 0.0, deadline: flags.deadline })
    }

    /// Starts a pair of the floor or of the naive way. Each needs a number of its own.
    pub(super) async fn pair(
        system: &System,
        contender: Contender,
        mode: LogMode,
        (number, setting): (usize, Setting),
        flags: &Flags,
    ) -> Result<Self, BoxError> {
        let batching = contender.batching().ok_or("the system is no pair")?;
        let name = format!("{}-{number}", contender.name());
        let pair = Pair::start(system, &name, (batching, mode), setting, flags.connections).await?;
        let callers = setting.window as u64;
        let (kind, setting) = (Kind::Pair(pair), Some(setting));
        Ok(Self { contender, kind, callers, setting, rate: 0.0, deadline: flags.deadline })
    }

    /// Loads it for about so long, after a few calls that warm it up and tell how many that is.
    pub(super) async fn run_for(&mut self, system: &System, time: Duration) -> Result<Load, BoxError> {
        if self.rate == 0.0 {
            self.rate = self.run(system, PROBE.max(2 * self.callers)).await?.rate();
        }
        let calls = (self.rate * time.as_secs_f64()) as u64;
        let load = self.run(system, calls.max(self.callers)).await?;
        self.rate = load.rate();
        Ok(load)
    }

    /// Has its callers make so many calls, each one after the other.
    pub(super) async fn run(&self, system: &System, calls: u64) -> Result<Load, BoxError> {
        let work = async |tally: &SharedTally| match &self.kind {
            Kind::System { .. } => self.call(calls, self.callers, echo::Call::Echo, tally).await,
            Kind::Pair(pair) => {
                let calling = async {
                    self.call(calls, self.callers, echo::Call::Echo, tally).await;
                    Ok(())
                };
                tokio::try_join!(pair.client.pump(calls), calling).map(|_| ()).unwrap_or_else(|error| {
                    tracing::error!(error, "the messages of the floor do not come back");
                });
            }
        };
        self.watch(system, work).await
    }

    /// Has a single caller make so many calls; with a pair too each has its own message then.
    pub(super) async fn run_lone(&self, system: &System, calls: u64) -> Result<Load, BoxError> {
        self.watch(system, async |tally: &SharedTally| self.call(calls, 1, echo::Call::RoundTrip, tally).await).await
    }

    async fn call(&self, calls: u64, callers: u64, call: echo::Call, tally: &SharedTally) {
        let (tally, deadline) = (tally.clone(), self.deadline);
        match &self.kind {
            Kind::System { gateways, .. } => {
                let gateways = gateways.clone();
                let call = move |number| {
                    let (gateways, tally) = (gateways.clone(), tally.clone());
                    async move {
                        let question = Question::new(0, number);
                        tally.add(&caller::call_once(&gateways, 0, &question, Times::now(deadline)).await);
                    }
                };
                load::by_callers(callers, calls, call).await;
            }
            Kind::Pair(pair) => {
                let client = pair.client.clone();
                let call = move |number| {
                    let (client, tally) = (client.clone(), tally.clone());
                    async move {
                        let question = Question::new(0, number);
                        tally.add(&client.call(call, &question, Times::now(deadline)).await);
                    }
                };
                load::by_callers(callers, calls, call).await;
            }
        }
    }

    /// Offers so many calls a second to the system, for so long, however long they take.
    pub(super) async fn offer(&self, per_second: f64, time: Duration) -> Tally {
        let Kind::System { gateways, .. } = &self.kind else { return Tally::default() };
        let (tally, deadline) = (SharedTally::default(), self.deadline);
        let call = |number, due| {
            let (gateways, tally) = (gateways.clone(), tally.clone());
            async move {
                let question = Question::new(0, number);
                tally.add(&caller::call_once(&gateways, 0, &question, Times::at(due, deadline)).await);
            }
        };
        load::at_rate(per_second, tokio::time::sleep(time), call).await;
        tally.read()
    }

    /// Does some work, and tells what it took.
    async fn watch(&self, system: &System, work: impl AsyncFnOnce(&SharedTally)) -> Result<Load, BoxError> {
        let (tally, queues) = (SharedTally::default(), Queues::of(system));
        let (traffic, processor) = (Traffic::of(system).await?, self.processor_time()?);
        let started = Instant::now();
        work(&tally).await;
        let took = started.elapsed();
        for queue in self.queues() {
            // A message is deleted when it is logged.
            queues.until_empty(&queue, SETTLE).await?;
        }
        let processor = self.processor_time()?.saturating_sub(processor);
        let traffic = Traffic::of(system).await?.since(&traffic).without(&Queues::LOOKS);
        Ok(Load { tally: tally.read(), took, processor, traffic })
    }

    fn queues(&self) -> [String; 2] {
        match &self.kind {
            Kind::System { gateway, .. } => {
                let name = gateway.reply_queue.rsplit('/').next().unwrap_or_default();
                [REQUEST_QUEUE.to_owned(), name.to_owned()]
            }
            Kind::Pair(pair) => pair.queues.clone(),
        }
    }

    fn processor_time(&self) -> Result<Duration, BoxError> {
        let (gateway, workers) = match &self.kind {
            Kind::System { gateway, workers, .. } => (&gateway.process, &workers[..]),
            Kind::Pair(pair) => (&pair.gateway, std::slice::from_ref(&pair.worker)),
        };
        let each = [gateway].into_iter().chain(workers).map(machine::processor_time);
        each.sum::<Result<Duration, BoxError>>()
    }

    pub(super) fn contender(&self) -> Contender {
        self.contender
    }

    /// Ends its processes.
    pub(super) async fn stop(self) -> Result<(), BoxError> {
        match self.kind {
            Kind::Pair(pair) => pair.stop().await,
            Kind::System { .. } => Ok(()),
        }
    }
}

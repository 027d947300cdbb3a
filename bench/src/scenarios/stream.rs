//! Long lists by `ComputeStream`, beside a bare program that does with S3 what has to be done.
//!
//! The bare program holds the list serialized when its clock starts, so the call that is compared with it has its messages made
//! beforehand: both then do the same work, and the promise is on these two. A caller mostly makes its messages while it sends
//! them, on the same processors; such a call takes turns with the other two, and its ratio is printed beside the first.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use compute_process::flags;
use compute_proto::v1::{Statistics, Timing};
use compute_proto::wire;
use serde_json::{Value, json};
use tonic::transport::{Channel, Endpoint};

use super::{Options, conclude};
use crate::processes::Process;
use crate::report::{Report, Table, mebibytes};
use crate::spread::Spread;
use crate::stream_call::{Answered, List, Making};
use crate::system::{Gateway, LOG_BUCKET, System};
use crate::{BoxError, large_list, machine};

/// How many values the call has that opens connections before anything is measured.
const FIRST_CALL: usize = 1_000;

/// The call's time through that of the bare program, round by round. The first is the promise.
const RATIO: &str = "ratio, messages made beforehand";
const RATIO_MEANWHILE: &str = "ratio, messages made meanwhile";

#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// How many integers a list has
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    values: u64,
    /// What they are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many of them a message of the stream has; one takes up to ten bytes
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    message_values: u64,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The deadline of a call
    #[arg(long, default_value = "5m", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// How many times as long as the bare program the call may take whose messages are made beforehand
    #[arg(long, value_name = "RATIO", default_value_t = 1.5)]
    most_ratio: f64,
    /// How much memory of the gateway it may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 200)]
    most_memory: u64,
}

/// A list, the way to the gateway and the right answer.
struct Question {
    list: List,
    answer: Statistics,
    channel: Channel,
}

/// What was measured, in rounds, in seconds.
#[derive(Default)]
struct Measured {
    rows: Vec<(&'static str, Spread)>,
    right: u64,
    wrong: u64,
    failed: u64,
}

pub(crate) async fn run(options: &Options, flags: &Flags) -> Result<Report, BoxError> {
    let system = System::start(options, None).await?;
    let worker = system.worker("worker", &[]).await?;
    let gateway = system.gateway("gateway", &[]).await?;
    let question = Question::new(flags, &gateway).await?;
    let few = List::new(Arc::new(large_list::random(flags.seed, FIRST_CALL)), FIRST_CALL);
    let first = few.call(&question.channel, Making::Beforehand, flags.deadline).await;
    first.map_err(|status| format!("the first call fails: {status}"))?;

    let idle = machine::resident(&gateway.process)?;
    let mut measured = Measured::default();
    // The bare program does it once unmeasured as well.
    measured.call(&question, Making::Beforehand, flags).await;
    measured.rows.clear();
    for round in 0..flags.rounds {
        measured.round(round, &system, &question, flags).await?;
        clear(&system.bucket_folder().join("payloads"))?;
    }
    let mut report = Report::new(
        "stream",
        json!({ "values": flags.values, "message_values": flags.message_values, "rounds": flags.rounds, "seed": flags.seed }),
    );
    measured.tell(&mut report, flags);
    promise_of_memory(&mut report, flags, idle, &gateway.process, &worker)?;
    report.promise_none("no upload to S3 is left unfinished", count(&system.uploads_folder())?);
    conclude(report, options, system).await
}

impl Question {
    async fn new(flags: &Flags, gateway: &Gateway) -> Result<Self, BoxError> {
        let (seed, count) = (flags.seed, usize::try_from(flags.values)?);
        let message_values = usize::try_from(flags.message_values)?;
        let (list, answer) = tokio::task::spawn_blocking(move || {
            let values = large_list::random(seed, count);
            let answer = large_list::answer(&values);
            (List::new(Arc::new(values), message_values), answer)
        })
        .await?;
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.address))?.tcp_nodelay(true);
        Ok(Self { list, answer, channel: endpoint.connect().await? })
    }
}

impl Measured {
    fn add(&mut self, name: &'static str, measurement: f64) {
        match self.rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, spread)) => spread.add(measurement),
            None => {
                let mut spread = Spread::default();
                spread.add(measurement);
                self.rows.push((name, spread));
            }
        }
    }

    fn spread(&self, name: &str) -> Spread {
        self.rows.iter().find(|(known, _)| *known == name).map(|(_, spread)| spread.clone()).unwrap_or_default()
    }

    /// Measures each once. Who begins changes from round to round.
    async fn round(
        &mut self,
        round: usize,
        system: &System,
        question: &Question,
        flags: &Flags,
    ) -> Result<(), BoxError> {
        let (mut beforehand, mut meanwhile, mut bare) = (None, None, f64::NAN);
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => beforehand = self.call(question, Making::Beforehand, flags).await,
                1 => bare = self.bare(system, question, flags).await?,
                _ => meanwhile = self.call(question, Making::Meanwhile, flags).await,
            }
        }
        for (name, streamed) in [(RATIO, beforehand), (RATIO_MEANWHILE, meanwhile)] {
            if let Some(streamed) = streamed {
                self.add(name, streamed / bare);
            }
        }
        tracing::info!(round, beforehand, meanwhile, bare, "measured");
        Ok(())
    }

    /// Streams the list once; the seconds to the right answer.
    async fn call(&mut self, question: &Question, making: Making, flags: &Flags) -> Option<f64> {
        let Answered { sent, total, response } =
            match question.list.call(&question.channel, making, flags.deadline).await {
                Ok(answered) => answered,
                Err(status) => {
                    tracing::error!(%status, "a call failed");
                    self.failed += 1;
                    return None;
                }
            };
        if response.statistics.as_ref() != Some(&question.answer) {
            tracing::error!(?response, right = ?question.answer, "a wrong answer");
            self.wrong += 1;
            return None;
        }
        self.right += 1;
        let total = total.as_secs_f64();
        if making == Making::Meanwhile {
            self.add("ComputeStream, messages made meanwhile", total);
            return Some(total);
        }
        let part = |part: Option<_>| part.and_then(|part| Duration::try_from(part).ok()).unwrap_or_default();
        let Timing { gateway, request_queue, work, reply_queue, compute, .. } = response.timing.unwrap_or_default();
        self.add("ComputeStream, messages made beforehand", total);
        for (name, time) in [
            ("  upload, as its caller sees it", sent),
            ("  gateway, upload included", part(gateway)),
            ("  request queue", part(request_queue)),
            ("  work", part(work)),
            ("    of it decoding and computing", part(compute)),
            ("  reply queue", part(reply_queue)),
        ] {
            self.add(name, time.as_secs_f64());
        }
        Some(total)
    }

    /// Runs the bare program once; the seconds it took.
    async fn bare(&mut self, system: &System, question: &Question, flags: &Flags) -> Result<f64, BoxError> {
        let (values, seed) = (flags.values.to_string(), flags.seed.to_string());
        let arguments = ["bare-stream", "--bucket", LOG_BUCKET, "--values", &values, "--seed", &seed];
        let mut program = system.part("bare-stream", &arguments)?;
        let done = program.event("done").await?;
        if done.get("statistics").and_then(Value::as_str) != Some(&wire::statistics_to_json(&question.answer)) {
            tracing::error!(%done, "a wrong answer of the bare program");
            self.wrong += 1;
        }
        let seconds = |field| done.get(field).and_then(Value::as_f64).ok_or_else(|| format!("no {field} in {done}"));
        let (put, get, compute) = (seconds("put")?, seconds("get_and_decode")?, seconds("compute")?);
        self.add("bare program", put + get + compute);
        self.add("  (serializing the list, not counted)", seconds("serialize")?);
        self.add("  put", put);
        self.add("  get and decode", get);
        self.add("  compute", compute);
        Ok(put + get + compute)
    }

    fn tell(&self, report: &mut Report, flags: &Flags) {
        let mut table = Table::new(&["", "median", "min", "max"]);
        for (name, spread) in &self.rows {
            let cell = |seconds: f64| format!("{seconds:.3}");
            table.row([(*name).to_owned(), cell(spread.median()), cell(spread.least()), cell(spread.most())]);
            report.figure(name.trim(), spread.to_json());
        }
        report.table(table);
        report.figure("calls", json!({ "right": self.right, "wrong": self.wrong, "failed": self.failed }));
        report.promise_none("every call is answered", self.failed);
        report.promise_none("no answer is wrong", self.wrong);
        let ratio = self.spread(RATIO);
        report.promise(
            format!(
                "a call with its messages made beforehand takes at most {} times as long as the bare program (median)",
                flags.most_ratio
            ),
            ratio.median() <= flags.most_ratio,
            format!("{:.2} ({:.2} to {:.2})", ratio.median(), ratio.least(), ratio.most()),
        );
    }
}

fn promise_of_memory(
    report: &mut Report,
    flags: &Flags,
    idle: u64,
    gateway: &Process,
    worker: &Process,
) -> Result<(), BoxError> {
    let (peak, worker_peak) = (machine::peak(gateway)?, machine::peak(worker)?);
    let above = peak.saturating_sub(idle);
    report.figure("gateway_bytes", json!({ "idle": idle, "peak": peak }));
    report.figure("worker_peak_bytes", worker_peak);
    report.fact("peak memory of the worker", mebibytes(worker_peak));
    report.promise(
        format!("the gateway's memory peaks less than {} MiB above idle", flags.most_memory),
        above < flags.most_memory << 20,
        format!("{} above {}", mebibytes(above), mebibytes(idle)),
    );
    Ok(())
}

/// How many entries a folder has; it need not be there.
fn count(folder: &Path) -> Result<u64, BoxError> {
    if folder.exists() { Ok(std::fs::read_dir(folder)?.count() as u64) } else { Ok(0) }
}

/// Removes the payloads of calls that are answered, or they would fill the disk. They stay for weeks otherwise.
fn clear(payloads: &Path) -> Result<(), BoxError> {
    if payloads.exists() {
        for entry in std::fs::read_dir(payloads)? {
            std::fs::remove_file(entry?.path())?;
        }
    }
    Ok(())
}

//! Long lists by `ComputeStream`, beside a bare program that does with S3 what has to be done.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compute_process::flags;
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ComputeResponse, ComputeStreamRequest, Statistics, Timing};
use compute_proto::wire;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use super::{Options, conclude};
use crate::processes::Process;
use crate::report::{Report, Table, mebibytes};
use crate::spread::Spread;
use crate::system::{Gateway, LOG_BUCKET, System};
use crate::{BoxError, large_list, machine};

/// How many values the call has that opens connections before anything is measured.
const FIRST_CALL: usize = 1_000;

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
    /// How often both are measured, in turns
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// The deadline of a call
    #[arg(long, default_value = "5m", value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    deadline: Duration,
    /// How much longer the call may take than the bare program
    #[arg(long, value_name = "RATIO", default_value_t = 1.5)]
    most_ratio: f64,
    /// How much memory of the gateway it may take, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 200)]
    most_memory: u64,
}

/// A list, its caller and the right answer.
struct Question {
    values: Arc<Vec<i64>>,
    answer: Statistics,
    client: ComputeServiceClient<Channel>,
}

/// A call that was answered rightly.
struct Answered {
    /// Until the last message of the stream was handed over to the connection.
    sent: Duration,
    total: Duration,
    /// Where the gateway says that the time went.
    timing: Timing,
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
    let few = Arc::new(question.values.iter().take(FIRST_CALL).copied().collect());
    call(&question.client, few, flags).await.map_err(|status| format!("the first call fails: {status}"))?;

    let idle = machine::resident(&gateway.process)?;
    let mut measured = Measured::default();
    // The bare program does it once unmeasured as well.
    measured.call(&question, flags).await;
    measured.rows.clear();
    for round in 0..flags.rounds {
        let (streamed, bare) = if round % 2 == 0 {
            let streamed = measured.call(&question, flags).await;
            (streamed, measured.bare(&system, &question, flags).await?)
        } else {
            let bare = measured.bare(&system, &question, flags).await?;
            (measured.call(&question, flags).await, bare)
        };
        if let Some(streamed) = streamed {
            measured.add("ratio", streamed / bare);
        }
        tracing::info!(round, streamed, bare, "measured");
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
        let (values, answer) = tokio::task::spawn_blocking(move || {
            let values = large_list::random(seed, count);
            let answer = large_list::answer(&values);
            (Arc::new(values), answer)
        })
        .await?;
        let endpoint = Endpoint::from_shared(format!("http://{}", gateway.address))?.tcp_nodelay(true);
        Ok(Self { values, answer, client: ComputeServiceClient::new(endpoint.connect().await?) })
    }
}

/// Streams a list in messages; when the last of them was taken, and the answer.
async fn call(
    client: &ComputeServiceClient<Channel>,
    values: Arc<Vec<i64>>,
    flags: &Flags,
) -> Result<(Option<Instant>, ComputeResponse), Status> {
    let (size, count) = (usize::try_from(flags.message_values).unwrap_or(usize::MAX), values.len());
    let sent = Arc::new(Mutex::new(None));
    let messages = (0..count).step_by(size).map(move |start| ComputeStreamRequest {
        values: values[start..count.min(start.saturating_add(size))].to_vec(),
        ..Default::default()
    });
    let end = std::iter::from_fn({
        let sent = sent.clone();
        move || {
            *sent.lock().expect("no code panics while it holds the lock") = Some(Instant::now());
            None
        }
    });
    let mut request = Request::new(stream::iter(messages.chain(end)));
    request.set_timeout(flags.deadline);
    let response = client.clone().compute_stream(request).await.map(Response::into_inner)?;
    let sent = *sent.lock().expect("no code panics while it holds the lock");
    Ok((sent, response))
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

    /// Streams the list once; the seconds to the right answer.
    async fn call(&mut self, question: &Question, flags: &Flags) -> Option<f64> {
        let answered = match self.ask(question, flags).await {
            Ok(answered) => answered?,
            Err(status) => {
                tracing::error!(%status, "a call failed");
                self.failed += 1;
                return None;
            }
        };
        self.right += 1;
        let part = |part: Option<_>| part.and_then(|part| Duration::try_from(part).ok()).unwrap_or_default();
        let Timing { gateway, request_queue, work, reply_queue, compute, .. } = answered.timing;
        for (name, time) in [
            ("ComputeStream", answered.total),
            ("  upload, as its caller sees it", answered.sent),
            ("  gateway, upload included", part(gateway)),
            ("  request queue", part(request_queue)),
            ("  work", part(work)),
            ("    of it decoding and computing", part(compute)),
            ("  reply queue", part(reply_queue)),
        ] {
            self.add(name, time.as_secs_f64());
        }
        Some(answered.total.as_secs_f64())
    }

    /// Nothing if the answer is wrong.
    async fn ask(&mut self, question: &Question, flags: &Flags) -> Result<Option<Answered>, Status> {
        let started = Instant::now();
        let (sent, response) = call(&question.client, question.values.clone(), flags).await?;
        let total = started.elapsed();
        if response.statistics.as_ref() != Some(&question.answer) {
            tracing::error!(?response, right = ?question.answer, "a wrong answer");
            self.wrong += 1;
            return Ok(None);
        }
        let sent = sent.unwrap_or(started).duration_since(started);
        Ok(Some(Answered { sent, total, timing: response.timing.unwrap_or_default() }))
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
        let ratio = self.spread("ratio");
        report.promise(
            format!("the call takes at most {} times as long as the bare program (median)", flags.most_ratio),
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

//! One installation of the system: an embedded SQS and S3, and the gateways and workers started for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use serde_json::Value;
use tempfile::TempDir;

use crate::BoxError;
use crate::processes::{Process, Program};
use crate::scenarios::Options;

/// The queue that requests go through.
pub(crate) const REQUEST_QUEUE: &str = "compute-requests";
/// The queue for what nobody could answer.
pub(crate) const DEAD_LETTER_QUEUE: &str = "compute-requests-dlq";
/// What the names of the reply queues of a scenario's gateways start with. compute-local's own gateway has another prefix, and
/// no part in a scenario.
pub(crate) const REPLY_QUEUES: &str = "bench-replies-";
const PREFIX: &str = "bench";

/// The bucket of the log and of payloads.
pub(crate) const LOG_BUCKET: &str = "compute-logs";

/// What makes a program one of the system's.
const MEMBER: [&str; 4] = ["--request-queue", REQUEST_QUEUE, "--log-bucket", LOG_BUCKET];
const ANY_PORT: &str = "127.0.0.1:0";

/// How workers log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogMode {
    /// One object an operation
    Object,
    /// Many operations in one object
    Batch,
}

impl LogMode {
    /// The flags of a worker that logs so.
    pub(crate) fn flags(self) -> &'static [&'static str] {
        match self {
            // What workers do when they are told nothing.
            Self::Object => &[],
            Self::Batch => &["--log-mode", "batch"],
        }
    }

    /// `object`, `batch`
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Batch => "batch",
        }
    }
}

/// The system, with a folder of its own for log objects and the programs' logs.
#[derive(Debug)]
pub(crate) struct System {
    folder: TempDir,
    bin_dir: PathBuf,
    endpoint: String,
    panics: Arc<AtomicU64>,
    local: Process,
}

/// A gateway that serves.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// URL of its reply queue.
    pub(crate) reply_queue: String,
}

impl System {
    /// Starts the embedded SQS and S3, without workers, misbehaving as `chaos` says.
    pub(crate) async fn start(options: &Options, chaos: Option<&str>) -> Result<Self, BoxError> {
        let mut folder = tempfile::Builder::new().prefix("compute-bench-").tempdir()?;
        folder.disable_cleanup(options.keep);
        let bin_dir = match &options.bin_dir {
            Some(folder) => folder.clone(),
            None => std::env::current_exe()?.parent().map(Path::to_owned).ok_or("this program lies in no folder")?,
        };
        let panics = Arc::new(AtomicU64::new(0));
        let data = folder.path().join("data").display().to_string();
        let mut arguments =
            flags(&["--listen", ANY_PORT, "--aws-listen", ANY_PORT, "--workers", "0", "--data-dir", &data]);
        arguments.extend(flags(&["--log-format", "json"]));
        if let Some(chaos) = chaos {
            arguments.extend(flags(&["--chaos", chaos]));
        }
        let mut local = Process::start(&Program {
            path: bin_dir.join("compute-local"),
            arguments,
            environment: Vec::new(),
            log: folder.path().join("local.log"),
            panics: panics.clone(),
        })?;
        let endpoint = local.says("AWS endpoint", |line| line.strip_prefix("  aws ").map(|url| url.trim().to_owned()));
        let endpoint = endpoint.await?;
        tracing::info!(endpoint, folder = %folder.path().display(), "compute-local is up");
        Ok(Self { folder, bin_dir, endpoint, panics, local })
    }

    /// Starts a gateway and waits until it serves. The name is that of its log.
    pub(crate) async fn gateway(&self, name: &str, more: &[&str]) -> Result<Gateway, BoxError> {
        self.gateway_of(self.bin_dir.join("compute-gateway"), &[], name, more).await
    }

    /// Starts a gateway that takes every call, see [`crate::parts`], and waits until it serves.
    pub(crate) async fn taking_gateway(&self, name: &str) -> Result<Gateway, BoxError> {
        self.gateway_of(std::env::current_exe()?, &["part", "taking-gateway"], name, &[]).await
    }

    /// Starts a gateway under callgrind, which counts nothing yet and will write to files of that name, and waits until it serves.
    pub(crate) async fn counted_gateway(&self, name: &str, out: &Path) -> Result<Gateway, BoxError> {
        let (out, program) = (format!("--callgrind-out-file={}", out.display()), self.bin_dir.join("compute-gateway"));
        let program = program.display().to_string();
        let command = ["--tool=callgrind", "--instr-atstart=no", "--compress-pos=no", &out, &program];
        self.gateway_of("valgrind".into(), &command, name, &[]).await
    }

    async fn gateway_of(
        &self,
        program: PathBuf,
        command: &[&str],
        name: &str,
        more: &[&str],
    ) -> Result<Gateway, BoxError> {
        let own = ["--listen", ANY_PORT, "--admin-listen", ANY_PORT];
        let mut process = self.start_program(program, name, &[command, &own, &MEMBER, more].concat())?;
        let admin = text(&process.event("the admin port listens").await?, "address")?.parse()?;
        let ready = process.event("ready").await?;
        let (address, reply_queue) = (text(&ready, "address")?.parse()?, text(&ready, "reply_queue")?);
        Ok(Gateway { process, address, admin, reply_queue })
    }

    /// Starts a worker and waits until it takes requests. The name is that of its log and its id.
    pub(crate) async fn worker(&self, name: &str, more: &[&str]) -> Result<Process, BoxError> {
        let own = ["--admin-listen", ANY_PORT, "--worker-id", name, "--poll-wait", "1s"];
        let mut process =
            self.start_program(self.bin_dir.join("compute-worker"), name, &[&own[..], &MEMBER, more].concat())?;
        process.event("ready").await?;
        Ok(process)
    }

    /// Starts a worker that takes its time, see [`crate::parts`], and waits until it takes requests.
    pub(crate) async fn slow_worker(&self, name: &str, more: &[&str]) -> Result<Process, BoxError> {
        let own = ["part", "slow-worker", "--worker-id", name];
        let mut process = self.start_program(std::env::current_exe()?, name, &[&own[..], &MEMBER, more].concat())?;
        process.event("ready").await?;
        Ok(process)
    }

    /// Starts a part, see [`crate::parts`], that does something by itself. The name is that of its log.
    pub(crate) fn part(&self, name: &str, arguments: &[&str]) -> Result<Process, BoxError> {
        self.start_program(std::env::current_exe()?, name, &[&["part"], arguments].concat())
    }

    fn start_program(&self, path: PathBuf, name: &str, arguments: &[&str]) -> Result<Process, BoxError> {
        let environment = [
            ("COMPUTE_PREFIX", PREFIX),
            ("COMPUTE_LOG_FORMAT", "json"),
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
        ];
        Process::start(&Program {
            path,
            arguments: flags(arguments),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            log: self.folder.path().join(format!("{name}.log")),
            panics: self.panics.clone(),
        })
    }

    pub(crate) fn aws(&self) -> SdkConfig {
        compute_process::aws::for_endpoint(&self.endpoint)
    }

    /// Where SQS and S3 answer.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The folder that holds the objects of the log's bucket as files.
    pub(crate) fn bucket_folder(&self) -> PathBuf {
        self.folder.path().join("data").join("s3").join(LOG_BUCKET)
    }

    /// The folder that holds the uploads to S3 that are neither completed nor aborted.
    pub(crate) fn uploads_folder(&self) -> PathBuf {
        self.folder.path().join("data").join("s3").join(".uploads").join(LOG_BUCKET)
    }

    /// How often any of the programs has panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(crate) fn local(&self) -> &Process {
        &self.local
    }

    /// Stops SQS and S3, and keeps the folder if that is wanted.
    pub(crate) async fn stop(mut self, keep: bool) -> Result<(), BoxError> {
        if keep {
            self.folder.disable_cleanup(true);
            tracing::warn!(folder = %self.folder.path().display(), "kept what the programs have logged");
        }
        self.local.kill().await
    }
}

fn flags(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}

/// The text of a field of a log line.
fn text(event: &Value, field: &str) -> Result<String, BoxError> {
    let text = event.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| format!("a log line without {field}: {event}").into())
}

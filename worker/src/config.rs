//! The settings of a worker.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser};
use compute_operations::log::LogMode;
use compute_operations::record::LogValues;
use compute_process::{flags, logging, telemetry};

use crate::dead::Dead;
use crate::limits::Limits;
use crate::log_cli::LogCommand;

/// Takes requests from an SQS queue, computes statistics over the integers in them, replies, and logs each operation to S3.
///
/// Region, credentials and endpoint come from the environment, as for every AWS tool: AWS_REGION, AWS_PROFILE,
/// AWS_ENDPOINT_URL and so on. Any number of workers may share a queue. SIGTERM or Ctrl-C ends a worker cleanly: it
/// finishes what it has begun and gives back what it has not; a second signal does not wait for that.
#[derive(Debug, Clone, Parser)]
#[command(name = "compute-worker", version)]
pub struct Flags {
    /// The settings of the work.
    #[command(flatten)]
    pub config: Config,

    /// Address of the admin port: /livez, /readyz and /metrics, without credentials
    #[arg(long, env = "COMPUTE_ADMIN_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:9465")]
    pub admin_listen: SocketAddr,

    /// The logs of the process.
    #[command(flatten)]
    pub logging: logging::Flags,

    /// The traces of the process.
    #[command(flatten)]
    pub telemetry: telemetry::Flags,
}

/// What a worker does, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Config {
    /// The queue to take requests from: its name, or its URL
    #[arg(long, env = "COMPUTE_REQUEST_QUEUE", value_name = "NAME|URL", value_parser = flags::queue)]
    pub request_queue: String,

    /// The bucket to log operations to, under operations/ or batches/
    #[arg(long, env = "COMPUTE_LOG_BUCKET", value_name = "NAME", value_parser = flags::bucket)]
    pub log_bucket: String,

    /// What the names of this system's queues start with: replies go only to queues `<PREFIX>-replies…`
    #[arg(long, env = "COMPUTE_PREFIX", value_name = "PREFIX", default_value = "compute", value_parser = flags::prefix)]
    pub prefix: String,

    /// How many requests to work on at once: 1 to 10000
    #[arg(long, env = "COMPUTE_CONCURRENCY", value_name = "N", default_value_t = 32,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: u32,

    /// How many more requests may be computed and answered without being logged and deleted yet: 0 to 100000. At this bound the
    /// worker receives no further ones, so that an S3 that is down does not fill its memory
    #[arg(long, env = "COMPUTE_MAX_UNSETTLED", value_name = "N", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub max_unsettled: u32,

    /// How large requests and replies may be.
    #[command(flatten)]
    pub limits: Limits,

    /// What the log keeps of the values of a request
    #[arg(long, env = "COMPUTE_LOG_VALUES", value_name = "WHAT", value_enum, default_value_t = LogValues::All)]
    pub log_values: LogValues,

    /// How operations are put into the log
    #[arg(long, env = "COMPUTE_LOG_MODE", value_name = "MODE", value_enum, default_value_t = LogMode::Object)]
    pub log_mode: LogMode,

    /// How long an operation waits at most for others to be logged in one object with, 10ms to 1min. For --log-mode batch: the
    /// operation is found in the log so much later. At full load nothing waits so long
    #[arg(long, env = "COMPUTE_LOG_FLUSH_INTERVAL", value_name = "DURATION", default_value = "1s",
          value_parser = flags::duration(Duration::from_millis(10)..=Duration::from_secs(60)))]
    pub log_flush_interval: Duration,

    /// The name that replies and the log give this worker, 1 to 64 letters, digits, '.', '_' and '-'. Without it `worker-<random>`
    #[arg(long, env = "COMPUTE_WORKER_ID", value_name = "NAME", value_parser = worker_id)]
    pub worker_id: Option<String>,

    /// How long one poll of the queue waits for messages: 1s to 20s. A stop waits for the polls under way
    #[arg(long, env = "COMPUTE_POLL_WAIT", value_name = "DURATION", default_value = "20s",
          value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(20)))]
    pub poll_wait: Duration,

    /// How long a stop may take: 1s to 15m, and more than --poll-wait. What is not finished then is left to other workers
    #[arg(long, env = "COMPUTE_DRAIN_LIMIT", value_name = "DURATION", default_value = "25s",
          value_parser = flags::duration(Duration::from_secs(1)..=Duration::from_secs(900)))]
    pub drain_limit: Duration,
}

/// What the process is to do.
#[derive(Debug, Clone)]
pub enum CommandLine {
    /// Work.
    Work(Flags),
    /// Look at dead letters, or move them back.
    Dead(Dead),
    /// Look at the log of operations, or delete from it.
    Log(LogCommand),
    /// Look whether AWS is as the work needs it.
    Doctor(Doctor),
}

/// Checks from where it stands whether AWS is as a worker with these flags needs it, and says how to mend what is not.
///
/// One line for each check: ok, warn or fail; skip is what cannot be seen from here and is not needed for the work. Nothing that
/// is done disturbs workers or callers: what a worker does in the bucket is done to objects `<folder>/_doctor`, and what it does
/// with queues is asked for in a form that SQS refuses. Exits with 0 if nothing has failed, with 1 otherwise, with 2 if a flag is
/// wrong.
#[derive(Debug, Clone, Parser)]
#[command(name = "doctor")]
pub struct Doctor {
    /// The flags of the worker.
    #[command(flatten)]
    pub worker: Flags,

    /// What it is to write.
    #[command(flatten)]
    pub output: compute_doctor::Flags,
}

impl CommandLine {
    /// Reads the arguments of the process, and its environment. A mistake, or a question for help, ends the process here.
    pub fn parse() -> Self {
        let mut command = command();
        let matches = command.get_matches_mut();
        Self::from_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit())
    }

    fn from_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((DEAD, matches)) => Dead::from_arg_matches(matches).map(Self::Dead),
            Some((LOG, matches)) => LogCommand::from_arg_matches(matches).map(Self::Log),
            Some((DOCTOR, matches)) => Doctor::from_arg_matches(matches).map(Self::Doctor),
            _ => Flags::from_arg_matches(matches).map(Self::Work),
        }
    }
}

/// The names of the subcommands.
const DEAD: &str = "dead";
const LOG: &str = "log";
const DOCTOR: &str = "doctor";

/// Without a subcommand it works; the flags of the work are not those of the subcommands.
fn command() -> clap::Command {
    let commands = [Dead::command().name(DEAD), LogCommand::command().name(LOG), Doctor::command().name(DOCTOR)];
    Flags::command().subcommands(commands).subcommand_negates_reqs(true).args_conflicts_with_subcommands(true)
}

impl Config {
    /// A worker of this queue and bucket with everything else at its default.
    pub fn new(request_queue: impl Into<String>, log_bucket: impl Into<String>) -> Self {
        Self {
            request_queue: request_queue.into(),
            log_bucket: log_bucket.into(),
            prefix: "compute".to_owned(),
            concurrency: 32,
            max_unsettled: 1_000,
            limits: Limits::default(),
            log_values: LogValues::All,
            log_mode: LogMode::Object,
            log_flush_interval: Duration::from_secs(1),
            worker_id: None,
            poll_wait: Duration::from_secs(20),
            drain_limit: Duration::from_secs(25),
        }
    }
}

/// Settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A stop would end before the polls under way have come home, and strand what they bring.
    #[error("--drain-limit is {drain_limit:?}, not more than the {poll_wait:?} of --poll-wait, which a stop waits for")]
    DrainLimit {
        /// `--drain-limit`
        drain_limit: Duration,
        /// `--poll-wait`
        poll_wait: Duration,
    },
}

impl Config {
    /// Checks what no single flag can tell.
    ///
    /// # Errors
    ///
    /// When settings contradict each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (drain_limit, poll_wait) = (self.drain_limit, self.poll_wait);
        if drain_limit <= poll_wait {
            return Err(ConfigError::DrainLimit { drain_limit, poll_wait });
        }
        Ok(())
    }
}

fn worker_id(value: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=64).contains(&value.len()) && value.bytes().all(allowed) {
        return Ok(value.to_owned());
    }
    Err("1 to 64 letters, digits, '.', '_' and '-' are wanted".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags, clap::Error> {
        let required = ["compute-worker", "--request-queue", "q", "--log-bucket", "logs"];
        Flags::try_parse_from(required.iter().chain(arguments))
    }

    #[test]
    fn a_bad_value_stops_the_start_and_names_flag_value_and_what_is_allowed() {
        for (arguments, allowed) in [
            (["--concurrency", "0"], "1..=10000"),
            (["--max-unsettled", "100001"], "0..=100000"),
            (["--poll-wait", "21s"], "a duration from 1s to 20s"),
            (["--drain-limit", "soon"], "a duration from 1s to 15m"),
            (["--worker-id", "a b"], "1 to 64 letters"),
            (["--log-values", "some"], "possible values: all, none"),
            (["--log-mode", "none"], "possible values: object, batch"),
            (["--log-flush-interval", "2min"], "a duration from 10ms to 1m"),
            (["--max-values", "100000001"], "1..=100000000"),
            (["--memory-budget", "1MiB"], "a size from 67108864 to 1099511627776 bytes"),
            (["--max-inline-size", "2MiB"], "a size from 1024 to 1048576 bytes"),
        ] {
            let error = parse(&arguments).expect_err("refused").to_string();
            for part in [arguments[0], arguments[1], allowed] {
                assert!(error.contains(part), "{part:?} is missing in: {error}");
            }
        }
    }

    #[test]
    fn dead_letters_are_looked_at_without_the_flags_of_the_work() {
        let read = |arguments: &str| {
            let matches = command().try_get_matches_from(arguments.split(' '))?;
            CommandLine::from_matches(&matches)
        };
        for good in ["list", "list --limit 5 --json", "show 17 --body 0", "redrive --max-per-second 500"] {
            let read = read(&format!("compute-worker dead {good} --request-queue q"));
            assert!(matches!(read, Ok(CommandLine::Dead(_))), "{good}: {read:?}");
        }
        for bad in ["", "list", "list --request-queue q --limit 0", "redrive --request-queue q --max-per-second 501"] {
            assert!(read(format!("compute-worker dead {bad}").trim_end()).is_err(), "{bad}");
        }
        assert!(matches!(read("compute-worker --request-queue q --log-bucket logs"), Ok(CommandLine::Work(_))));
        assert!(read("compute-worker --request-queue q").is_err(), "a bucket is missing");
    }

    #[test]
    fn the_log_is_looked_at_without_the_flags_of_the_work() {
        let read = |arguments: &str| {
            let matches = command().try_get_matches_from(arguments.split(' '))?;
            CommandLine::from_matches(&matches)
        };
        let id = "01a20c65-7d5e-774a-b393-9a715a2bd1fc";
        for good in [
            "ls",
            "list --limit 0 --day 2026-11-24 --tenant acme --json",
            &format!("get {id} --values 1000 --tenant -"),
            &format!("get operations/{id}"),
        ] {
            let read = read(&format!("compute-worker log {good} --log-bucket logs"));
            assert!(matches!(read, Ok(CommandLine::Log(_))), "{good}: {read:?}");
        }
        for bad in [
            "",
            "ls --limit -1",
            "ls --day 2026-11-31",
            "ls --day +2026-11-2",
            "ls --tenant a/b",
            "get",
            "get 6fa459ea-ee8a-4ca4-894e-db77e160355e",
            &format!("get {id} --values 1001"),
        ] {
            assert!(read(&format!("compute-worker log {bad} --log-bucket logs")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_doctor_takes_the_flags_of_the_work() {
        command().debug_assert();
        let read = |arguments: &str| {
            let matches = command().try_get_matches_from(arguments.split(' '))?;
            CommandLine::from_matches(&matches)
        };
        let doctor = read("compute-worker doctor --request-queue q --log-bucket logs --log-mode batch --json");
        let Ok(CommandLine::Doctor(Doctor { worker, output })) = doctor else { panic!("not a doctor: {doctor:?}") };
        assert_eq!(worker.config, Config { log_mode: LogMode::Batch, ..Config::new("q", "logs") });
        assert_eq!(output, compute_doctor::Flags { json: true, plan: false });
        assert!(read("compute-worker doctor --request-queue q").is_err(), "a bucket is missing");
    }

    #[test]
    fn the_defaults_in_code_are_those_of_the_flags() {
        assert_eq!(parse(&[]).expect("complete").config, Config::new("q", "logs"));
    }

    #[test]
    fn a_stop_that_cannot_wait_for_its_polls_is_refused() {
        let flags = parse(&["--drain-limit", "20s"]).expect("each is allowed");
        let error = flags.config.check().expect_err("together they are not").to_string();
        assert!(error.contains("--drain-limit is 20s") && error.contains("--poll-wait"), "{error}");
        assert_eq!(Config::new("q", "logs").check(), Ok(()));
    }
}

//! How a gateway works.

use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use compute_process::{flags, memory};
use http::HeaderName;
use sqs_rpc::{ReplyQueueUpkeep, RequesterConfig};

use crate::calls::CallLimits;
use crate::deadline::DeadlineLimits;
use crate::edge::config::EdgeConfig;
use crate::memory::MemoryBudget;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_IN_FLIGHT_MAX: u64 = 1_000_000;

/// How a gateway works: the flags of `compute-gateway` but for those that only concern the process.
///
/// [`Config::new`] has the defaults of the flags.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct Config {
    /// The queue that requests are sent to: its name, or its URL
    #[arg(long, env = "COMPUTE_REQUEST_QUEUE", value_name = "NAME|URL", value_parser = flags::queue)]
    pub request_queue: String,

    /// The bucket that workers log operations to. Operations are looked up there, ids that callers choose are claimed there, and
    /// what is too large for SQS is put there, under payloads/; other calls do without it, and the gateway starts without it
    #[arg(long, env = "COMPUTE_LOG_BUCKET", value_name = "NAME", value_parser = flags::bucket)]
    pub log_bucket: String,

    /// An existing queue to receive replies on, for accounts where a gateway may not make one; its name starts with
    /// `<PREFIX>-replies`, and `{instance}` in it stands for --instance. It belongs to one gateway at a time: a second one does
    /// not start, and names the first. Without it the gateway makes one, `<PREFIX>-replies-<uuid>`, and deletes it when it ends
    #[arg(long, env = "COMPUTE_REPLY_QUEUE", value_name = "NAME|URL", value_parser = flags::reply_queue)]
    pub reply_queue: Option<String>,

    /// What tells this gateway from those that run at the same time: 1 to 64 letters, digits, '.', '_' and '-', where the name
    /// of a queue has '-' for '.'. After a crash, a gateway gets its --reply-queue back at once under the same name, under
    /// another one after almost four times --reply-queue-heartbeat. Without it the host's name
    #[arg(long, env = "COMPUTE_INSTANCE", value_name = "NAME", value_parser = flags::instance)]
    pub instance: Option<String>,

    /// The longest time between two signs of life of this gateway, in a tag of its reply queue, 1s to 1h; the same for all
    /// gateways of a prefix. After almost four times that without one, a gateway is dead, and others delete the queue it made
    #[arg(
        long, env = "COMPUTE_REPLY_QUEUE_HEARTBEAT", value_name = "DURATION", default_value = "4m",
        value_parser = flags::duration(SECOND..=3_600 * SECOND)
    )]
    pub reply_queue_heartbeat: Duration,

    /// What the names of this system's queues start with: 1 to 35 letters, digits, '-' and '_'. Workers reply only to queues
    /// with their own prefix
    #[arg(long, env = "COMPUTE_PREFIX", value_name = "PREFIX", default_value = "compute", value_parser = flags::prefix)]
    pub prefix: String,

    /// The most calls in flight, 1 to 1000000. Further ones are answered RESOURCE_EXHAUSTED
    #[arg(
        long, env = "COMPUTE_MAX_IN_FLIGHT", value_name = "CALLS", default_value = "10000",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_IN_FLIGHT_MAX)
    )]
    pub max_in_flight: usize,

    /// The most calls in flight of one tenant, 1 to 1000000. Further ones are answered RESOURCE_EXHAUSTED
    #[arg(
        long, env = "COMPUTE_MAX_IN_FLIGHT_PER_TENANT", value_name = "CALLS", default_value = "10000",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_IN_FLIGHT_MAX)
    )]
    pub max_in_flight_per_tenant: usize,

    /// The metadata entry that names the tenant of a call, such as x-tenant. It is believed: set this only behind a proxy that
    /// authenticates callers and sets the entry itself. Without it calls have no tenant
    #[arg(long, env = "COMPUTE_TENANT_METADATA", value_name = "KEY", value_parser = metadata_key)]
    pub tenant_metadata: Option<HeaderName>,

    /// How long calls may go unanswered before further ones are answered UNAVAILABLE at once, but for a trickle that finds out
    /// when a worker is back, 100ms to 1day
    #[arg(
        long, env = "COMPUTE_NO_WORKER_AFTER", value_name = "DURATION", default_value = "10s",
        value_parser = flags::duration(Duration::from_millis(100)..=DAY)
    )]
    pub no_worker_after: Duration,

    /// Whether to refuse calls at once that cannot be answered in time. No flag: off only to show what happens then
    #[arg(skip = true)]
    pub refuse_hopeless: bool,

    /// The time for a call whose caller sets no deadline, 1ms to 1day
    #[arg(
        long, env = "COMPUTE_DEFAULT_DEADLINE", value_name = "DURATION", default_value = "30s",
        value_parser = flags::duration(Duration::from_millis(1)..=DAY)
    )]
    pub default_deadline: Duration,

    /// The most time for a call, whatever deadline its caller sets, 1s to 1day; at least --default-deadline
    #[arg(
        long, env = "COMPUTE_MAX_DEADLINE", value_name = "DURATION", default_value = "15m",
        value_parser = flags::duration(SECOND..=DAY)
    )]
    pub max_deadline: Duration,

    /// How long calls in flight may go on when the gateway is told to end, 0s to 1day. The rest is then answered
    /// UNAVAILABLE
    #[arg(
        long, env = "COMPUTE_DRAIN_LIMIT", value_name = "DURATION", default_value = "25s",
        value_parser = flags::duration(Duration::ZERO..=DAY)
    )]
    pub drain_limit: Duration,

    /// How long one poll of the reply queue waits for replies, 1s to 20s. Polls are billed, idle ones too
    #[arg(
        long, env = "COMPUTE_POLL_WAIT", value_name = "DURATION", default_value = "20s",
        value_parser = flags::duration(SECOND..=20 * SECOND)
    )]
    pub poll_wait: Duration,

    /// The largest request message of gRPC, 1KiB to 1GiB. A larger one is answered RESOURCE_EXHAUSTED
    #[arg(
        long, env = "COMPUTE_MAX_MESSAGE_SIZE", value_name = "BYTES", default_value = "64MiB",
        value_parser = flags::byte_size(1 << 10..=1 << 30)
    )]
    pub max_message_size: usize,

    /// The memory that requests may take together, 64MiB to 1TiB. Without it half of the machine's, or of its control group's if
    /// that is less. A message takes up to 29 times its size; one that finds no room is answered RESOURCE_EXHAUSTED
    #[arg(
        long, env = "COMPUTE_MEMORY_BUDGET", value_name = "BYTES",
        value_parser = flags::byte_size(64 << 20..=1 << 40)
    )]
    pub memory_budget: Option<usize>,

    /// How long a caller may be silent in the middle of its request before it is answered DEADLINE_EXCEEDED, 100ms to 1day
    #[arg(
        long, env = "COMPUTE_STREAM_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30s",
        value_parser = flags::duration(Duration::from_millis(100)..=DAY)
    )]
    pub stream_idle_timeout: Duration,
    /// The largest request that is sent as a message of SQS, its attributes included, 1KiB to 1MiB. A larger one is put into the
    /// bucket, under payloads/, and a pointer to it is sent
    #[arg(
        long, env = "COMPUTE_MAX_INLINE_SIZE", value_name = "BYTES", default_value = "448KiB",
        value_parser = flags::byte_size(1 << 10..=1 << 20)
    )]
    pub max_inline_size: usize,
    /// The memory for answers that were given in the last minute, 0 to 1GiB: who asks for an operation before its record can be
    /// read is told from there
    #[arg(
        long, env = "COMPUTE_ANSWERS_KEPT", value_name = "BYTES", default_value = "32MiB",
        value_parser = flags::byte_size(0..=1 << 30)
    )]
    pub answers_kept: usize,

    /// Who may call, and from where.
    #[command(flatten)]
    pub edge: EdgeConfig,
}

/// Settings that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The default deadline is beyond the limit of all deadlines.
    #[error(
        "--default-deadline is {}, more than the {} of --max-deadline",
        humantime::format_duration(*default),
        humantime::format_duration(*max)
    )]
    DefaultDeadline {
        /// `--default-deadline`
        default: Duration,
        /// `--max-deadline`
        max: Duration,
    },
    /// A certificate without its key, or the reverse.
    #[error("--tls-certificate and --tls-key are given together")]
    TlsHalf,
    /// Client certificates, and no TLS to bring them by.
    #[error("--tls-client-ca needs --tls-certificate and --tls-key")]
    ClientCaWithoutTls,
    /// Two flags that say whose a call is.
    #[error("--tokens and --tenant-metadata both say which tenant a call belongs to: one of them is wanted")]
    TwoTenants,
    /// Anybody could call.
    #[error(
        "--listen {listen} takes calls from beyond this host, and nothing says who may call: --tokens or --tls-client-ca is \
         wanted, or --allow-anonymous"
    )]
    Anonymous {
        /// `--listen`
        listen: SocketAddr,
    },
}

impl Config {
    /// The defaults, for these two names that have none.
    pub fn new(request_queue: impl Into<String>, log_bucket: impl Into<String>) -> Self {
        Self {
            request_queue: request_queue.into(),
            log_bucket: log_bucket.into(),
            reply_queue: None,
            reply_queue_heartbeat: 240 * SECOND,
            instance: None,
            prefix: "compute".to_owned(),
            max_in_flight: 10_000,
            max_in_flight_per_tenant: 10_000,
            tenant_metadata: None,
            no_worker_after: 10 * SECOND,
            refuse_hopeless: true,
            default_deadline: 30 * SECOND,
            max_deadline: 900 * SECOND,
            drain_limit: 25 * SECOND,
            poll_wait: 20 * SECOND,
            max_message_size: 64 << 20,
            memory_budget: None,
            stream_idle_timeout: 30 * SECOND,
            max_inline_size: 448 << 10,
            answers_kept: 32 << 20,
            edge: EdgeConfig::default(),
        }
    }

    /// Checks what no single flag can tell.
    ///
    /// # Errors
    ///
    /// When settings contradict each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.default_deadline > self.max_deadline {
            return Err(ConfigError::DefaultDeadline { default: self.default_deadline, max: self.max_deadline });
        }
        if self.edge.tokens.is_some() && self.tenant_metadata.is_some() {
            return Err(ConfigError::TwoTenants);
        }
        self.edge.check()
    }

    /// Checks whether calls may be taken at this address.
    ///
    /// # Errors
    ///
    /// When it can be reached from beyond this host, and nothing says who may call.
    pub fn check_address(&self, listen: SocketAddr) -> Result<(), ConfigError> {
        self.edge.check_address(listen)
    }

    pub(crate) fn call_limits(&self) -> CallLimits {
        let budget = self.memory_budget.map_or_else(|| memory::limit() / 2, |budget| budget as u64);
        CallLimits {
            deadlines: DeadlineLimits { default: self.default_deadline, max: self.max_deadline },
            message_size: self.max_message_size,
            stream_idle_timeout: self.stream_idle_timeout,
            memory: MemoryBudget::new(budget),
        }
    }

    /// All times of the upkeep keep the proportions of its defaults.
    fn reply_queue_upkeep(&self) -> ReplyQueueUpkeep {
        let heartbeat = self.reply_queue_heartbeat;
        ReplyQueueUpkeep {
            heartbeat,
            dead_after: heartbeat * 15 / 4,
            first_sweep_within: heartbeat / 4,
            sweep_interval: heartbeat * 5 / 2,
            ..ReplyQueueUpkeep::default()
        }
    }

    pub(crate) fn requester(&self) -> RequesterConfig {
        let defaults = RequesterConfig::new(&self.request_queue);
        RequesterConfig {
            reply_queue: self.reply_queue.clone(),
            reply_queue_upkeep: self.reply_queue_upkeep(),
            instance: self.instance.clone().unwrap_or(defaults.instance.clone()),
            prefix: self.prefix.clone(),
            max_in_flight: self.max_in_flight,
            max_in_flight_per_tenant: self.max_in_flight_per_tenant,
            no_worker_after: self.no_worker_after,
            refuse_hopeless: self.refuse_hopeless,
            poll_wait: self.poll_wait,
            ..defaults
        }
    }
}

fn metadata_key(value: &str) -> Result<HeaderName, String> {
    match HeaderName::from_bytes(value.as_bytes()) {
        Ok(key) if !value.ends_with("-bin") && !value.starts_with("grpc-") => Ok(key),
        _ => Err("the name of a text metadata entry is wanted, such as x-tenant".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        config: Config,
    }

    fn parse(flags: &[&str]) -> Result<Config, String> {
        let named = ["gateway", "--request-queue", "q", "--log-bucket", "logs"];
        let parsed = Flags::try_parse_from(named.iter().chain(flags));
        parsed.map(|flags| flags.config).map_err(|error| error.to_string())
    }

    #[test]
    fn new_has_the_defaults_of_the_flags() {
        assert_eq!(parse(&[]), Ok(Config::new("q", "logs")));
    }

    #[test]
    fn the_default_heartbeat_is_that_of_the_default_upkeep() {
        assert_eq!(Config::new("q", "logs").requester().reply_queue_upkeep, ReplyQueueUpkeep::default());
    }

    #[test]
    fn a_bad_value_is_refused_with_the_flag_the_value_and_what_is_allowed() {
        for (flag, value, allowed) in [
            ("--max-in-flight", "0", "1..=1000000"),
            ("--default-deadline", "2", "such as 500ms"),
            ("--max-deadline", "2days", "from 1s to 1day"),
            ("--reply-queue-heartbeat", "500ms", "from 1s to 1h"),
            ("--drain-limit", "soon", "from 0s to 1day"),
            ("--max-message-size", "64MB", "from 1024 to 1073741824 bytes"),
            ("--memory-budget", "63MiB", "from 67108864 to 1099511627776 bytes"),
            ("--stream-idle-timeout", "0s", "from 100ms to 1day"),
            ("--max-inline-size", "2MiB", "from 1024 to 1048576 bytes"),
            ("--answers-kept", "2GiB", "from 0 to 1073741824 bytes"),
            ("--reply-queue", "q.fifo", "standard queue"),
            ("--reply-queue", "q-{host}", "{instance}"),
            ("--instance", "a b", "1 to 64 letters"),
            ("--prefix", "a/b", "1 to 35 letters"),
            ("--allow-origin", "*", "https://example.com"),
            ("--max-connections", "0", "1..=1000000"),
            ("--idle-timeout", "0s", "from 1s to 1day"),
            ("--header-timeout", "500ms", "from 1s to 10m"),
        ] {
            let error = parse(&[flag, value]).expect_err(flag);
            for part in [flag, value, allowed] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn a_default_deadline_beyond_the_limit_is_refused() {
        let config = parse(&["--default-deadline", "2m", "--max-deadline", "1m"]).expect("each is allowed");
        let error = config.check().expect_err("together they are not");
        assert_eq!(error.to_string(), "--default-deadline is 2m, more than the 1m of --max-deadline");
        assert_eq!(Config::new("q", "logs").check(), Ok(()));
    }
}

//! `compute-worker log`: what the log of operations says, for people, and how to forget it.

mod delete;
mod listing;
mod progress;
mod tail;
mod text;

use std::io::{self, Write};

use aws_config::SdkConfig;
use clap::{Args, Parser, Subcommand};
use compute_operations::log::{LogError, LogReader};
use compute_operations::record::Record;
use compute_operations::{Bucket, BucketError};
use compute_process::{flags, logging};
use compute_proto::validate::{MAX_TENANT, is_tenant};
use time::Date;
use time::macros::format_description;
use uuid::{Uuid, Version};

use self::delete::Delete;
use self::listing::List;
use self::tail::Tail;
use crate::terminal::printable_json;

/// Shows the log of operations, and deletes from it.
///
/// All times are UTC. A day is that of the operation's id, which is when the call was made.
#[derive(Debug, Clone, Parser)]
#[command(name = "log")]
pub struct LogCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Lists operations, newest first, one a line: time, id, status, number of values, min, max, median, mean, worker
    ///
    /// Numbers are shortened to their column; `get` and --json show them whole.
    #[command(alias = "list")]
    Ls(List),
    /// Shows one operation: its result, its times, its worker
    Get(Get),
    /// Shows operations as they appear in the log, oldest first, until Ctrl-C
    ///
    /// Each is shown once, however late or out of order its record comes within the window. One that was marked as dead and
    /// is finished after all is shown both times.
    Tail(Tail),
    /// Deletes one operation, those before a day, or all of a tenant, with the payloads they point to
    ///
    /// What a deletion that was ended left half done, the next one like it finishes. An operation that is still under way is
    /// worked and logged again. Run one deletion of a tenant at a time. In a bucket with versioning, older versions stay.
    Delete(Delete),
}

#[derive(Debug, Clone, Args)]
struct Get {
    /// The operation's id
    #[arg(value_parser = operation_id)]
    id: Uuid,

    /// How many values to show: 0 to 1000. The log does not have more than the first 1000 either
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=1000))]
    values: u16,

    #[command(flatten)]
    about: About,
}

/// What all of them need to know.
#[derive(Debug, Clone, Args)]
struct About {
    /// The bucket that workers log operations to
    #[arg(long, env = "COMPUTE_LOG_BUCKET", value_name = "NAME", value_parser = flags::bucket)]
    log_bucket: String,

    /// Whose operations. `-`, and no tenant named, stand for those of callers without a tenant
    #[arg(long, value_name = "TENANT", value_parser = tenant)]
    tenant: Option<Tenant>,

    /// Write JSON, one object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    logging: logging::Flags,
}

/// A tenant that was named on the command line, which may be nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tenant(Option<String>);

impl About {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().and_then(|Tenant(name)| name.as_deref())
    }

    fn not_found(&self, id: Uuid) -> LogCommandError {
        LogCommandError::NotFound { id, tenant: self.tenant().map(str::to_owned), bucket: self.log_bucket.clone() }
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum LogCommandError {
    /// The bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is no such operation, or it is not logged yet.
    #[error("there is no operation {id} of {of} in the log in the bucket {bucket}", of = whose(.tenant.as_deref()))]
    NotFound {
        /// Its id.
        id: Uuid,
        /// Whose it would be.
        tenant: Option<String>,
        /// The log's bucket.
        bucket: String,
    },
    /// Nobody has said that this is meant to be deleted.
    #[error("nothing is deleted: this would delete {0}. Say --yes, or run it on a terminal to be asked")]
    Unconfirmed(String),
    /// The question whether to delete was answered with no.
    #[error("nothing is deleted")]
    Declined,
    /// The output was closed.
    #[error("cannot write")]
    Output(#[from] io::Error),
}

impl LogCommand {
    /// How the process logs.
    pub fn logging(&self) -> &logging::Flags {
        &self.command.about().logging
    }

    /// Does what was asked for. The answer goes to `out`, remarks to `notes`, the bar that shows progress to standard error if
    /// that is a terminal. When nobody reads the answer any more it ends.
    ///
    /// # Errors
    ///
    /// See [`LogCommandError`].
    pub async fn run(&self, aws: &SdkConfig, out: impl Write, notes: impl Write) -> Result<(), LogCommandError> {
        // A command that prints much must not ask the system for each line.
        let mut out = io::BufWriter::new(out);
        let done = self.command.run(aws, &mut out, notes).await;
        match done.and_then(|()| Ok(out.flush()?)) {
            // As in `ls | head`.
            Err(LogCommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }
}

impl Command {
    async fn run(&self, aws: &SdkConfig, out: &mut impl Write, notes: impl Write) -> Result<(), LogCommandError> {
        let bucket = Bucket::open(aws, &self.about().log_bucket).await?;
        match self {
            Self::Ls(list) => list.run(&LogReader::new(bucket), out, notes).await,
            Self::Get(get) => get.run(&LogReader::new(bucket), out).await,
            Self::Tail(tail) => tail.run(bucket, out, notes).await,
            Self::Delete(delete) => delete.run(bucket, out, notes).await,
        }
    }

    fn about(&self) -> &About {
        match self {
            Self::Ls(List { about, .. })
            | Self::Get(Get { about, .. })
            | Self::Tail(Tail { about, .. })
            | Self::Delete(Delete { about, .. }) => about,
        }
    }
}

impl Get {
    async fn run(&self, log: &LogReader, out: &mut impl Write) -> Result<(), LogCommandError> {
        let Some(record) = log.find(self.about.tenant(), self.id).await? else {
            return Err(self.about.not_found(self.id));
        };
        if self.about.json {
            write_json(out, &record)?;
        } else {
            text::write_operation(out, &record, self.values.into())?;
        }
        Ok(())
    }
}

fn write_json(out: &mut impl Write, record: &Record) -> io::Result<()> {
    writeln!(out, "{}", printable_json(&record.to_json()))
}

/// A tenant in a sentence.
fn whose(tenant: Option<&str>) -> String {
    tenant.map_or_else(|| "callers without a tenant".to_owned(), |tenant| format!("the tenant {tenant}"))
}

fn tenant(value: &str) -> Result<Tenant, String> {
    match value {
        "-" => Ok(Tenant(None)),
        name if is_tenant(name) => Ok(Tenant(Some(name.to_owned()))),
        _ => Err(format!("1 to {MAX_TENANT} letters, digits, '.', '_' and '-' are wanted, or a single '-'")),
    }
}

fn operation_id(value: &str) -> Result<Uuid, String> {
    let id = Uuid::parse_str(value.strip_prefix("operations/").unwrap_or(value));
    match id {
        Ok(id) if id.get_version() == Some(Version::SortRand) => Ok(id),
        _ => Err("an operation id is wanted: a UUID of version 7".to_owned()),
    }
}

fn day(value: &str) -> Result<Date, String> {
    // The parser takes signs and more digits, too.
    let parsed = Date::parse(value, format_description!("[year]-[month]-[day]"));
    parsed.ok().filter(|_| value.len() == 10).ok_or_else(|| "a day is wanted, such as 2026-11-24".to_owned())
}

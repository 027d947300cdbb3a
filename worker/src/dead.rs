//! `compute-worker dead`: what lies in the dead-letter queue, why, and the way back.

mod text;

use std::io::{self, Write};

use aws_config::SdkConfig;
use clap::{Args, Parser, Subcommand};
use compute_process::{flags, logging};
use serde_json::json;
use sqs_rpc::{DeadLetter, DeadLetters, DeadLettersError, Moved, QueueError};

/// Shows the dead letters of the request queue, and moves them back to it.
///
/// A request that is received too often without being finished (`maxReceiveCount` of the queue's RedrivePolicy) is moved to
/// the dead-letter queue that the policy names. SQS cannot show a message without receiving it: `list` and `show` hide the
/// letters for as long as they look, give them back at once, and leave their receive counts higher by one.
#[derive(Debug, Clone, Parser)]
#[command(name = "dead")]
pub struct Dead {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Lists dead letters, one a line: id, tenant, method, time of sending, receive count, and why it is dead
    List(List),
    /// Shows one dead letter whole: what SQS says of it, its attributes, its body
    Show(Show),
    /// Moves all dead letters back to the queues that they came from, and waits for it
    ///
    /// What is moved back is computed and logged, whether or not somebody still waits for it; what cannot be answered comes
    /// back. SQS goes on moving when this command is ended.
    Redrive(Redrive),
}

#[derive(Debug, Clone, Args)]
struct List {
    /// The most letters to list: 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    #[command(flatten)]
    about: About,
}

#[derive(Debug, Clone, Args)]
struct Show {
    /// The letter's id as `list` gives it: that of the operation, or else of the message
    id: String,

    /// How much of the body to show: 0 to 1MiB
    #[arg(long, value_name = "BYTES", default_value = "4KiB", value_parser = flags::byte_size(0..=1 << 20))]
    body: usize,

    #[command(flatten)]
    about: About,
}

#[derive(Debug, Clone, Args)]
struct Redrive {
    /// The most letters to move a second: 1 to 500. Without it SQS decides
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    max_per_second: Option<u32>,

    #[command(flatten)]
    about: About,
}

/// What all of them need to know.
#[derive(Debug, Clone, Args)]
struct About {
    /// The queue whose dead letters are meant: its name, or its URL
    #[arg(long, env = "COMPUTE_REQUEST_QUEUE", value_name = "NAME|URL", value_parser = flags::queue)]
    request_queue: String,

    /// What the names of this system's queues start with: requests that want their replies elsewhere cannot be answered
    #[arg(long, env = "COMPUTE_PREFIX", value_name = "PREFIX", default_value = "compute", value_parser = flags::prefix)]
    prefix: String,

    /// Write JSON, one object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    logging: logging::Flags,
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum DeadError {
    /// The dead-letter queue cannot be used, or the move failed.
    #[error(transparent)]
    DeadLetters(#[from] DeadLettersError),
    /// SQS does not answer.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// There is no such letter, or it is being looked at by somebody else.
    #[error("there is no dead letter with the id {0:?} to be seen")]
    NotFound(String),
    /// The output was closed.
    #[error("cannot write")]
    Output(#[from] io::Error),
}

impl Dead {
    /// How the process logs.
    pub fn logging(&self) -> &logging::Flags {
        &self.about().logging
    }

    fn about(&self) -> &About {
        match &self.command {
            Command::List(List { about, .. })
            | Command::Show(Show { about, .. })
            | Command::Redrive(Redrive { about, .. }) => about,
        }
    }

    /// Does what was asked for. The answer goes to `out`, remarks to `notes`.
    ///
    /// # Errors
    ///
    /// See [`DeadError`].
    pub async fn run(&self, aws: &SdkConfig, out: impl Write, notes: impl Write) -> Result<(), DeadError> {
        let about = self.about();
        let dead_letters = DeadLetters::find(aws, &about.request_queue, &about.prefix).await?;
        match &self.command {
            Command::List(list) => list.run(&dead_letters, out, notes).await,
            Command::Show(show) => show.run(&dead_letters, out).await,
            Command::Redrive(redrive) => redrive.run(&dead_letters, out, notes).await,
        }
    }
}

impl List {
    async fn run(
        &self,
        dead_letters: &DeadLetters,
        mut out: impl Write,
        mut notes: impl Write,
    ) -> Result<(), DeadError> {
        let listing = dead_letters.list(usize::try_from(self.limit).unwrap_or(usize::MAX), 0).await?;
        if self.about.json {
            for letter in &listing.letters {
                writeln!(out, "{}", as_json(letter, false))?;
            }
        } else {
            text::write_table(&mut out, &listing.letters)?;
        }
        let more = if listing.is_complete { "" } else { ", and there are more" };
        let count = listing.letters.len();
        writeln!(
            notes,
            "{count} dead letters in {}{more}. Looking has raised their receive counts.",
            dead_letters.url()
        )?;
        Ok(())
    }
}

impl Show {
    async fn run(&self, dead_letters: &DeadLetters, mut out: impl Write) -> Result<(), DeadError> {
        let Some(letter) = dead_letters.get(&self.id, self.body).await? else {
            return Err(DeadError::NotFound(self.id.clone()));
        };
        if self.about.json {
            writeln!(out, "{}", as_json(&letter, true))?;
        } else {
            text::write_letter(&mut out, &letter)?;
        }
        Ok(())
    }
}

impl Redrive {
    async fn run(
        &self,
        dead_letters: &DeadLetters,
        mut out: impl Write,
        mut notes: impl Write,
    ) -> Result<(), DeadError> {
        let mut shown = None;
        let progress = |now: Moved| {
            if shown.replace(now) != Some(now) {
                let of = now.to_move.map(|total| format!(" of about {total}")).unwrap_or_default();
                // A closed terminal does not stop the move.
                let _ = writeln!(notes, "moved {}{of}", now.moved);
            }
        };
        let Moved { moved, to_move } = dead_letters.redrive(self.max_per_second, progress).await?;
        if self.about.json {
            writeln!(out, "{}", json!({"status": "COMPLETED", "moved": moved, "to_move": to_move}))?;
        } else {
            writeln!(out, "moved {moved} dead letters back to the queues that they came from")?;
        }
        Ok(())
    }
}

fn as_json(letter: &DeadLetter, whole: bool) -> serde_json::Value {
    let mut object = json!({
        "id": letter.id,
        "message_id": letter.message_id,
        "tenant": letter.tenant,
        "method": letter.method,
        "sent": letter.sent,
        "receive_count": letter.receive_count,
        "source": letter.source,
        "why": letter.why.to_string(),
        "body_bytes": letter.body_bytes,
    });
    if whole {
        let attribute = |(name, data_type, value): &(String, String, String)| json!({"name": name, "type": data_type, "value": value});
        object["attributes"] = letter.attributes.iter().map(attribute).collect();
        object["body"] = json!(letter.body);
    }
    object
}

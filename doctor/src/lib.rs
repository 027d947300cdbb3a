//! Checks from where a process stands whether AWS is as the process needs it: `compute-gateway doctor`, `compute-worker doctor`.
//!
//! A check is small, has a time limit of its own, and tells one [`Finding`]; checks run at the same time and are shown in a fixed
//! order, as a [`Report`]. What both processes need to have checked is here, what only one of them needs is in its own crate:
//!
//! - [`report`]: what was found, as lines and as JSON;
//! - [`account`]: region, credentials, and whose they are;
//! - [`contact`]: whether SQS and S3 can be reached, how fast they answer, and how far this host's clock is off;
//! - [`queues`]: how the request queue and its dead-letter queue were made, and whether that fits the process's own settings;
//! - [`bucket`]: how the bucket was made, and what may be done in it;
//! - [`permission`]: whether what a trial has shown is good;
//! - [`policy`]: what IAM has to allow, without asking anybody.
//!
//! What a trial does to queues and bucket, which is nothing that those who use them notice, stands in [`sqs_rpc::probe`] and
//! [`compute_operations::probe`].

pub mod account;
pub mod bucket;
pub mod contact;
pub mod permission;
pub mod policy;
pub mod queues;
pub mod report;

use std::io::{self, Write};

use serde_json::Value;

pub use report::{Check, Finding, Report, Section, Verdict, check, section};

/// What a doctor is asked for, beside the flags of the process that it looks after.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Doctor")]
#[group(skip)]
pub struct Flags {
    /// Write the findings as JSON, one object
    #[arg(long)]
    pub json: bool,

    /// Write the policy of IAM that the process needs with these flags, and nothing else; nobody is asked anything
    #[arg(long, conflicts_with = "json")]
    pub plan: bool,
}

impl Flags {
    /// Writes a policy to `out`, and to `notes` what is left to fill in.
    ///
    /// # Errors
    ///
    /// Those of the outputs.
    pub fn write_plan(&self, policy: &Value, mut out: impl Write, mut notes: impl Write) -> io::Result<()> {
        let text = format!("{policy:#}");
        writeln!(out, "{text}")?;
        let unknown = [policy::REGION, policy::ACCOUNT].into_iter().filter(|name| text.contains(&format!(":{name}:")));
        let unknown = unknown.collect::<Vec<_>>().join(" and ");
        if !unknown.is_empty() {
            writeln!(notes, "Put the right values in place of {unknown}.")?;
        }
        Ok(())
    }
}

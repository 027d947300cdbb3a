//! Structured logs on standard error.

use std::env::VarError;
use std::io::{self, IsTerminal as _};
use std::str::FromStr as _;

use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::telemetry::Collecting;

/// The level without a flag, `COMPUTE_LOG_LEVEL` or `RUST_LOG`.
const DEFAULT_LEVEL: &str = "info";

/// What writes down whatever goes over the wire to AWS at the level `trace`, and with it what callers sent.
const TELLTALE: &str = "aws_smithy_runtime";

/// How the process logs.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Logs (on standard error)")]
#[group(skip)]
pub struct Flags {
    /// What to log: error, warn, info, debug, trace, or directives such as `info,sqs_rpc=debug`. Without it RUST_LOG
    /// counts, and without that `info`. What callers sent is not logged at any level, unless by
    /// `trace,aws_smithy_runtime=trace`
    #[arg(long, env = "COMPUTE_LOG_LEVEL", value_name = "LEVEL", value_parser = level)]
    pub log_level: Option<String>,

    /// How log lines look
    #[arg(long, env = "COMPUTE_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub log_format: Format,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, in colour on a terminal.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// `RUST_LOG` is not understood. The flag was checked when it was read.
    #[error("RUST_LOG is not understood")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// `RUST_LOG` is not text.
    #[error("RUST_LOG is not text")]
    Text(#[from] VarError),
    /// The process has set up logging already.
    #[error("logging was set up twice")]
    Twice(#[from] TryInitError),
}

/// Starts logging, once for the process.
///
/// # Errors
///
/// When `RUST_LOG` counts and is not understood, and when logging was set up before.
pub fn init(flags: &Flags) -> Result<(), InitError> {
    init_with(flags, None)
}

/// Starts logging, and the collecting of spans for their [traces](crate::telemetry) if there is something that does.
///
/// # Errors
///
/// Those of [`init`].
pub fn init_with(flags: &Flags, collecting: Option<Collecting>) -> Result<(), InitError> {
    let filter = match (&flags.log_level, std::env::var(EnvFilter::DEFAULT_ENV)) {
        (Some(level), _) => EnvFilter::new(discreet(level)),
        (None, Ok(level)) => EnvFilter::try_new(discreet(&level))?,
        (None, Err(VarError::NotPresent)) => EnvFilter::new(DEFAULT_LEVEL),
        (None, Err(error @ VarError::NotUnicode(_))) => return Err(error.into()),
    };
    match collecting {
        // A filter for all is cheaper than one for the lines alone.
        None => tracing_subscriber::registry().with(filter).with(lines(flags.log_format)).try_init()?,
        Some(spans) => {
            tracing_subscriber::registry().with(spans).with(lines(flags.log_format).with_filter(filter)).try_init()?;
        }
    }
    Ok(())
}

fn lines<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(io::stderr);
    match format {
        Format::Text => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// These directives, without what callers sent, unless they ask for it by name.
fn discreet(directives: &str) -> String {
    let is_everything = directives.split(',').any(|directive| directive.trim().eq_ignore_ascii_case("trace"));
    if is_everything && !directives.contains(TELLTALE) {
        format!("{directives},{TELLTALE}=debug")
    } else {
        directives.to_owned()
    }
}

fn level(value: &str) -> Result<String, String> {
    // The filter takes a word alone for the name of a module: `inof` would silence everything but the module `inof`.
    let is_clear = |directive: &str| directive.contains(['=', '[']) || LevelFilter::from_str(directive).is_ok();
    match EnvFilter::try_new(value) {
        Ok(_) if !value.is_empty() && value.split(',').all(is_clear) => Ok(value.to_owned()),
        _ => {
            Err("a level (error, warn, info, debug, trace, off) or directives such as info,sqs_rpc=debug are wanted"
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_sent_is_logged_only_if_it_is_asked_for_by_name() {
        assert_eq!(discreet("trace"), "trace,aws_smithy_runtime=debug");
        assert_eq!(discreet("sqs_rpc=info,TRACE"), "sqs_rpc=info,TRACE,aws_smithy_runtime=debug");
        for clear in ["info", "error,sqs_rpc=trace", "trace,aws_smithy_runtime=trace", "aws_smithy_runtime=trace"] {
            assert_eq!(discreet(clear), clear, "nothing is logged that was not asked for");
        }
    }

    #[test]
    fn levels_and_directives_are_taken_and_anything_else_is_refused() {
        for good in ["info", "off", "warn,sqs_rpc=debug", "info,compute_gateway[call]=trace"] {
            assert_eq!(level(good).as_deref(), Ok(good));
        }
        for bad in ["", "inof", "info,sqs_rpc", "info,sqs_rpc=loud", "=", "a=b=c"] {
            assert!(level(bad).is_err(), "{bad:?}");
        }
    }
}

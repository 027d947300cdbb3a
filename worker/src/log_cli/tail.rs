//! `log tail`.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use compute_operations::Bucket;
use compute_operations::log::{Follower, News};
use compute_process::{flags, shutdown};

use super::text::Columns;
use super::{About, LogCommandError, whose, write_json};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Clone, Args)]
pub(super) struct Tail {
    /// How far back to begin, 0s to 24h, by when operations were made, or their batch was written. By default with what appears
    /// from now on
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = flags::duration(Duration::ZERO..=24 * HOUR))]
    since: Duration,

    /// How long to wait between two looks at the log, 500ms to 1h. A look is two requests to S3 or more, of $5 a million
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = flags::duration(SECOND / 2..=HOUR))]
    interval: Duration,

    /// How long after an operation was made its record is waited for, 10s to 24h, if it has an object of its own. One that comes
    /// later, or is of a clock that is slow by more than this, is not shown. Each look lists what is younger
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = flags::duration(10 * SECOND..=24 * HOUR))]
    window: Duration,

    #[command(flatten)]
    pub(super) about: About,
}

impl Tail {
    /// Shows operations until the process is told to end.
    pub(super) async fn run(
        &self,
        bucket: Bucket,
        out: &mut impl Write,
        notes: impl Write,
    ) -> Result<(), LogCommandError> {
        let shutdown = shutdown::requested()?;
        tokio::select! {
            biased;
            () = shutdown => Ok(()),
            // Between two records, for nothing is awaited while one is written.
            ended = self.follow(bucket, out, notes) => ended,
        }
    }

    async fn follow(&self, bucket: Bucket, out: &mut impl Write, mut notes: impl Write) -> Result<(), LogCommandError> {
        let from = |ago: Duration| now().saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
        let since = from(self.since);
        let tenant = self.about.tenant().map(str::to_owned);
        let mut log = Follower::new(bucket, tenant, from(self.since.max(self.window)), self.window);
        let mut looked = Ok(log.look(now()).await?);
        log.skip_before(since);
        let columns = Columns { tenant: self.about.tenant().is_some() };
        let (of, window) = (whose(self.about.tenant()), humantime::format_duration(self.window));
        writeln!(
            notes,
            "following the operations of {of}; each is waited for until {window} after it was made. Ctrl-C ends this"
        )?;
        if !self.about.json {
            columns.write_header(out)?;
            out.flush()?;
        }
        let mut is_away = false;
        loop {
            let read = match std::mem::replace(&mut looked, Ok(true)) {
                Ok(all) => {
                    if !all {
                        writeln!(
                            notes,
                            "there are more operations than can be remembered: the oldest are passed over"
                        )?;
                    }
                    log.read().await
                }
                Err(error) => Err(error),
            };
            match read {
                Ok(Some(news)) => {
                    self.write(&news, columns, out, &mut notes)?;
                    continue;
                }
                Ok(None) => is_away = false,
                // Said once: S3 is asked again and again.
                Err(error) if !is_away => {
                    is_away = true;
                    writeln!(notes, "{error}; trying again")?;
                }
                Err(_) => {}
            }
            tokio::time::sleep(self.interval).await;
            looked = log.look(now()).await;
        }
    }

    fn write(&self, news: &News, columns: Columns, out: &mut impl Write, notes: &mut impl Write) -> io::Result<()> {
        for record in &news.records {
            if self.about.json {
                write_json(out, record)?;
            } else {
                columns.write_record(out, record)?;
            }
        }
        out.flush()?;
        news.damaged.iter().try_for_each(|error| writeln!(notes, "{error}"))
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

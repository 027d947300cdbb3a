//! `log ls`.

use std::io::{self, Write};

use clap::Args;
use compute_operations::log::{LogReader, Query};
use compute_operations::record::Record;
use time::Date;

use super::progress::Progress;
use super::text::Columns;
use super::{About, LogCommandError, day, whose, write_json};

/// How many operations are asked for at once: the first lines come soon, and memory holds no more.
const PAGE: usize = 500;

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    /// Only operations of this day, such as 2026-11-24
    #[arg(long, value_name = "DAY", value_parser = day)]
    day: Option<Date>,

    /// The most operations to list. 0: all of them
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,

    #[command(flatten)]
    pub(super) about: About,
}

impl List {
    pub(super) async fn run(
        &self,
        log: &LogReader,
        out: &mut impl Write,
        mut notes: impl Write,
    ) -> Result<(), LogCommandError> {
        let most = if self.limit == 0 { usize::MAX } else { usize::try_from(self.limit).unwrap_or(usize::MAX) };
        let progress = Progress::new((self.limit > 0).then_some(self.limit), "operations");
        let tenant = self.about.tenant().map(str::to_owned);
        let mut pages = log.pages(Query { tenant, day: self.day, before: None, limit: PAGE.min(most) });
        let (mut listed, mut damaged, mut has_more) = (0, 0, false);
        while listed < most
            && let Some(page) = pages.next().await?
        {
            let records = &page.records[..page.records.len().min(most - listed)];
            progress.aside(|| self.write(out, records, listed == 0))?;
            listed += records.len();
            damaged += page.damaged;
            has_more = page.has_more || records.len() < page.records.len();
            progress.advance(records.len());
        }
        drop(progress);
        let more = if has_more { ", and there are more (--limit)" } else { "" };
        writeln!(notes, "{listed} operations of {}{more}", whose(self.about.tenant()))?;
        if damaged > 0 {
            writeln!(notes, "{damaged} objects or records among them cannot be read, and are left out")?;
        }
        Ok(())
    }

    /// Writes a page, and sees it off: who reads it need not wait for the next one.
    fn write(&self, out: &mut impl Write, records: &[Record], is_first: bool) -> io::Result<()> {
        let columns = Columns { tenant: self.about.tenant().is_some() };
        if is_first && !self.about.json {
            columns.write_header(out)?;
        }
        for record in records {
            if self.about.json {
                write_json(out, record)?;
            } else {
                columns.write_record(out, record)?;
            }
        }
        out.flush()
    }
}

//! What a scenario has seen, and which promises were kept: a table for people, JSON for programs.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::BoxError;
use crate::targets::{self, Measured};

/// The outcome of a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    scenario: &'static str,
    parameters: Value,
    figures: Value,
    #[serde(skip)]
    tables: Vec<Table>,
    #[serde(skip)]
    facts: Vec<(String, String)>,
    targets: Vec<Measured>,
    promises: Vec<Promise>,
}

/// A promise, what was seen of it, and whether it was kept.
#[derive(Debug, Serialize)]
struct Promise {
    promise: String,
    seen: String,
    kept: bool,
}

/// Rows under a head, all of the same length.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Vec<String>>);

impl Report {
    pub(crate) fn new(scenario: &'static str, parameters: Value) -> Self {
        Self {
            scenario,
            parameters,
            figures: json!({}),
            tables: Vec::new(),
            facts: Vec::new(),
            targets: Vec::new(),
            promises: Vec::new(),
        }
    }

    /// Adds a figure to the JSON.
    pub(crate) fn figure(&mut self, name: &str, value: impl Serialize) {
        self.figures[name] = json!(value);
    }

    pub(crate) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds a line to what is printed, for what nothing was promised of.
    pub(crate) fn fact(&mut self, what: impl Into<String>, seen: impl Into<String>) {
        self.facts.push((what.into(), seen.into()));
    }

    pub(crate) fn promise(&mut self, promise: impl Into<String>, kept: bool, seen: impl Into<String>) {
        self.promises.push(Promise { promise: promise.into(), seen: seen.into(), kept });
    }

    /// A promise that something does not happen.
    pub(crate) fn promise_none(&mut self, promise: impl Into<String>, count: u64) {
        self.promise(promise, count == 0, count.to_string());
    }

    /// Adds a measurement that has a target. A target that is missed breaks no promise: it stays in the table.
    pub(crate) fn target(&mut self, measured: Measured) {
        self.targets.push(measured);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.promises.iter().all(|promise| promise.kept)
    }

    /// Prints tables and promises on standard output.
    pub(crate) fn print(&self) -> Result<(), BoxError> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{} {}", self.scenario, self.parameters)?;
        for table in &self.tables {
            writeln!(out, "\n{}", table.render())?;
        }
        if !self.facts.is_empty() {
            writeln!(out)?;
        }
        for (what, seen) in &self.facts {
            writeln!(out, "{what}: {seen}")?;
        }
        if !self.targets.is_empty() {
            writeln!(out, "\n{}", targets::table(&self.targets).render())?;
        }
        let mut promises = Table::new(&["promise", "seen", ""]);
        for Promise { promise, seen, kept } in &self.promises {
            promises.row([promise.clone(), seen.clone(), if *kept { "kept" } else { "BROKEN" }.to_owned()]);
        }
        writeln!(out, "\n{}", promises.render())?;
        Ok(out.flush()?)
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), BoxError> {
        let json = serde_json::to_string_pretty(self)?;
        std::fs::write(file, json + "\n").map_err(|error| format!("cannot write {}: {error}", file.display()).into())
    }
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|&cell| cell.to_owned()).collect()])
    }

    /// A table whose number of columns is not known beforehand.
    pub(crate) fn with_head(head: Vec<String>) -> Self {
        Self(vec![head])
    }

    /// Adds a row of as many cells as the head has.
    pub(crate) fn push(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.0.push(cells.into());
    }

    /// Columns as wide as they must be, numbers to the right.
    pub(crate) fn render(&self) -> String {
        let columns = self.0.first().map_or(0, Vec::len);
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<_> = (0..columns).map(width).collect();
        let lines = self.0.iter().map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| match cell.chars().next() {
                Some(first) if first.is_ascii_digit() && columns > 3 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// `12.3 ms`, `4.56 s`
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

/// `12.3 MiB`
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// `12.3%`
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1}%", part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_breaks_the_report() {
        let mut report = Report::new("test", json!({}));
        report.promise_none("nothing is lost", 0);
        assert!(report.is_kept());
        report.promise_none("nothing is wrong", 1);
        assert!(!report.is_kept());
    }

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(&["load", "goodput", "p50", "p99"]);
        table.row(["0.5", "250.0", "21.0 ms", "1.20 s"].map(str::to_owned));
        assert_eq!(table.render(), "load  goodput  p50      p99\n 0.5    250.0  21.0 ms  1.20 s");
    }
}

//! What the system is to reach beside the floor, and what was reached: a table over the reports of all scenarios.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::BoxError;
use crate::report::Table;
use crate::spread::Spread;

/// A figure with a target, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Figure {
    IdleP50,
    IdleP99,
    IdleP50Distant,
    ThroughputObject,
    ThroughputBatch,
    ThroughputNaive,
    ProcessorBatch,
    ProcessorObject,
    SqsSaturated,
    SqsLone,
    S3Object,
    S3Batch,
    Instructions,
    OwnShare,
    Growth,
}

/// What a figure is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Exactly so much, but for a thousandth.
    Near(f64),
    Reported,
}

impl Figure {
    const ALL: [Self; 15] = [
        Self::IdleP50,
        Self::IdleP99,
        Self::IdleP50Distant,
        Self::ThroughputObject,
        Self::ThroughputBatch,
        Self::ThroughputNaive,
        Self::ProcessorBatch,
        Self::ProcessorObject,
        Self::SqsSaturated,
        Self::SqsLone,
        Self::S3Object,
        Self::S3Batch,
        Self::Instructions,
        Self::OwnShare,
        Self::Growth,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::IdleP50 => "idle round trip, p50, over the floor",
            Self::IdleP99 => "idle round trip, p99, over the floor",
            Self::IdleP50Distant => "idle round trip, p50, over the floor, 10 ms more a request to SQS",
            Self::ThroughputObject => "throughput at saturation over the floor's, object mode",
            Self::ThroughputBatch => "throughput at saturation over the floor's, batch mode",
            Self::ThroughputNaive => "throughput at saturation over the naive way's, batch mode",
            Self::ProcessorBatch => "processor time a call over the floor's, batch mode",
            Self::ProcessorObject => "processor time a call over the floor's, object mode",
            Self::SqsSaturated => "SQS requests a call at saturation",
            Self::SqsLone => "SQS requests a call of a single caller, idle polls apart",
            Self::S3Object => "S3 requests a call, object mode",
            Self::S3Batch => "S3 requests a call at saturation, batch mode",
            Self::Instructions => "instructions a call in the gateway",
            Self::OwnShare => "share of them in the gateway's own code",
            Self::Growth => "processor time a call, most over least from 100 to 10,000 waiting calls",
        }
    }

    fn bound(self) -> Bound {
        match self {
            Self::IdleP50 => Bound::AtMost(1.15),
            Self::IdleP99 | Self::ProcessorBatch => Bound::AtMost(1.3),
            Self::IdleP50Distant => Bound::AtMost(1.03),
            Self::ThroughputObject | Self::ThroughputBatch => Bound::AtLeast(0.85),
            Self::ThroughputNaive => Bound::AtLeast(3.5),
            Self::ProcessorObject | Self::Instructions => Bound::Reported,
            Self::SqsSaturated => Bound::AtMost(0.65),
            Self::SqsLone => Bound::AtMost(6.1),
            Self::S3Object => Bound::Near(1.0),
            Self::S3Batch => Bound::AtMost(0.01),
            Self::OwnShare => Bound::AtMost(0.1),
            Self::Growth => Bound::AtMost(1.5),
        }
    }
}

impl Bound {
    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("at most {most}"),
            Self::AtLeast(least) => format!("at least {least}"),
            Self::Near(value) => value.to_string(),
            Self::Reported => "reported".to_owned(),
        }
    }

    fn verdict(self, value: f64) -> Verdict {
        let is_kept = match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
            Self::Near(wanted) => (value - wanted).abs() <= wanted / 1_000.0,
            Self::Reported => return Verdict::Reported,
        };
        if is_kept { Verdict::Kept } else { Verdict::Missed }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Kept,
    Missed,
    Reported,
}

/// What was measured of a figure: the median of some rounds, which decides, and the least and the most of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    figure: Figure,
    target: String,
    median: f64,
    min: f64,
    max: f64,
    verdict: Verdict,
}

impl Measured {
    pub(crate) fn new(figure: Figure, rounds: &Spread) -> Self {
        let (median, bound) = (rounds.median(), figure.bound());
        let verdict = bound.verdict(median);
        Self { figure, target: bound.text(), median, min: rounds.least(), max: rounds.most(), verdict }
    }

    /// A figure that is measured once.
    pub(crate) fn once(figure: Figure, value: f64) -> Self {
        let mut once = Spread::default();
        once.add(value);
        Self::new(figure, &once)
    }

    fn seen(&self) -> String {
        let Self { median, min, max, .. } = self;
        let text = |value: f64| match value {
            value if value >= 1_000.0 => format!("{value:.0}"),
            value if value < 0.1 => format!("{value:.4}"),
            value => format!("{value:.3}"),
        };
        if min == max { text(*median) } else { format!("{} ({} to {})", text(*median), text(*min), text(*max)) }
    }
}

/// A row each.
pub(crate) fn table(measured: &[Measured]) -> Table {
    let mut table = Table::new(&["figure", "target", "seen", ""]);
    for measured in measured {
        let verdict = match measured.verdict {
            Verdict::Kept => "kept",
            Verdict::Missed => "MISSED",
            Verdict::Reported => "",
        };
        let title = measured.figure.title().to_owned();
        table.row([title, measured.target.clone(), measured.seen(), verdict.to_owned()]);
    }
    table
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Reports that scenarios have written with --json
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
}

/// Prints the table of all targets and, if asked to, writes it as JSON. Whether nothing is missing in it.
pub(crate) fn tell(flags: &Flags, json_file: Option<&Path>) -> Result<bool, BoxError> {
    let mut measured = Vec::new();
    for file in &flags.reports {
        let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let mut report: Value = serde_json::from_str(&text)?;
        let targets: Vec<Measured> = serde_json::from_value(report["targets"].take())
            .map_err(|error| format!("{} is no report of a scenario: {error}", file.display()))?;
        measured.extend(targets);
    }
    measured.sort_by_key(|measured| measured.figure);
    let missing: Vec<_> =
        Figure::ALL.into_iter().filter(|figure| !measured.iter().any(|measured| measured.figure == *figure)).collect();
    let mut table = table(&measured);
    for figure in &missing {
        table.row([figure.title(), &figure.bound().text(), "not measured", "MISSING"].map(str::to_owned));
    }
    writeln!(std::io::stdout(), "{}", table.render())?;
    if let Some(file) = json_file {
        let named = |measured: &Measured| {
            let mut named = json!(measured);
            named["title"] = json!(measured.figure.title());
            named
        };
        let all = json!({ "targets": measured.iter().map(named).collect::<Vec<_>>(), "missing": missing });
        std::fs::write(file, serde_json::to_string_pretty(&all)? + "\n")?;
    }
    Ok(missing.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_rounds_decides_whether_a_target_is_kept() {
        let mut rounds = Spread::default();
        [1.0, 1.1, 9.0].into_iter().for_each(|ratio| rounds.add(ratio));
        assert_eq!(Measured::new(Figure::IdleP50, &rounds).verdict, Verdict::Kept);
        assert_eq!(Measured::new(Figure::ThroughputNaive, &rounds).verdict, Verdict::Missed);
        assert_eq!(Measured::new(Figure::ProcessorObject, &rounds).verdict, Verdict::Reported);
        assert_eq!(Measured::once(Figure::S3Object, 1.0005).verdict, Verdict::Kept);
        assert_eq!(Measured::once(Figure::S3Object, 0.99).verdict, Verdict::Missed);
        assert_eq!(Measured::once(Figure::IdleP50, f64::NAN).verdict, Verdict::Missed);
    }

    #[test]
    fn every_figure_has_a_row_of_its_own() {
        let mut titles: Vec<_> = Figure::ALL.iter().map(|figure| figure.title()).collect();
        assert!(Figure::ALL.is_sorted());
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), Figure::ALL.len());
    }
}

//! What was found.

use std::fmt;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Serialize, Serializer};
use serde_json::json;
use tokio::time::timeout;

/// How long one check may take. Three attempts of a request that is never answered take longer.
pub const LIMIT: Duration = Duration::from_secs(20);

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As the process needs it.
    Ok,
    /// Not to be seen from here, and not needed for the work.
    Skip,
    /// It will do, but not for ever or not for everything.
    Warn,
    /// It keeps the process from its work, or loses something.
    Fail,
}

impl Verdict {
    /// Its name in a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skip => "skip",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, such as `sqs:SendMessage on compute-requests`.
    #[serde(rename = "check")]
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// How to make it good: a setting, or a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(what: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { what: what.into(), verdict: Verdict::Ok, detail: detail.to_string(), mend: None }
    }

    /// It was not to be seen.
    pub fn skip(what: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { verdict: Verdict::Skip, ..Self::ok(what, detail) }
    }

    /// It could be better.
    pub fn warn(what: impl Into<String>, detail: impl fmt::Display, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, mend: Some(mend.into()), ..Self::ok(what, detail) }
    }

    /// It is wrong.
    pub fn fail(what: impl Into<String>, detail: impl fmt::Display, mend: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, mend: Some(mend.into()), ..Self::ok(what, detail) }
    }
}

/// A look at one thing.
pub type Check<'a> = Pin<Box<dyn Future<Output = Finding> + Send + 'a>>;

/// Findings that belong together, in their order.
pub type Section<'a> = Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>;

/// A section of checks that run at the same time.
pub fn section(checks: Vec<Check<'_>>) -> Section<'_> {
    Box::pin(join_all(checks))
}

/// One check, which is given up after [`LIMIT`].
pub fn check<'a>(what: impl Into<String>, look: impl Future<Output = Finding> + Send + 'a) -> Check<'a> {
    let what = what.into();
    Box::pin(async move {
        timeout(LIMIT, look).await.unwrap_or_else(|_| {
            Finding::fail(
                what,
                format!("no answer within {} s", LIMIT.as_secs()),
                "see whether the endpoint is reached, above",
            )
        })
    })
}

/// All findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they are shown.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Runs all sections at the same time.
    pub async fn of(sections: Vec<Section<'_>>) -> Self {
        Self { findings: join_all(sections).await.into_iter().flatten().collect() }
    }

    /// The report with what other sections have found before.
    #[must_use]
    pub fn after(self, earlier: impl IntoIterator<Item = Vec<Finding>>) -> Self {
        Self { findings: earlier.into_iter().flatten().chain(self.findings).collect() }
    }

    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Fail)
    }

    /// 0 if nothing is wrong, else 1.
    pub fn exit_code(&self) -> ExitCode {
        if self.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Writes one line for each finding, and under it how to mend it. Or one JSON object.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn write(&self, json: bool, out: impl Write) -> io::Result<()> {
        if json { self.write_json(out) } else { self.write_lines(out) }
    }

    fn write_json(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{:#}", json!({ "healthy": self.is_healthy(), "checks": self.findings }))
    }

    fn write_lines(&self, mut out: impl Write) -> io::Result<()> {
        let width = self.findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or(0);
        for Finding { what, verdict, detail, mend } in &self.findings {
            writeln!(out, "{:4}  {what:width$}  {}", verdict.as_str(), one_line(detail))?;
            if let Some(mend) = mend {
                writeln!(out, "      -> {mend}")?;
            }
        }
        let count = |verdict| self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        let (failed, warned, all) = (count(Verdict::Fail), count(Verdict::Warn), self.findings.len());
        writeln!(out, "{all} checks: {failed} failed, {warned} with a warning")
    }
}

/// What servers answer may have any characters in it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(findings: &[Finding]) -> (Report, String) {
        let report = Report { findings: findings.to_vec() };
        let mut lines = Vec::new();
        report.write(false, &mut lines).expect("a Vec takes everything");
        (report, String::from_utf8(lines).expect("UTF-8"))
    }

    #[test]
    fn each_finding_is_one_line_and_what_is_not_well_says_how_to_mend_it() {
        let findings = [Finding::ok("queue", "there\nindeed"), Finding::fail("clock", "1h ahead", "set it")];
        let (report, lines) = report(&findings);
        let expected =
            "ok    queue  there indeed\nfail  clock  1h ahead\n      -> set it\n2 checks: 1 failed, 0 with a warning\n";
        assert_eq!(lines, expected);
        assert!(!report.is_healthy());
    }

    #[test]
    fn warnings_and_what_cannot_be_seen_are_no_illness() {
        let (report, _) = report(&[Finding::warn("a", "b", "c"), Finding::skip("d", "e")]);
        assert!(report.is_healthy());
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_never_ends_is_given_up_and_named_in_its_place() {
        let checks =
            vec![check("stuck", std::future::pending()), check("quick", async { Finding::ok("quick", "done") })];
        let report = Report::of(vec![section(checks)]).await;
        let verdicts: Vec<_> = report.findings.iter().map(|found| (found.what.as_str(), found.verdict)).collect();
        assert_eq!(verdicts, [("stuck", Verdict::Fail), ("quick", Verdict::Ok)]);
    }
}

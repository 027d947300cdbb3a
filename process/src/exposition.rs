//! The Prometheus text format, in which `/metrics` answers.

use std::fmt::{Display, Write as _};

/// The content type of the [text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Collects metrics in the Prometheus text format, version 0.0.4.
///
/// ```
/// use compute_process::exposition::Exposition;
///
/// let mut metrics = Exposition::new();
/// metrics.gauge("calls_in_flight", "Calls that wait for a reply.", 3);
/// assert_eq!(
///     metrics.into_text(),
///     "# HELP calls_in_flight Calls that wait for a reply.\n# TYPE calls_in_flight gauge\ncalls_in_flight 3\n",
/// );
/// ```
#[derive(Debug, Clone, Default)]
pub struct Exposition(String);

impl Exposition {
    /// An exposition without metrics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a counter: a number that only grows while the process lives. Its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) -> &mut Self {
        self.describe(name, "counter", help);
        self.sample(format_args!("{name} {value}"))
    }

    /// Adds a counter that is split by the values of one label. The values are identifiers, without quotes or backslashes.
    pub fn counter_by<'a>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) -> &mut Self {
        self.describe(name, "counter", help);
        for (label_value, value) in values {
            self.sample(format_args!("{name}{{{label}=\"{label_value}\"}} {value}"));
        }
        self
    }

    /// Adds a gauge: a number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) -> &mut Self {
        self.describe(name, "gauge", help);
        self.sample(format_args!("{name} {value}"))
    }

    /// The text of all metrics added.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        self.sample(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}"));
    }

    fn sample(&mut self, line: std::fmt::Arguments<'_>) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.0, "{line}");
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_texts_stay_on_their_line() {
        let mut metrics = Exposition::new();
        metrics.counter("a_total", "one\ntwo \\ three", 1).gauge("b", "B.", 0.5);
        assert_eq!(
            metrics.into_text(),
            "# HELP a_total one\\ntwo \\\\ three\n# TYPE a_total counter\na_total 1\n# HELP b B.\n# TYPE b gauge\nb 0.5\n",
        );
    }

    #[test]
    fn a_label_splits_a_counter() {
        let mut metrics = Exposition::new();
        metrics.counter_by("a_total", "A.", "code", [("OK", 2), ("INTERNAL", 1)]);
        let expected =
            "# HELP a_total A.\n# TYPE a_total counter\na_total{code=\"OK\"} 2\na_total{code=\"INTERNAL\"} 1\n";
        assert_eq!(metrics.into_text(), expected);
    }
}

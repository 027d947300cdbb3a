//! The Prometheus text format, in which `/metrics` answers.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::histogram::Buckets;

/// The values of the labels of one series, in the order of the labels' names.
type Values<'a, const N: usize> = [&'a str; N];

/// Tells metrics, anew each time it is asked.
pub type Metrics = Arc<dyn Fn(&mut Exposition<'_>) + Send + Sync>;

/// Takes the metrics of one answer. Each is added once, with all its series.
///
/// The metrics are read from where they are counted when they are asked for. What counts them knows nothing of Prometheus, and
/// costs the calls an atomic addition.
///
/// ```
/// use compute_process::exposition::text;
/// use std::sync::Arc;
///
/// let metrics = text(Arc::new(|metrics| {
///     metrics.gauge("calls_in_flight", "Calls that wait for a reply.", 3u64);
/// }));
/// assert_eq!(
///     metrics,
///     "# HELP calls_in_flight Calls that wait for a reply.\n# TYPE calls_in_flight gauge\ncalls_in_flight 3\n",
/// );
/// ```
pub struct Exposition<'a> {
    encoder: DescriptorEncoder<'a>,
    /// Whether what was written until now could be written.
    result: fmt::Result,
}

impl fmt::Debug for Exposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

/// The text of these metrics, in the [text format](https://prometheus.io/docs/instrumenting/exposition_formats/) 0.0.4.
///
/// # Panics
///
/// If a metric's name is none: that is a mistake in the program.
#[must_use]
pub fn text(metrics: Metrics) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Source(metrics)));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).expect("writing to a string does not fail");
    text
}

/// Metrics as the library wants them.
struct Source(Metrics);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl Collector for Source {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut exposition = Exposition { encoder, result: Ok(()) };
        (self.0)(&mut exposition);
        exposition.result
    }
}

impl Exposition<'_> {
    /// Adds a counter: a number that only grows while the process lives. Its name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, value: impl EncodeCounterValue + Copy) -> &mut Self {
        self.add(counter_name(name), help, MetricType::Counter, |encoder| encode_counter(encoder, &value))
    }

    /// Adds a counter that is split by labels of these names.
    pub fn counter_by<'v, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        series: impl IntoIterator<Item = (Values<'v, N>, u64)>,
    ) -> &mut Self {
        self.add(counter_name(name), help, MetricType::Counter, |encoder| {
            each(encoder, labels, series, |encoder, value| encode_counter(encoder, &value))
        })
    }

    /// Adds a gauge: a number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue + Copy) -> &mut Self {
        self.add(name, help, MetricType::Gauge, |encoder| encoder.encode_gauge(&value))
    }

    /// Adds a gauge that is split by labels of these names.
    pub fn gauge_by<'v, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        series: impl IntoIterator<Item = (Values<'v, N>, u64)>,
    ) -> &mut Self {
        self.add(name, help, MetricType::Gauge, |encoder| {
            each(encoder, labels, series, |encoder, value| encoder.encode_gauge(&value))
        })
    }

    /// Adds a histogram.
    pub fn histogram(&mut self, name: &str, help: &str, buckets: &Buckets) -> &mut Self {
        self.add(name, help, MetricType::Histogram, |encoder| encode_histogram(encoder, buckets))
    }

    /// Adds a histogram that is split by labels of these names.
    pub fn histogram_by<'v, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&str; N],
        series: impl IntoIterator<Item = (Values<'v, N>, Buckets)>,
    ) -> &mut Self {
        self.add(name, help, MetricType::Histogram, |encoder| {
            each(encoder, labels, series, |encoder, buckets| encode_histogram(encoder, &buckets))
        })
    }

    fn add(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        encode: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> &mut Self {
        if self.result.is_ok() {
            self.result =
                self.encoder.encode_descriptor(name, help, None, kind).and_then(|mut encoder| encode(&mut encoder));
        }
        self
    }
}

/// The name that the library wants of a counter: it adds the ending itself.
fn counter_name(name: &str) -> &str {
    debug_assert!(name.ends_with("_total"), "a counter: {name}");
    name.strip_suffix("_total").unwrap_or(name)
}

fn each<'v, const N: usize, T>(
    encoder: &mut MetricEncoder<'_>,
    labels: [&str; N],
    series: impl IntoIterator<Item = (Values<'v, N>, T)>,
    encode: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (values, value) in series {
        let pairs: [(&str, &str); N] = std::array::from_fn(|index| (labels[index], values[index]));
        encode(&mut encoder.encode_family(&pairs)?, value)?;
    }
    Ok(())
}

fn encode_counter(encoder: &mut MetricEncoder<'_>, value: &impl EncodeCounterValue) -> fmt::Result {
    encoder.encode_counter::<NoLabelSet, _, u64>(value, None)
}

fn encode_histogram(encoder: &mut MetricEncoder<'_>, buckets: &Buckets) -> fmt::Result {
    encoder.encode_histogram::<NoLabelSet>(buckets.sum, buckets.count(), &buckets.buckets, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_split_a_metric_and_their_values_are_escaped() {
        let metrics = text(Arc::new(|metrics| {
            let series = [(["SQS", "say \"ok\""], 2), (["S3", "no"], 1)];
            metrics.counter_by("a_total", "A\nB.", ["service", "outcome"], series).gauge("b", "B.", 0.5);
        }));
        let expected = [
            "# HELP a_total A\\nB.",
            "# TYPE a_total counter",
            "a_total{service=\"SQS\",outcome=\"say \\\"ok\\\"\"} 2",
            "a_total{service=\"S3\",outcome=\"no\"} 1",
            "# HELP b B.",
            "# TYPE b gauge",
            "b 0.5\n",
        ];
        assert_eq!(metrics, expected.join("\n"));
    }

    #[test]
    fn a_bucket_of_a_histogram_holds_those_below_it_too() {
        let metrics = text(Arc::new(|metrics| {
            metrics.histogram(
                "wait_seconds",
                "Waits.",
                &Buckets { buckets: vec![(0.5, 2), (f64::INFINITY, 1)], sum: 9.5 },
            );
        }));
        for line in ["wait_seconds_bucket{le=\"0.5\"} 2", "wait_seconds_bucket{le=\"+Inf\"} 3", "wait_seconds_sum 9.5"]
        {
            assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
        }
        assert!(metrics.contains("wait_seconds_count 3\n"), "{metrics}");
    }
}

//! Traces, sent to a collector by OTLP over gRPC.
//!
//! A span is collected if it has a field `otel.kind`: such spans have the level `TRACE` and are made for this alone, so that
//! they are not made at all in a process without a collector. What is logged is not collected.
//!
//! - A trace begins where a call does. Whether it is collected is decided there once, by the ratio of
//!   [`Flags::trace_sample_ratio`]; everything within it, in other processes too, does as its parent says.
//! - No call waits for a collector: spans go through a queue with bounds, and what does not fit is dropped and counted.
//!
//! The attributes of the process are those of OpenTelemetry: `service.name`, `service.version`, `service.instance.id`, and what
//! `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say. `OTEL_EXPORTER_OTLP_HEADERS` goes along with each request.

mod export;
mod sampler;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SdkTracerProvider, SpanExporter as _};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

use self::export::Export;
pub use self::export::{Counters, Counts};
use self::sampler::FromCalls;

/// How long a collector has to take a batch of spans.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the process waits for the collector to take the last spans.
const END_LIMIT: Duration = Duration::from_secs(2);

/// How many spans one may link to: a batch of the log links to all operations in it, some 260 by default.
const MAX_LINKS: u32 = 4_096;

/// Where traces go.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(next_help_heading = "Traces")]
#[group(skip)]
pub struct Flags {
    /// Where to send traces: an OpenTelemetry collector that takes OTLP over gRPC, such as `http://127.0.0.1:4317`. Without it
    /// there are none
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<String>,

    /// The share of calls to trace, 0 to 1, among those whose callers do not say by `traceparent` whether they are traced
    #[arg(long, env = "COMPUTE_TRACE_SAMPLE_RATIO", value_name = "RATIO", default_value_t = 1.0, value_parser = ratio)]
    pub trace_sample_ratio: f64,
}

/// Whose traces they are.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Such as `compute-gateway`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// What collects spans, for [`logging::init_with`](crate::logging::init_with).
pub type Collecting = Box<dyn Layer<Registry> + Send + Sync>;

/// The sending of traces. It is to be [ended](Self::end), or the last spans are lost.
#[derive(Debug)]
#[must_use]
pub struct Telemetry {
    sending: Option<(SdkTracerProvider, Export)>,
}

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("--otlp-endpoint {endpoint} cannot be used")]
pub struct StartError {
    endpoint: String,
    source: ExporterBuildError,
}

impl Telemetry {
    /// Makes ready what collects spans, if a collector is given. To be called on a Tokio runtime, on which they are sent.
    /// `instance` tells the process from others of its kind; without it, an id made up for it does.
    ///
    /// The collector is not contacted here: it may come later, and go.
    ///
    /// # Errors
    ///
    /// When the endpoint is no address, or the environment's settings of OTLP are wrong.
    pub fn start(
        flags: &Flags,
        service: Service,
        instance: Option<&str>,
    ) -> Result<(Self, Option<Collecting>), StartError> {
        let Some(endpoint) = flags.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()) else {
            return Ok((Self { sending: None }, None));
        };
        let resource = resource(service, instance);
        let exporter = exporter(endpoint).map_err(|source| StartError { endpoint: endpoint.to_owned(), source });
        let mut exporter = exporter?;
        exporter.set_resource(&resource);
        let (processor, export) = Export::start(exporter, endpoint);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(FromCalls::new(flags.trace_sample_ratio))
            .with_max_links_per_span(MAX_LINKS)
            .with_span_processor(processor)
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("compute"))
            .with_context_activation(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|span| span.is_span() && span.fields().field("otel.kind").is_some()));
        Ok((Self { sending: Some((provider, export)) }, Some(Box::new(layer))))
    }

    /// Tells what becomes of the spans: for metrics.
    pub fn counters(&self) -> Counters {
        self.sending.as_ref().map(|(_, export)| export.counters()).unwrap_or_default()
    }

    /// Sends what has not been sent, for at most 2 s, and ends.
    pub async fn end(self) {
        if let Some((_provider, export)) = self.sending {
            export.end(END_LIMIT).await;
        }
    }
}

fn exporter(endpoint: &str) -> Result<SpanExporter, ExporterBuildError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(EXPORT_TIMEOUT);
    if endpoint.starts_with("https:") {
        exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()).build()
    } else {
        exporter.build()
    }
}

fn resource(service: Service, instance: Option<&str>) -> Resource {
    const NAME: Key = Key::from_static_str("service.name");
    let own = [
        KeyValue::new(NAME, service.name),
        KeyValue::new("service.version", service.version),
        KeyValue::new(
            "service.instance.id",
            instance.map_or_else(|| RandomIdGenerator::default().new_trace_id().to_string(), str::to_owned),
        ),
    ];
    // What comes later counts more.
    let resource = Resource::builder_empty()
        .with_attributes(own)
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_attribute(KeyValue::new(NAME, name)).build(),
        _ => resource.build(),
    }
}

fn endpoint(value: &str) -> Result<String, &'static str> {
    let rest = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
    // An empty variable of OpenTelemetry's is as good as none.
    match rest {
        _ if value.is_empty() => Ok(String::new()),
        Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => Ok(value.to_owned()),
        _ => Err("a URL such as http://127.0.0.1:4317 is wanted"),
    }
}

fn ratio(value: &str) -> Result<f64, &'static str> {
    let ratio = value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("a number from 0 to 1 is wanted")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_ratios_are_taken_and_anything_else_is_refused() {
        for good in ["", "http://127.0.0.1:4317", "https://collector.example:4317"] {
            assert_eq!(endpoint(good).as_deref(), Ok(good));
        }
        for bad in ["127.0.0.1:4317", "http://", "ftp://collector", "http://a b"] {
            assert!(endpoint(bad).is_err(), "{bad:?}");
        }
        assert_eq!((ratio("0"), ratio("0.25"), ratio("1")), (Ok(0.0), Ok(0.25), Ok(1.0)));
        for bad in ["", "-0.1", "1.1", "NaN", "half"] {
            assert!(ratio(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn without_a_collector_nothing_collects_spans() {
        for none in [None, Some(String::new())] {
            let flags = Flags { otlp_endpoint: none, trace_sample_ratio: 1.0 };
            let started = Telemetry::start(&flags, Service { name: "test", version: "1" }, None);
            assert!(matches!(started, Ok((Telemetry { sending: None }, None))));
        }
    }
}

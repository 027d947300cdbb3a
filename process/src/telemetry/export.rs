//! Spans on their way to the collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::exposition::Exposition;

/// How many spans wait at most: some MiB of memory.
const QUEUE: usize = 4_096;

/// How many spans are sent with one request at most.
const BATCH: usize = 512;

/// How long a span waits at most for others to be sent with it.
const LINGER: Duration = Duration::from_secs(1);

/// What has become of the spans that ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken by the collector.
    pub exported: u64,
    /// Lost: too many waited, or the collector did not take them.
    pub dropped: u64,
}

/// Counts the spans of a process. It may be kept for longer than the [`Telemetry`](super::Telemetry) it is of.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Atomics>);

#[derive(Debug, Default)]
struct Atomics {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    /// What has become of the spans so far. Both counts only grow, and are zero without a collector.
    pub fn counts(&self) -> Counts {
        let Atomics { exported, dropped } = &*self.0;
        Counts { exported: exported.load(Ordering::Relaxed), dropped: dropped.load(Ordering::Relaxed) }
    }

    /// Adds the counts.
    pub fn tell(&self, metrics: &mut Exposition<'_>) {
        let Counts { exported, dropped } = self.counts();
        let help = "Spans of traces that ended, by what became of them.";
        let series = [(["exported"], exported), (["dropped"], dropped)];
        metrics.counter_by("compute_trace_spans_total", help, ["outcome"], series);
    }

    fn exported(&self, spans: u64) {
        self.0.exported.fetch_add(spans, Ordering::Relaxed);
    }

    /// Gives the count before.
    fn dropped(&self, spans: u64) -> u64 {
        self.0.dropped.fetch_add(spans, Ordering::Relaxed)
    }
}

/// Takes spans that end. It never waits: what the queue has no room for is dropped.
///
/// The SDK's own batch processor would do, but for two things: it tells what it drops only when it ends, and it logs an error
/// for each batch that a collector does not take.
#[derive(Debug)]
pub(super) struct Enqueue {
    queue: mpsc::Sender<SpanData>,
    counters: Counters,
}

impl SpanProcessor for Enqueue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.queue.try_send(span).is_err() {
            self.counters.dropped(1);
        }
    }

    /// Nobody asks for it: see [`Export::end`].
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The task that sends spans.
#[derive(Debug)]
pub(super) struct Export {
    counters: Counters,
    ending: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Export {
    /// Starts the task, on the runtime this is called on.
    pub(super) fn start<E: SpanExporter + 'static>(exporter: E, endpoint: &str) -> (Enqueue, Self) {
        let (queue, spans) = mpsc::channel(QUEUE);
        let (ending, told) = watch::channel(false);
        let counters = Counters::default();
        let sender = Sender { exporter, endpoint: endpoint.to_owned(), counters: counters.clone(), lost: None };
        let task = tokio::spawn(sender.run(spans, told));
        (Enqueue { queue, counters: counters.clone() }, Self { counters, ending, task })
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters.clone()
    }

    /// Sends what waits, for no longer than the limit.
    pub(super) async fn end(mut self, limit: Duration) {
        self.ending.send_replace(true);
        if timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::warn!("the collector of traces is slow or away: the last spans are lost");
        }
        let Counts { exported, dropped } = self.counters.counts();
        tracing::debug!(exported, dropped, "the last spans were sent");
    }
}

struct Sender<E> {
    exporter: E,
    endpoint: String,
    counters: Counters,
    /// How many spans had been dropped when the collector was found away, if it is.
    lost: Option<u64>,
}

impl<E: SpanExporter> Sender<E> {
    async fn run(mut self, mut spans: mpsc::Receiver<SpanData>, mut ending: watch::Receiver<bool>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                received = spans.recv_many(&mut batch, BATCH) => if received == 0 {
                    return;
                },
                // From here on `recv_many` gives what is waiting, then nothing.
                _ = ending.wait_for(|&ending| ending), if !spans.is_closed() => {
                    spans.close();
                    continue;
                }
            }
            let fill = async {
                while let room @ 1.. = BATCH - batch.len()
                    && spans.recv_many(&mut batch, room).await > 0
                {}
            };
            tokio::select! {
                biased;
                _ = ending.wait_for(|&ending| ending) => {}
                _ = timeout(LINGER, fill) => {}
            }
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    /// Sends a batch, once: a collector that is away would else have the queue run over. Of one that stays away one line tells.
    async fn send(&mut self, mut batch: Vec<SpanData>) {
        let count = batch.len() as u64;
        batch.iter_mut().for_each(|span| keep_last(&mut span.attributes));
        match self.exporter.export(batch).await {
            Ok(()) => {
                self.counters.exported(count);
                if let Some(before) = self.lost.take() {
                    let dropped = self.counters.counts().dropped - before;
                    tracing::info!(endpoint = self.endpoint, dropped, "the collector takes traces again");
                }
            }
            Err(error) => {
                let before = self.counters.dropped(count);
                if self.lost.is_none() {
                    self.lost = Some(before);
                    let endpoint = &self.endpoint;
                    tracing::warn!(%error, endpoint, "the collector takes no traces: until it does, spans are dropped");
                }
            }
        }
    }
}

/// Leaves of each attribute the last value. One that is recorded again stands there twice, which OTLP does not allow.
fn keep_last(attributes: &mut Vec<KeyValue>) {
    let mut index = 0;
    while let Some(KeyValue { key, .. }) = attributes.get(index) {
        if attributes[index + 1..].iter().any(|later| later.key == *key) {
            attributes.remove(index);
        } else {
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tokio::sync::Semaphore;

    use super::*;

    /// A collector that takes a batch for each permit, or refuses it.
    #[derive(Debug, Clone)]
    struct Collector {
        permits: Arc<Semaphore>,
        refuses: Arc<AtomicBool>,
    }

    impl SpanExporter for Collector {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            self.permits.acquire().await.expect("open").forget();
            if self.refuses.load(Ordering::Relaxed) {
                return Err(OTelSdkError::InternalFailure("away".to_owned()));
            }
            Ok(())
        }
    }

    fn start(permits: usize) -> (Collector, SdkTracerProvider, Export) {
        let collector = Collector { permits: Arc::new(Semaphore::new(permits)), refuses: Arc::default() };
        let (processor, export) = Export::start(collector.clone(), "test");
        (collector, SdkTracerProvider::builder().with_span_processor(processor).build(), export)
    }

    fn make_spans(provider: &SdkTracerProvider, count: usize) {
        let tracer = provider.tracer("test");
        (0..count).for_each(|_| drop(tracer.start("span")));
    }

    #[test]
    fn an_attribute_that_is_recorded_again_has_the_last_value() {
        let mut attributes =
            [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5)].map(|(key, value)| KeyValue::new(key, value)).to_vec();
        keep_last(&mut attributes);
        assert_eq!(attributes, [("b", 2), ("c", 4), ("a", 5)].map(|(key, value)| KeyValue::new(key, value)));
    }

    #[tokio::test]
    async fn a_slow_collector_delays_nobody_and_what_it_does_not_take_is_counted() {
        let (collector, provider, export) = start(0);
        make_spans(&provider, QUEUE + 10);
        assert_eq!(export.counters.counts(), Counts { exported: 0, dropped: 10 });
        collector.permits.add_permits(QUEUE);
        let counters = export.counters();
        export.end(Duration::from_secs(30)).await;
        assert_eq!(counters.counts().exported, QUEUE as u64);
    }

    #[tokio::test]
    async fn the_end_waits_for_a_collector_that_hangs_no_longer_than_its_limit() {
        let (_collector, provider, export) = start(0);
        make_spans(&provider, 1);
        export.end(Duration::from_millis(10)).await;
    }

    #[tokio::test]
    async fn what_a_collector_refuses_is_counted_and_the_next_batch_tried() {
        let (collector, provider, export) = start(1_000);
        collector.refuses.store(true, Ordering::Relaxed);
        make_spans(&provider, BATCH);
        while export.counters.counts().dropped < BATCH as u64 {
            tokio::task::yield_now().await;
        }
        collector.refuses.store(false, Ordering::Relaxed);
        make_spans(&provider, BATCH);
        while export.counters.counts().exported < BATCH as u64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(export.counters.counts(), Counts { exported: BATCH as u64, dropped: BATCH as u64 });
    }
}

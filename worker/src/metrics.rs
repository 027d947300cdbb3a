//! What a worker says of itself on the admin port: `deploy/METRICS.md` explains it to operators.

use std::sync::Arc;
use std::time::Duration;

use compute_operations::log::{LogStats, LogWriter};
use compute_operations::payload::{PayloadStats, Payloads};
use compute_process::aws;
use compute_process::exposition::{Exposition, Metrics};
use compute_process::histogram::{Buckets, Histogram};
use sqs_rpc::{BatchFill, ResponderStats};

use crate::memory::MemoryBudget;

/// Seconds that requests wait in the queue, as SQS tells them in milliseconds: from what an idle system takes, over the default
/// deadline of 30 s, to the longest, 15 minutes.
const WAITS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 30.0, 120.0, 900.0];

/// Seconds that the service works: microseconds for a short list, the time of a few values in a message, and up to minutes for the
/// longest lists in S3.
const WORK: [f64; 13] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];

/// The times of a worker's requests. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Times(Arc<(Histogram, Histogram)>);

impl Default for Times {
    fn default() -> Self {
        Self(Arc::new((Histogram::new(&WAITS), Histogram::new(&WORK))))
    }
}

impl Times {
    /// Counts the wait of a request in the queue, if this is its first delivery: a later one waited for something else.
    pub(crate) fn received(&self, request: &sqs_rpc::Request) {
        if let (1, Some(sent), Some(received)) =
            (request.receive_count, request.times.sent, request.times.first_received)
        {
            let ms = u64::try_from(received.saturating_sub(sent)).unwrap_or(0);
            self.0.0.observe_duration(Duration::from_millis(ms));
        }
    }

    /// Counts how long the service took for a request.
    pub(crate) fn worked(&self, duration: Duration) {
        self.0.1.observe_duration(duration);
    }
}

/// Where the metrics of a worker are read.
pub(crate) struct Sources<S> {
    pub(crate) stats: S,
    pub(crate) times: Times,
    pub(crate) log: LogWriter,
    pub(crate) memory: MemoryBudget,
    pub(crate) payloads: Payloads,
    pub(crate) aws: aws::Requests,
}

/// The metrics of a worker.
pub(crate) fn metrics(sources: Sources<impl Fn() -> ResponderStats + Send + Sync + 'static>) -> Metrics {
    Arc::new(move |metrics| {
        let stats = (sources.stats)();
        requests(metrics, &stats);
        times(metrics, &sources.times);
        log(metrics, &stats, &sources.log);
        memory(metrics, &sources.memory, sources.payloads.stats());
        batches(metrics, &stats.batches);
        sources.aws.tell(metrics);
    })
}

fn requests(metrics: &mut Exposition<'_>, stats: &ResponderStats) {
    metrics
        .counter("compute_worker_received_total", "Messages received.", stats.received)
        .counter("compute_worker_succeeded_total", "Requests answered with a result.", stats.succeeded)
        .counter("compute_worker_failed_total", "Requests answered with an error.", stats.failed)
        .counter("compute_worker_shed_total", "Requests dropped unworked since nobody waited any more.", stats.shed)
        .counter("compute_worker_deferred_total", "Messages left to the dead-letter queue.", stats.deferred)
        .counter("compute_worker_given_back_total", "Messages given back unstarted at a stop.", stats.given_back)
        .counter("compute_worker_panics_total", "Panics while computing.", stats.panics)
        .gauge("compute_worker_slots", "Requests that the worker computes at once at most.", stats.slots)
        .gauge("compute_worker_slots_busy", "Requests that the worker computes.", stats.slots_busy)
        .gauge("compute_worker_unsettled", "Messages that have a place until they are settled.", stats.unsettled)
        .gauge("compute_worker_unsettled_limit", "The places for messages that are not settled.", stats.max_unsettled);
}

fn times(metrics: &mut Exposition<'_>, Times(times): &Times) {
    let (waits, work) = &**times;
    let help = "Time from SQS's acceptance of a request to its first receipt, on SQS's clock.";
    metrics.histogram("compute_worker_queue_wait_seconds", help, &waits.buckets());
    let help = "Time that a request took to be computed, payloads in S3 read and written.";
    metrics.histogram("compute_worker_compute_seconds", help, &work.buckets());
}

fn log(metrics: &mut Exposition<'_>, stats: &ResponderStats, log: &LogWriter) {
    let LogStats { records, batches, puts } = log.stats();
    metrics
        .counter("compute_worker_log_failures_total", "Attempts to log that failed.", stats.journal_failures)
        .counter("compute_worker_log_records_total", "Records that are durable in the log.", records)
        .counter("compute_worker_log_batches_total", "Objects that hold many of them.", batches)
        .counter("compute_worker_log_puts_total", "PUTs to the log, not counting the SDK's retries.", puts)
        .histogram("compute_worker_log_batch_records", "Records of a batch of the log.", &log.batch_sizes());
}

fn memory(metrics: &mut Exposition<'_>, memory: &MemoryBudget, payloads: PayloadStats) {
    metrics
        .gauge("compute_worker_memory_taken_bytes", "Memory taken by requests whose lists lie in S3.", memory.taken())
        .gauge("compute_worker_memory_budget_bytes", "Memory that such requests may take.", memory.total());
    let bytes = [(["read"], payloads.read), (["written"], payloads.written)];
    let help = "Bytes of requests and replies too large for a queue, by direction.";
    metrics.counter_by("compute_worker_payload_bytes_total", help, ["direction"], bytes);
}

fn batches(metrics: &mut Exposition<'_>, batches: &BatchFill) {
    let series = [
        ("SendMessageBatch", batches.send),
        ("ReceiveMessage", batches.receive),
        ("DeleteMessageBatch", batches.delete),
        ("ChangeMessageVisibilityBatch", batches.change_visibility),
    ];
    let series = series.map(|(operation, sizes)| ([operation], Buckets::of_counts(&sizes)));
    let help = "Messages in a request to SQS, or in its response, of at most 10.";
    metrics.histogram_by("compute_worker_sqs_batch_messages", help, ["operation"], series);
}

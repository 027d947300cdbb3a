//! What a worker says of itself on the admin port.

use compute_operations::log::LogStats;
use compute_process::exposition::Exposition;
use sqs_rpc::ResponderStats;

use crate::memory::MemoryBudget;

/// Renders the counters of a worker in the Prometheus text format.
pub fn render(stats: &ResponderStats, log: &LogStats, memory: &MemoryBudget) -> String {
    let mut metrics = Exposition::new();
    metrics
        .counter("compute_worker_received_total", "Messages received.", stats.received)
        .counter("compute_worker_succeeded_total", "Requests answered with a result.", stats.succeeded)
        .counter("compute_worker_failed_total", "Requests answered with an error.", stats.failed)
        .counter("compute_worker_shed_total", "Requests dropped unworked since nobody waited any more.", stats.shed)
        .counter("compute_worker_deferred_total", "Messages left to the dead-letter queue.", stats.deferred)
        .counter("compute_worker_given_back_total", "Messages given back unstarted at a stop.", stats.given_back)
        .counter("compute_worker_panics_total", "Panics while computing.", stats.panics)
        .counter("compute_worker_log_failures_total", "Attempts to log that failed.", stats.journal_failures)
        .counter("compute_worker_log_records_total", "Records that are durable in the log.", log.records)
        .counter("compute_worker_log_batches_total", "Objects that hold many of them.", log.batches)
        .counter("compute_worker_log_puts_total", "PUTs to the log, not counting the SDK's retries.", log.puts)
        .gauge("compute_worker_memory_taken_bytes", "Memory taken by requests whose lists lie in S3.", memory.taken())
        .gauge("compute_worker_memory_budget_bytes", "Memory that such requests may take.", memory.total());
    metrics.into_text()
}

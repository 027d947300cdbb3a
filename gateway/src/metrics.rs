//! What the gateway's `/metrics` answers: `deploy/METRICS.md` explains it to operators.

use std::sync::{Arc, OnceLock};

use compute_operations::payload::Payloads;
use compute_process::aws;
use compute_process::exposition::{Exposition, Metrics};
use compute_process::histogram::Buckets;
use sqs_rpc::{BatchFill, Requester};

use crate::calls::Calls;
use crate::edge::Gauges;
use crate::latency::Latencies;
use crate::operations::Answers;

/// Where the metrics of a gateway are read.
pub(crate) struct Sources {
    pub(crate) calls: Calls,
    pub(crate) latencies: Latencies,
    pub(crate) answers: Arc<Answers>,
    pub(crate) edge: Gauges,
    pub(crate) payloads: Payloads,
    pub(crate) aws: aws::Requests,
    /// The requester, as soon as there is one.
    pub(crate) requester: Arc<OnceLock<Requester>>,
}

/// The metrics of the gateway.
pub(crate) fn metrics(sources: Sources) -> Metrics {
    Arc::new(move |metrics| {
        let Sources { calls, latencies, answers, edge, payloads, aws, requester } = &sources;
        metrics.gauge("compute_gateway_calls_in_flight", "Calls that are not answered yet.", calls.in_flight());
        let memory = calls.memory();
        let help = "Bytes of memory that requests take of the budget, at most as they may turn out.";
        metrics.gauge("compute_gateway_memory_taken_bytes", help, memory.taken());
        metrics.gauge("compute_gateway_memory_budget_bytes", "Bytes of memory that requests may take.", memory.limit());
        let help = "Calls answered, by gRPC code; CANCELLED where the caller left first.";
        metrics.counter_by("compute_gateway_calls_total", help, ["code"], split(calls.answered().by_code()));
        let help = "Time of a call that a worker answered with a result, by the part of the way.";
        metrics.histogram_by("compute_gateway_call_seconds", help, ["stage"], latencies.by_stage());
        let (kept, bytes) = answers.size();
        metrics.gauge("compute_gateway_answers_kept", "Answers kept until their records can be read.", kept);
        metrics.gauge("compute_gateway_answers_kept_bytes", "Memory of the answers kept, in bytes.", bytes);
        let bytes = [(["read"], payloads.stats().read), (["written"], payloads.stats().written)];
        let help = "Bytes of requests and replies too large for a queue, by direction.";
        metrics.counter_by("compute_gateway_payload_bytes_total", help, ["direction"], bytes);
        edge_metrics(metrics, edge);
        if let Some(requester) = requester.get() {
            queue_metrics(metrics, requester);
        }
        aws.tell(metrics);
    })
}

/// Series of a metric with one label.
fn split<'a>(series: impl IntoIterator<Item = (&'a str, u64)>) -> impl Iterator<Item = ([&'a str; 1], u64)> {
    series.into_iter().map(|(value, count)| ([value], count))
}

fn edge_metrics(metrics: &mut Exposition<'_>, edge: &Gauges) {
    let Gauges { crowd, counts } = edge;
    metrics.gauge("compute_gateway_connections", "Connections of callers.", crowd.size());
    metrics.counter("compute_gateway_connections_total", "Connections of callers accepted.", counts.accepted());
    let help = "Connections that were turned away or ended by the gateway, by reason.";
    metrics.counter_by("compute_gateway_connections_ended_total", help, ["reason"], split(counts.ended()));
    let help = "Calls refused by their headers, before anything else of them was read, by reason.";
    metrics.counter_by("compute_gateway_turned_away_total", help, ["reason"], split(counts.refused()));
    let help = "Changes of the files of certificates and tokens, by whether they took effect.";
    metrics.counter_by("compute_gateway_reloads_total", help, ["outcome"], split(counts.reloads()));
}

fn queue_metrics(metrics: &mut Exposition<'_>, requester: &Requester) {
    let waiting = requester.in_flight();
    metrics.gauge("compute_gateway_waiters", "Calls that wait for a reply from the reply queue.", waiting);
    let stats = requester.stats();
    let replies = [
        ("answered", stats.replies),
        ("late", stats.late),
        ("duplicate", stats.duplicate),
        ("unknown", stats.unknown),
        ("mismatched", stats.mismatched),
        ("malformed", stats.malformed),
    ];
    let help = "Messages received from the reply queue; all but the answered ones were of no use to any call.";
    metrics.counter_by("compute_gateway_replies_total", help, ["outcome"], split(replies));

    let refusals = [("too_many", stats.refused), ("overloaded", stats.overloaded), ("no_worker", stats.no_worker)];
    let help = "Calls refused without a request on the queue, by reason.";
    metrics.counter_by("compute_gateway_refused_total", help, ["reason"], split(refusals));

    let help = "Times that the reply queue was lost: somebody deleted it, or took it over.";
    metrics.counter("compute_gateway_reply_queue_lost_total", help, stats.reply_queue_lost);
    let help = "Reply queues of dead gateways that this one deleted.";
    metrics.counter("compute_gateway_reply_queues_swept_total", help, stats.reply_queues_swept);
    batch_metrics(metrics, &stats.batches);
}

fn batch_metrics(metrics: &mut Exposition<'_>, batches: &BatchFill) {
    let series = [
        ("SendMessageBatch", batches.send),
        ("ReceiveMessage", batches.receive),
        ("DeleteMessageBatch", batches.delete),
    ];
    let series = series.map(|(operation, sizes)| ([operation], Buckets::of_counts(&sizes)));
    let help = "Messages in a request to SQS, or in its response, of at most 10.";
    metrics.histogram_by("compute_gateway_sqs_batch_messages", help, ["operation"], series);
}

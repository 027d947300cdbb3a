//! What the gateway's `/metrics` answers.

use std::sync::{Arc, OnceLock};

use compute_process::admin;
use compute_process::exposition::Exposition;
use sqs_rpc::Requester;

use crate::calls::Calls;
use crate::edge::Gauges;
use crate::operations::Answers;

/// The metrics of the gateway; those of its requester as soon as there is one.
pub(crate) fn metrics(
    calls: Calls,
    answers: Arc<Answers>,
    edge: Gauges,
    requester: Arc<OnceLock<Requester>>,
) -> admin::Metrics {
    Arc::new(move || {
        let mut metrics = Exposition::new();
        metrics.gauge("compute_gateway_calls_in_flight", "Calls that are not answered yet.", calls.in_flight());
        let memory = calls.memory();
        let help = "Bytes of memory that requests take of the budget, at most as they may turn out.";
        metrics.gauge("compute_gateway_memory_taken_bytes", help, memory.taken());
        metrics.gauge("compute_gateway_memory_budget_bytes", "Bytes of memory that requests may take.", memory.limit());
        let help = "Calls answered, by gRPC code; CANCELLED where the caller left first.";
        metrics.counter_by("compute_gateway_calls_total", help, "code", calls.answered().by_code());
        let (kept, bytes) = answers.size();
        metrics.gauge("compute_gateway_answers_kept", "Answers kept until their records can be read.", kept);
        metrics.gauge("compute_gateway_answers_kept_bytes", "Memory of the answers kept, in bytes.", bytes);
        edge_metrics(&mut metrics, &edge);
        if let Some(requester) = requester.get() {
            queue_metrics(&mut metrics, requester);
        }
        metrics.into_text()
    })
}

fn edge_metrics(metrics: &mut Exposition, edge: &Gauges) {
    let Gauges { crowd, counts } = edge;
    metrics.gauge("compute_gateway_connections", "Connections of callers.", crowd.size());
    metrics.counter("compute_gateway_connections_total", "Connections of callers accepted.", counts.accepted());
    let help = "Connections that were turned away or ended by the gateway, by reason.";
    metrics.counter_by("compute_gateway_connections_ended_total", help, "reason", counts.ended());
    let help = "Calls refused by their headers, before anything else of them was read, by reason.";
    metrics.counter_by("compute_gateway_turned_away_total", help, "reason", counts.refused());
    let help = "Changes of the files of certificates and tokens, by whether they took effect.";
    metrics.counter_by("compute_gateway_reloads_total", help, "outcome", counts.reloads());
}

fn queue_metrics(metrics: &mut Exposition, requester: &Requester) {
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
    metrics.counter_by("compute_gateway_replies_total", help, "outcome", replies);

    let refusals = [("too_many", stats.refused), ("overloaded", stats.overloaded), ("no_worker", stats.no_worker)];
    let help = "Calls refused without a request on the queue, by reason.";
    metrics.counter_by("compute_gateway_refused_total", help, "reason", refusals);

    let help = "Times that the reply queue was lost: somebody deleted it, or took it over.";
    metrics.counter("compute_gateway_reply_queue_lost_total", help, stats.reply_queue_lost);
    let help = "Reply queues of dead gateways that this one deleted.";
    metrics.counter("compute_gateway_reply_queues_swept_total", help, stats.reply_queues_swept);
}

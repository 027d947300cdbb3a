//! Which traces are collected.

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// Collects whole traces of calls.
///
/// A span with a parent does as the parent says. One without is collected if it links to one that is, as a batch of the log
/// does to its operations; or, at the ratio, if it is that of a call or of a message received. Others, such as a look at the bucket
/// at the start, belong to no call, and are not collected.
#[derive(Debug, Clone)]
pub(super) struct FromCalls {
    ratio: Sampler,
}

impl FromCalls {
    pub(super) fn new(ratio: f64) -> Self {
        Self { ratio: Sampler::TraceIdRatioBased(ratio) }
    }
}

impl ShouldSample for FromCalls {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|parent| parent.span().span_context().clone()).filter(SpanContext::is_valid);
        let is_sampled = match (parent, kind) {
            (Some(parent), _) => parent.is_sampled(),
            (None, _) if !links.is_empty() => links.iter().any(|link| link.span_context.is_sampled()),
            (None, SpanKind::Server | SpanKind::Consumer) => {
                return self.ratio.should_sample(None, trace, name, kind, attributes, links);
            }
            (None, _) => false,
        };
        let decision = if is_sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::NONE }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags};

    use super::*;

    fn context(flags: TraceFlags) -> SpanContext {
        SpanContext::new(TraceId::from(1), SpanId::from(1), flags, true, TraceState::NONE)
    }

    fn is_sampled(ratio: f64, parent: Option<TraceFlags>, kind: &SpanKind, links: &[TraceFlags]) -> bool {
        let parent = parent.map(|flags| Context::new().with_remote_span_context(context(flags)));
        let links: Vec<_> = links.iter().map(|&flags| Link::with_context(context(flags))).collect();
        let result = FromCalls::new(ratio).should_sample(parent.as_ref(), TraceId::from(1), "", kind, &[], &links);
        result.decision == SamplingDecision::RecordAndSample
    }

    #[test]
    fn a_parent_decides_whatever_the_ratio_is() {
        for kind in [SpanKind::Server, SpanKind::Consumer, SpanKind::Client] {
            assert!(is_sampled(0.0, Some(TraceFlags::SAMPLED), &kind, &[]));
            assert!(!is_sampled(1.0, Some(TraceFlags::NOT_SAMPLED), &kind, &[]));
        }
    }

    #[test]
    fn the_ratio_decides_on_calls_and_messages_without_a_parent_and_nothing_else_begins_a_trace() {
        for kind in [SpanKind::Server, SpanKind::Consumer] {
            assert!(is_sampled(1.0, None, &kind, &[]) && !is_sampled(0.0, None, &kind, &[]));
        }
        assert!(!is_sampled(1.0, None, &SpanKind::Client, &[]) && !is_sampled(1.0, None, &SpanKind::Internal, &[]));
    }

    #[test]
    fn a_batch_is_collected_if_an_operation_in_it_is() {
        let (sampled, not) = (TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED);
        assert!(is_sampled(0.0, None, &SpanKind::Internal, &[not, sampled]));
        assert!(!is_sampled(1.0, None, &SpanKind::Internal, &[not, not]));
    }
}

//! The trace that a call is a part of: as it stands on the queues, and the spans around it.
//!
//! The spans follow OpenTelemetry's semantic conventions for [messaging] and [Amazon SQS]; they are made only where something
//! in the process collects spans (they have the level `TRACE` and a field `otel.kind`), and are not made elsewhere. Without
//! that the caller's context goes through unchanged.
//!
//! [messaging]: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
//! [Amazon SQS]: https://opentelemetry.io/docs/specs/semconv/messaging/sqs/

use std::fmt;
use std::pin::Pin;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use crate::request::Request;

/// A trace context: the trace, the span in it that others are children of, and whether it is to be collected.
///
/// Its text is that of [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header), version 00:
/// `00-<trace id, 32 hex digits>-<parent id, 16>-<flags, 2>`, in lower case; ids of zeros only are invalid. The header
/// `tracestate` is not carried, as the standard allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

impl TraceContext {
    /// The bytes of the text.
    pub const LENGTH: usize = 55;

    /// Reads the text; none if it is not well-formed. One that is not is to be dropped, as the standard asks: the call counts,
    /// not its trace.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let mut next = |digits: usize| {
            let is_hex =
                |part: &&str| part.len() == digits && part.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
            parts.next().filter(is_hex)
        };
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        if version != "00" || parts.next().is_some() {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
        (trace != TraceId::INVALID && span != SpanId::INVALID).then_some(Self { trace, span, flags })
    }

    /// That of a span, for its children elsewhere; none if nothing collects spans.
    pub fn of(span: &Span) -> Option<Self> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        let context = span.span_context();
        let is_valid = context.is_valid();
        is_valid.then(|| Self { trace: context.trace_id(), span: context.span_id(), flags: context.trace_flags() })
    }

    /// Makes a span that has not been entered yet a child of this one.
    pub fn adopt(self, child: &Span) {
        let parent = SpanContext::new(self.trace, self.span, self.flags, true, TraceState::NONE);
        // It fails where nothing collects spans.
        let _ = child.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }

    /// The id of the trace: 32 hex digits.
    pub fn trace_id(&self) -> impl fmt::Display + use<> {
        self.trace
    }

    /// The same for [X-Ray](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader): the
    /// value of SQS's message system attribute `AWSTraceHeader`, which does not count as a part of the message's size.
    pub(crate) fn x_ray(&self) -> String {
        let trace = self.trace.to_string();
        let (time, rest) = trace.split_at(8);
        format!("Root=1-{time}-{rest};Parent={};Sampled={}", self.span, u8::from(self.flags.is_sampled()))
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// The two spans of a call: the one that is logged, and its child that is collected, if something collects spans.
///
/// Log lines within them name the trace: the one that is collected, or else the one that the caller is in.
#[derive(Debug, Clone)]
pub struct CallSpan {
    logged: Span,
    traced: Span,
}

impl CallSpan {
    /// Of a call whose caller is in the trace `parent`. `logged` must have an empty field `trace_id`, and `traced` must not have
    /// been entered yet.
    pub fn new(logged: Span, traced: Span, parent: Option<TraceContext>) -> Self {
        if let Some(parent) = parent {
            parent.adopt(&traced);
        }
        if let Some(context) = TraceContext::of(&traced).or(parent) {
            logged.record("trace_id", tracing::field::display(context.trace_id()));
        }
        Self { logged, traced }
    }

    /// Has the spans name this operation in their fields `operation_id`, instead of the one that they named so far. Log
    /// lines in the form of text name both from here on, this one last.
    pub fn name_operation(self, id: Uuid) {
        for span in [self.logged, self.traced] {
            span.record("operation_id", tracing::field::display(id));
        }
    }

    /// Does this within the spans.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.logged.in_scope(|| self.traced.in_scope(work))
    }

    /// The future within the spans.
    pub fn around<F: Future>(self, future: F) -> Instrumented<Instrumented<F>> {
        future.instrument(self.traced).instrument(self.logged)
    }

    /// The future within the spans, in a box that has no room for a span that is not there: very many may wait.
    pub fn boxed<F: Future + Send + 'static>(self, future: F) -> Pin<Box<dyn Future<Output = F::Output> + Send>> {
        if self.traced.is_disabled() { Box::pin(future.instrument(self.logged)) } else { Box::pin(self.around(future)) }
    }
}

/// Notes in the current span, if it is one of a call that is collected, the gRPC code that the call ends with. What a server
/// is to blame for makes the span an error; a caller's mistake does not.
pub fn record_code(code: i32) {
    let span = Span::current();
    span.record("rpc.grpc.status_code", code);
    // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
    if matches!(code, 2 | 4 | 12 | 13 | 14 | 15) {
        span.record("otel.status_code", "ERROR");
    }
}

/// The span of sending a request: from its call until SQS has the message.
pub(crate) fn send(queue: &str, id: Uuid, body_size: usize) -> Span {
    tracing::trace_span!(
        "send",
        otel.name = %format_args!("send {queue}"),
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "aws_sqs",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = queue,
        messaging.message.conversation_id = %id,
        messaging.message.body.size = body_size,
    )
}

/// The span of sending a reply. Its queue is one of many that come and go, so it is not in the name.
pub(crate) fn reply(queue_url: &str, id: Uuid) -> Span {
    tracing::trace_span!(
        "send reply",
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "aws_sqs",
        messaging.operation.name = "send",
        messaging.operation.type = "send",
        messaging.destination.name = queue_url.rsplit('/').next(),
        messaging.destination.temporary = true,
        messaging.message.conversation_id = %id,
    )
}

/// The span of working one delivery of a request.
pub(crate) fn delivery(queue: &str, request: &Request, message_id: &str) -> CallSpan {
    let (id, receive_count) = (request.id, request.receive_count);
    let logged = tracing::info_span!("delivery", operation_id = %id, trace_id = Empty, receive_count);
    let traced = tracing::trace_span!(
        parent: &logged,
        "process",
        otel.name = %format_args!("process {queue}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        operation_id = %id,
        rpc.grpc.status_code = Empty,
        messaging.system = "aws_sqs",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = queue,
        messaging.message.id = message_id,
        messaging.message.conversation_id = %id,
        messaging.message.body.size = request.body.len(),
        receive_count,
        shed = Empty,
    );
    CallSpan::new(logged, traced, request.traceparent.as_deref().and_then(TraceContext::parse))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn only_the_standards_form_is_read_and_written_again_as_it_was() {
        for good in [GOOD, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"] {
            assert_eq!(TraceContext::parse(good).map(|context| context.to_string()).as_deref(), Some(good));
        }
        assert_eq!(GOOD.len(), TraceContext::LENGTH);
        for bad in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn x_ray_gets_the_same_ids_in_its_own_form() {
        let x_ray = |text| TraceContext::parse(text).map(|context| context.x_ray());
        let expected = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1";
        assert_eq!(x_ray(GOOD).as_deref(), Some(expected));
        let unsampled = expected.replace("Sampled=1", "Sampled=0");
        assert_eq!(x_ray("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), Some(unsampled));
    }

    #[test]
    fn where_nothing_collects_spans_there_are_none_to_be_children_of() {
        assert_eq!(TraceContext::of(&send("requests", Uuid::nil(), 1)), None);
    }
}

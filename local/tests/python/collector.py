"""A collector of traces: an OTLP receiver with the stubs of OpenTelemetry itself."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from processes import PATIENCE, wait_until


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that it gets."""

    def __init__(self):
        self._spans, self._lock = [], threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self.endpoint = f"http://127.0.0.1:{port}"

    def close(self):
        self._server.stop(None).wait()

    def Export(self, request, context):  # noqa: N802, the name is gRPC's
        with self._lock:
            for resource in request.resource_spans:
                about = attributes(resource.resource)
                for scope in resource.scope_spans:
                    self._spans += [Span(span, about) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self):
        with self._lock:
            return list(self._spans)

    def trace(self, trace_id, names, timeout=PATIENCE):
        """The spans of a trace by name, once each of `names` is there."""

        def complete():
            spans = {span.name: span for span in self.spans() if span.trace_id == trace_id}
            return spans if set(names) <= spans.keys() else None

        def seen():
            return sorted((span.trace_id, span.name) for span in self.spans())

        try:
            return wait_until(complete, f"spans {names}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {seen()}") from None


class Span:
    """A span, its ids in hex."""

    def __init__(self, span, resource):
        self.name, self.resource, self.attributes = span.name, resource, attributes(span)
        self.keys = [item.key for item in span.attributes]
        self.trace_id, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.kind = trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_")
        self.is_error = span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
        self.links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano


def attributes(message):
    """The attributes of a span or a resource."""
    return {item.key: getattr(item.value, item.value.WhichOneof("value") or "string_value") for item in message.attributes}

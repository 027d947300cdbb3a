//! The span of a call: what is logged of it, and what is collected of its trace.
//!
//! The collected one follows OpenTelemetry's [semantic conventions for gRPC]. It is a child of the caller's, whose trace context
//! comes in the metadata entry `traceparent`.
//!
//! [semantic conventions for gRPC]: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/

use http::{HeaderMap, Uri};
use sqs_rpc::{CallSpan, TraceContext};
use tracing::field::Empty;
use uuid::Uuid;

/// The metadata entry.
pub(crate) const KEY: &str = "traceparent";

/// The methods by the names that a span may have: what a caller makes up is none.
const METHODS: [&str; 6] =
    ["Compute", "ComputeStream", "SubmitOperation", "GetOperation", "WaitOperation", "ListOperations"];

const SERVICE: &str = "compute.v1.ComputeService";

/// The span of a call, not entered yet.
pub(crate) fn span(id: Uuid, uri: &Uri, headers: &HeaderMap) -> CallSpan {
    let logged = tracing::info_span!("call", operation_id = %id, trace_id = Empty);
    let method = uri.path().rsplit('/').next().and_then(|called| METHODS.into_iter().find(|&method| method == called));
    let method = method.unwrap_or("_OTHER");
    let traced = tracing::trace_span!(
        parent: &logged,
        "grpc",
        otel.name = %format_args!("{SERVICE}/{method}"),
        otel.kind = "server",
        otel.status_code = Empty,
        operation_id = %id,
        rpc.system = "grpc",
        rpc.service = SERVICE,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    CallSpan::new(logged, traced, headers.get(KEY).and_then(|value| TraceContext::parse(value.to_str().ok()?)))
}

#[cfg(test)]
mod tests {
    use compute_proto::FILE_DESCRIPTOR_SET;
    use prost::Message as _;
    use prost_types::{FileDescriptorSet, MethodDescriptorProto};

    use super::*;

    #[test]
    fn every_method_of_the_service_has_a_name_of_its_own() {
        let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("descriptors");
        let services = files.file.iter().flat_map(|file| &file.service);
        let service = services.into_iter().find(|service| service.name() == "ComputeService").expect("it is there");
        let methods: Vec<_> = service.method.iter().map(MethodDescriptorProto::name).collect();
        assert_eq!(methods, METHODS);
    }
}

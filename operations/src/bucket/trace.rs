//! A span for each request to S3, retries included, by OpenTelemetry's [semantic conventions for AWS SDKs].
//!
//! It names the bucket but not the key, which has a tenant's name in it. It is made only where something in the process collects
//! spans, and is a child of the span that the request is made in.
//!
//! [semantic conventions for AWS SDKs]: https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/

use std::sync::Arc;

use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use tracing::Span;
use tracing::field::Empty;

/// Makes the spans.
#[derive(Debug)]
pub(super) struct Traced {
    pub(super) bucket: Arc<str>,
}

/// The span of a request, in the request's own settings: it ends with them, also when the request is given up.
#[derive(Debug)]
struct RequestSpan(Span);

impl Storable for RequestSpan {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Traced {
    fn name(&self) -> &'static str {
        "Traced"
    }

    /// Before that step, the operation is not in the settings yet.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(request) = settings.load::<Metadata>() else { return Ok(()) };
        let span = tracing::trace_span!(
            "S3",
            otel.name = %format_args!("S3.{}", request.name()),
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system = "aws-api",
            rpc.service = "S3",
            rpc.method = request.name(),
            aws.s3.bucket = &*self.bucket,
            http.response.status_code = Empty,
        );
        if !span.is_disabled() {
            settings.interceptor_state().store_put(RequestSpan(span));
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(RequestSpan(span)) = settings.load::<RequestSpan>() else { return Ok(()) };
        let status = context.response().map(|response| response.status().as_u16());
        span.record("http.response.status_code", status);
        // That an object is there already, or is not there, is an answer.
        let is_answered = matches!(status, Some(200..=299 | 304 | 404 | 409 | 412));
        if !is_answered {
            span.record("otel.status_code", "ERROR");
        }
        Ok(())
    }
}

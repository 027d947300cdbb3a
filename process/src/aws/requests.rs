//! How many requests the process makes to AWS, and what AWS will bill for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::exposition::Exposition;

/// What SQS bills as one request, in bytes of the message or messages that it carries.
const BILLED_CHUNK: u64 = 64 << 10;

/// The operations that are counted under their own names.
const OPERATIONS: [(&str, &str); 25] = [
    ("SQS", "SendMessageBatch"),
    ("SQS", "ReceiveMessage"),
    ("SQS", "DeleteMessageBatch"),
    ("SQS", "ChangeMessageVisibilityBatch"),
    ("SQS", "CreateQueue"),
    ("SQS", "DeleteQueue"),
    ("SQS", "GetQueueAttributes"),
    ("SQS", "GetQueueUrl"),
    ("SQS", "ListQueues"),
    ("SQS", "ListQueueTags"),
    ("SQS", "TagQueue"),
    ("SQS", "UntagQueue"),
    ("S3", "PutObject"),
    ("S3", "GetObject"),
    ("S3", "HeadObject"),
    ("S3", "HeadBucket"),
    ("S3", "DeleteObject"),
    ("S3", "DeleteObjects"),
    ("S3", "ListObjectsV2"),
    ("S3", "CreateMultipartUpload"),
    ("S3", "UploadPart"),
    ("S3", "CompleteMultipartUpload"),
    ("S3", "AbortMultipartUpload"),
    // Whatever else there is.
    ("SQS", "other"),
    ("S3", "other"),
];

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    NotFound,
    PreconditionFailed,
    ClientError,
    Throttled,
    ServerError,
    Timeout,
    NoResponse,
    Cancelled,
}

impl Outcome {
    const ALL: [(Self, &str); 9] = [
        (Self::Ok, "ok"),
        (Self::NotFound, "not_found"),
        (Self::PreconditionFailed, "precondition_failed"),
        (Self::ClientError, "client_error"),
        (Self::Throttled, "throttled"),
        (Self::ServerError, "server_error"),
        (Self::Timeout, "timeout"),
        (Self::NoResponse, "no_response"),
        (Self::Cancelled, "cancelled"),
    ];

    /// By the response, if there is one. SQS answers 400 to nearly everything, and says in a header what that means.
    fn of_response(response: &HttpResponse) -> Self {
        let code = response.headers().get("x-amzn-query-error").unwrap_or_default();
        match response.status().as_u16() {
            200..400 => Self::Ok,
            404 => Self::NotFound,
            412 => Self::PreconditionFailed,
            429 | 503 => Self::Throttled,
            400..500 if code.contains("Throttl") => Self::Throttled,
            400..500 => Self::ClientError,
            _ => Self::ServerError,
        }
    }
}

/// Counts the requests of all clients that are given its [`interceptor`](Self::interceptor). Clones count together.
///
/// Each attempt is counted, the SDK's retries too: each is billed.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    attempts: [[AtomicU64; Outcome::ALL.len()]; OPERATIONS.len()],
    billed: [AtomicU64; OPERATIONS.len()],
}

impl Requests {
    /// What a client is to be made with so that its requests are counted.
    pub fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(CountRequests(self.clone()))
    }

    /// Adds what was counted.
    pub fn tell(&self, metrics: &mut Exposition<'_>) {
        let help = "Requests to AWS, each attempt, by what became of it.";
        let series = OPERATIONS.iter().zip(&self.0.attempts).flat_map(|((service, operation), counts)| {
            let outcomes = Outcome::ALL.iter().zip(counts);
            outcomes.map(move |((_, outcome), count)| ([*service, *operation, *outcome], count.load(Ordering::Relaxed)))
        });
        let series = series.filter(|(_, count)| *count > 0);
        metrics.counter_by("compute_aws_requests_total", help, ["service", "operation", "outcome"], series);

        let help = "Requests as SQS bills them: one for each 64 KiB begun of a request or its response.";
        let series = OPERATIONS.iter().zip(&self.0.billed).filter(|((service, _), _)| *service == "SQS");
        let series = series.map(|((_, operation), count)| ([*operation], count.load(Ordering::Relaxed)));
        let series = series.filter(|(_, count)| *count > 0);
        metrics.counter_by("compute_sqs_billed_requests_total", help, ["operation"], series);
    }

    fn count(&self, operation: usize, outcome: Outcome, bytes: u64) {
        self.0.attempts[operation][outcome as usize].fetch_add(1, Ordering::Relaxed);
        self.0.billed[operation].fetch_add(bytes.div_ceil(BILLED_CHUNK).max(1), Ordering::Relaxed);
    }
}

/// The place of an operation in the table; none of a service whose requests cost nothing.
fn position(metadata: &Metadata) -> Option<usize> {
    let find = |name: &str| OPERATIONS.iter().position(|known| *known == (metadata.service(), name));
    find(metadata.name()).or_else(|| find("other"))
}

/// Shows the clients' attempts to the counters.
#[derive(Debug)]
struct CountRequests(Requests);

/// An attempt that is on its way. It is dropped without an outcome when the caller of the SDK does not wait for it any more.
#[derive(Debug)]
struct Attempt {
    requests: Requests,
    operation: usize,
    request_bytes: u64,
    is_counted: AtomicBool,
}

impl Storable for Attempt {
    type Storer = StoreReplace<Self>;
}

impl Attempt {
    /// Counts it, once.
    fn ended(&self, outcome: Outcome, response_bytes: u64) {
        if !self.is_counted.swap(true, Ordering::Relaxed) {
            self.requests.count(self.operation, outcome, self.request_bytes.max(response_bytes));
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.ended(Outcome::Cancelled, 0);
    }
}

#[dyn_dispatch_hint]
impl Intercept for CountRequests {
    fn name(&self) -> &'static str {
        "CountRequests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(operation) = config.load::<Metadata>().and_then(position) {
            let request_bytes = context.request().body().content_length().unwrap_or(0);
            let attempt =
                Attempt { requests: self.0.clone(), operation, request_bytes, is_counted: AtomicBool::new(false) };
            config.interceptor_state().store_put(attempt);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(attempt) = config.load::<Attempt>() else { return Ok(()) };
        let error = context.output_or_error().and_then(Result::err);
        let outcome = match (error, context.response()) {
            (Some(error), _) if error.is_timeout_error() => Outcome::Timeout,
            (_, Some(response)) => Outcome::of_response(response),
            (_, None) => Outcome::NoResponse,
        };
        attempt.ended(outcome, context.response().map_or(0, size));
        Ok(())
    }
}

/// The bytes of a response, if it says.
fn size(response: &HttpResponse) -> u64 {
    let length = response.headers().get("content-length").and_then(|length| length.parse().ok());
    length.or_else(|| response.body().content_length()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_counted_under_its_own_name() {
        for (index, (outcome, _)) in Outcome::ALL.iter().enumerate() {
            assert_eq!(*outcome as usize, index, "the table is in the order of the variants");
        }
        let requests = Requests::default();
        let send = position(&Metadata::new("SendMessageBatch", "SQS")).expect("a known one");
        requests.count(send, Outcome::Throttled, BILLED_CHUNK + 1);
        requests.count(send, Outcome::Ok, 0);
        requests.count(position(&Metadata::new("SelectObjectContent", "S3")).expect("an other"), Outcome::Ok, 0);
        assert_eq!(position(&Metadata::new("GetCallerIdentity", "STS")), None);

        let text = crate::exposition::text(Arc::new(move |metrics| requests.tell(metrics)));
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            r#"compute_aws_requests_total{service="SQS",operation="SendMessageBatch",outcome="ok"} 1"#,
            r#"compute_aws_requests_total{service="SQS",operation="SendMessageBatch",outcome="throttled"} 1"#,
            r#"compute_aws_requests_total{service="S3",operation="other",outcome="ok"} 1"#,
            r#"compute_sqs_billed_requests_total{operation="SendMessageBatch"} 3"#,
        ];
        assert_eq!(samples, expected);
    }
}

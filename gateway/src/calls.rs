//! What every call to the compute service gets before its message is read and after it is answered: an operation id, a look at
//! its credentials, a deadline, a limit on its size, a place among the calls in flight, a span.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use compute_proto::validate::FieldViolation;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;
use uuid::Uuid;

use crate::answered::Answered;
use crate::deadline::{DeadlineLimits, GRPC_TIMEOUT, grpc_timeout};
use crate::edge::allowance::Share;
use crate::edge::authentication::{Authentication, Peer, Tenant};
use crate::edge::counts::Refused;
use crate::memory::{MemoryBudget, STREAM_FACTOR, Taken, UNARY_FACTOR};
use crate::status::{self, Operation};
use crate::trace;
use crate::upload::{Shape, Upload, UploadLimits};

/// The metadata entry of every answer that names the operation.
const OPERATION_ID: HeaderName = HeaderName::from_static(OPERATION_ID_KEY);
const OPERATION_ID_KEY: &str = "operation-id";

const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// A call that was let in; an extension of its request, as is the [span](sqs_rpc::CallSpan) of the call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) id: Uuid,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
}

/// What the message of a call may take of the gateway's memory; an extension of its request. Held until the request is sent.
pub(crate) type CallMemory = Arc<Taken>;

/// The most bytes of a call's headers, with 32 for each entry, as HTTP/2 counts them (RFC 9113, section 6.5.2).
const MAX_HEADERS: usize = 16 << 10;

/// The method whose request is a stream of messages.
const COMPUTE_STREAM: &str = "/compute.v1.ComputeService/ComputeStream";

/// What calls are held to.
#[derive(Debug, Clone)]
pub(crate) struct CallLimits {
    pub(crate) deadlines: DeadlineLimits,
    /// The most bytes of a message, if there is memory for it.
    pub(crate) message_size: usize,
    pub(crate) stream_idle_timeout: Duration,
    pub(crate) memory: MemoryBudget,
}

/// All calls of the gateway. Clones share everything.
#[derive(Clone)]
pub(crate) struct Calls {
    shared: Arc<Shared>,
}

struct Shared {
    limits: CallLimits,
    authentication: Authentication,
    in_flight: TaskTracker,
    draining: CancellationToken,
    ended: CancellationToken,
    answered: Answered,
}

impl Calls {
    pub(crate) fn new(limits: CallLimits, authentication: Authentication) -> Self {
        let shared = Shared {
            limits,
            authentication,
            in_flight: TaskTracker::new(),
            draining: CancellationToken::new(),
            ended: CancellationToken::new(),
            answered: Answered::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Puts `inner`, which answers the calls, behind all this.
    pub(crate) fn in_front_of<S>(&self, inner: S) -> CallService<S> {
        CallService { calls: self.clone(), inner }
    }

    /// Answers further calls UNAVAILABLE; those in flight go on.
    pub(crate) fn refuse_new(&self) {
        self.shared.draining.cancel();
        self.shared.in_flight.close();
    }

    /// Done when no call is in flight and no new ones are taken.
    pub(crate) async fn finished(&self) {
        self.shared.in_flight.wait().await;
    }

    /// Ends the calls in flight that wait for their callers or for S3.
    pub(crate) fn end(&self) {
        self.shared.ended.cancel();
    }

    /// Cancelled when calls in flight have to end.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.shared.ended
    }

    /// The memory that all calls share.
    pub(crate) fn memory(&self) -> &MemoryBudget {
        &self.shared.limits.memory
    }

    /// Calls that were let in and are not answered yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.shared.in_flight.len()
    }

    /// Calls answered since the start, by code.
    pub(crate) fn answered(&self) -> &Answered {
        &self.shared.answered
    }

    /// Judges a call by its headers, and notes in it whose it is.
    fn admit(&self, request: &mut Request<Body>, id: Uuid) -> Result<(Admitted, Option<Share>), Status> {
        let arrived = Instant::now();
        let operation = Operation { id, finish_late: None };
        self.check_size(request.headers(), operation)?;
        if let Some(encoding) = compression(request.headers()) {
            return Err(status::compression_unsupported(encoding, operation));
        }
        let peer = request.extensions().get::<Peer>().cloned();
        let admitted = self.shared.authentication.admit(request.headers_mut(), peer.as_ref());
        let (tenant, share) = admitted.map_err(|why| status::from_unauthenticated(why, operation))?;
        request.extensions_mut().insert::<Tenant>(tenant);
        if self.shared.draining.is_cancelled() {
            return Err(status::shutting_down(operation));
        }
        let timeout = grpc_timeout(request.headers()).map_err(|malformed| {
            let violation = FieldViolation { field: GRPC_TIMEOUT.to_string(), description: malformed.to_string() };
            status::invalid_request(vec![violation], operation)
        })?;
        let deadline = self.shared.limits.deadlines.deadline(arrived, timeout);
        Ok((Admitted { id, arrived, deadline }, share))
    }

    fn check_size(&self, headers: &HeaderMap, operation: Operation) -> Result<(), Status> {
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        if size <= MAX_HEADERS {
            return Ok(());
        }
        self.shared.authentication.counts.refuse(Refused::HeadersTooLarge);
        Err(status::headers_too_large(size, MAX_HEADERS, operation))
    }

    fn limited(&self, request: Request<Body>, admitted: Admitted) -> Request<Body> {
        let operation = Operation { id: admitted.id, finish_late: None };
        let CallLimits { message_size, stream_idle_timeout, memory, .. } = &self.shared.limits;
        let (shape, factor) = match request.uri().path() {
            COMPUTE_STREAM => (Shape::Stream, STREAM_FACTOR),
            _ => (Shape::Unary, UNARY_FACTOR),
        };
        let limits = UploadLimits {
            shape,
            deadline: admitted.deadline,
            idle_timeout: *stream_idle_timeout,
            // A message that the whole budget has no room for would never be let in: it is too large, and not early.
            message_size: (*message_size).min(usize::try_from(memory.limit() / factor).unwrap_or(usize::MAX)),
            discards_excess: request.version() < Version::HTTP_2,
        };
        let memory = CallMemory::new(memory.take_nothing());
        let mut request = request.map(|body| Body::new(Upload::new(body, limits, memory.clone(), operation)));
        request.extensions_mut().insert(memory);
        request.extensions_mut().insert(admitted);
        request
    }
}

/// The service that [`Calls`] stand in front of.
#[derive(Clone)]
pub(crate) struct CallService<S> {
    calls: Calls,
    inner: S,
}

impl<S: NamedService> NamedService for CallService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for CallService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let id = Uuid::now_v7();
        let span = trace::span(id, request.uri(), request.headers());
        // In flight before it is asked whether the gateway drains, so that the drain waits for every call that was let in.
        let in_flight = self.calls.shared.in_flight.token();
        let unanswered = Unanswered { calls: self.calls.clone(), since: Instant::now(), code: None };
        let answer = span.in_scope(|| {
            let (admitted, share) = self.calls.admit(&mut request, id)?;
            request.extensions_mut().insert(span.clone());
            Ok::<_, Status>((self.inner.call(self.calls.limited(request, admitted)), share))
        });
        let answered = async move {
            let _in_flight = in_flight;
            let mut response = match answer {
                Ok((answer, _share)) => readable(answer.await?, id),
                Err(status) => status.into_http(),
            };
            // An answer that names its operation itself may be that of another id: the one that its caller chose.
            response.headers_mut().entry(OPERATION_ID).or_insert_with(|| header_value(id));
            unanswered.answered(code(&response));
            Ok(response)
        };
        span.boxed(answered)
    }
}

/// tonic answers INTERNAL, without details, to bytes that are no message of the method. That is the caller's fault, not ours:
/// our own errors all have details.
fn readable(response: Response<Body>, id: Uuid) -> Response<Body> {
    match response.extensions().get::<Status>() {
        Some(status) if status.code() == Code::Internal && status.details().is_empty() => {
            let operation = Operation { id, finish_late: None };
            status::malformed_message(status.message(), operation).into_http()
        }
        _ => response,
    }
}

/// How the messages of a call are compressed. None are taken that are: a few bytes can stand for very many, and what messages
/// may take of the memory is known by their size.
fn compression(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(GRPC_ENCODING)?.to_str().unwrap_or("?");
    (encoding != "identity").then_some(encoding)
}

/// The code of an answer. One without it in the headers has a message, and the code OK after that.
fn code(response: &Response<Body>) -> Code {
    response.headers().get(Status::GRPC_STATUS).map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}

/// Names the operation in the metadata of an answer. An answer without that gets the id that the call was let in with.
pub(crate) fn name_operation(metadata: &mut MetadataMap, id: Uuid) {
    let value = MetadataValue::try_from(id.to_string()).expect("hexadecimal digits and hyphens are visible ASCII");
    metadata.insert(OPERATION_ID_KEY, value);
}

fn header_value(id: Uuid) -> HeaderValue {
    let mut value = HeaderValue::try_from(id.to_string()).expect("hexadecimal digits and hyphens are visible ASCII");
    // Not a secret, but no two are equal: so HTTP/2 does not put each into its table, in the place of what comes again.
    value.set_sensitive(true);
    value
}

/// Notes how a call ended, its caller's leaving included: the call's future is then dropped.
struct Unanswered {
    calls: Calls,
    since: Instant,
    code: Option<Code>,
}

impl Unanswered {
    fn answered(mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let duration_ms = self.since.elapsed().as_micros() as f64 / 1e3;
        match self.code {
            Some(code) => tracing::debug!(?code, duration_ms, "answered"),
            None => tracing::debug!(duration_ms, "the caller left"),
        }
        let code = self.code.unwrap_or(Code::Cancelled);
        sqs_rpc::record_code(code as i32);
        self.calls.shared.answered.count(code);
    }
}

#[cfg(test)]
mod tests {
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    const OWN: Uuid = Uuid::from_u128(0x0193_5c1e_0000_7000_8000_0000_0000_0001);

    /// The operation that the answer of a service names, and the id that the call was let in with.
    async fn named(respond: fn(Operation) -> Response<Body>) -> (Uuid, Uuid) {
        let second = Duration::from_secs(1);
        let limits = CallLimits {
            deadlines: DeadlineLimits { default: second, max: second },
            message_size: 1024,
            stream_idle_timeout: second,
            memory: MemoryBudget::new(u64::MAX),
        };
        let calls = Calls::new(limits, Authentication::default());
        let service = calls.in_front_of(service_fn(move |request: Request<Body>| {
            let Admitted { id, .. } = *request.extensions().get().expect("what is let in says so");
            let mut response = respond(Operation { id, finish_late: None });
            response.extensions_mut().insert(id);
            std::future::ready(Ok::<_, Infallible>(response))
        }));
        let response = service.oneshot(Request::new(Body::empty())).await.expect("it never fails");
        let name = response.headers()[OPERATION_ID].to_str().expect("text");
        let admitted = response.extensions().get::<Uuid>().expect("it was let in");
        (Uuid::parse_str(name).expect("an id"), *admitted)
    }

    #[tokio::test]
    async fn an_answer_names_the_id_that_the_call_was_let_in_with_unless_the_service_names_another() {
        let (name, admitted) = named(|_| Response::new(Body::empty())).await;
        assert_eq!(name, admitted);
        let (name, admitted) = named(|operation| status::deadline_exceeded(operation).into_http()).await;
        assert_eq!(name, admitted);

        let (name, _) = named(|_| {
            let mut answer = tonic::Response::new(());
            name_operation(answer.metadata_mut(), OWN);
            let mut response = Response::new(Body::empty());
            *response.headers_mut() = answer.metadata().clone().into_headers();
            response
        })
        .await;
        assert_eq!(name, OWN);
        let (name, _) =
            named(|operation| status::deadline_exceeded(Operation { id: OWN, ..operation }).into_http()).await;
        assert_eq!(name, OWN);
    }
}

//! Requests in, statistics out: the service that the queue's requests are handed to.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use compute_operations::key;
use compute_operations::payload::Payloads;
use compute_operations::record::MAX_LOGGED_VALUES;
use compute_proto::validate::{MAX_STREAMED_VALUES, MAX_VALUES, validate_up_to};
use compute_proto::{COMPUTE_METHOD, v1, wire};
use sqs_rpc::{Answer, Body, Failure, Pointer, Request, code};
use tower::Service;

use crate::limits::Limits;
use crate::memory::MemoryBudget;
use crate::metrics::Times;
use crate::payload::{JSON, Large, LargeRequests, Pauses};
use crate::refusal::{invalid, too_many_values, unreadable, violating};
use crate::statistics;
use compute_process::blocking::off_thread;

/// Bodies above this many bytes are worked on a thread for blocking work: a tenth of a millisecond of an async thread at most.
const INLINE_BYTES: usize = 64 * 1024;

/// The most bytes of the attributes of a reply, names and types included: ids and numbers of a known length, the digest, and a
/// worker's name of 64 bytes.
const REPLY_ATTRIBUTES: usize = 512;

/// Computes the statistics that requests of the method [`COMPUTE_METHOD`] ask for.
#[derive(Debug, Clone)]
pub struct ComputeService {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    payloads: Payloads,
    large: LargeRequests,
    max_inline_size: usize,
    times: Times,
}

/// What was computed, for the log.
#[derive(Debug, Clone)]
pub struct Computed {
    /// The first of the request's values, at most [`MAX_LOGGED_VALUES`]: the rest is gone, so that what waits to be logged takes
    /// little memory.
    pub values: Vec<i64>,
    /// The statistics over all values, their number among them.
    pub statistics: v1::Statistics,
}

impl ComputeService {
    /// A service for requests, and with replies, whose payloads are here when they are too large for a queue.
    pub fn new(payloads: Payloads, limits: &Limits) -> Self {
        let memory = MemoryBudget::new(limits.memory());
        let large = LargeRequests::new(payloads.clone(), memory, limits.max_values);
        let (max_inline_size, times) = (limits.max_inline_size, Times::default());
        Self { shared: Arc::new(Shared { payloads, large, max_inline_size, times }) }
    }

    /// How long requests waited and took.
    pub(crate) fn times(&self) -> &Times {
        &self.shared.times
    }

    /// The memory for requests whose payloads are in S3.
    pub fn memory(&self) -> &MemoryBudget {
        self.shared.large.memory()
    }
}

impl Service<Request> for ComputeService {
    type Response = Answer<Computed>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<Computed>, Failure>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let started = Instant::now();
            shared.times.received(&request);
            let answer = shared.answer(request).await;
            shared.times.worked(started.elapsed());
            answer
        })
    }
}

impl Shared {
    async fn answer(&self, request: Request) -> Result<Answer<Computed>, Failure> {
        let computed = self.compute(request).await?;
        let body = self.body(wire::statistics_to_json(&computed.statistics)).await?;
        Ok(Answer { body, context: computed })
    }

    async fn compute(&self, request: Request) -> Result<Computed, Failure> {
        check(&request)?;
        let max_values = self.large.max_values();
        match request.payload_in_s3 {
            None if request.body.len() <= INLINE_BYTES => compute(decode(&request)?, MAX_VALUES, max_values),
            None => off_thread(move || compute(decode(&request)?, MAX_VALUES, max_values)).await,
            // In boxes, here and below: few have need of that, and all would have room for it.
            Some(size) => Box::pin(self.compute_large(request, size)).await,
        }
    }

    /// Computes what a payload in S3 asks for.
    async fn compute_large(&self, request: Request, size: u64) -> Result<Computed, Failure> {
        let max_values = self.large.max_values();
        let Large { request, memory } = self.large.read(&request, size).await?;
        off_thread(move || {
            let computed = compute(request, MAX_STREAMED_VALUES, max_values);
            drop(memory);
            computed
        })
        .await
    }

    /// The body of a reply: the text, or a pointer to it, which S3 then has. Trouble with S3 is waited out.
    async fn body(&self, text: String) -> Result<Body, Failure> {
        if text.len() + REPLY_ATTRIBUTES <= self.max_inline_size {
            return Ok(Body::Text(text));
        }
        Box::pin(self.stored(text)).await
    }

    /// Puts the text of a body into S3.
    async fn stored(&self, text: String) -> Result<Body, Failure> {
        let mut pauses = Pauses::default();
        loop {
            let mut writer = self.payloads.write(JSON);
            let written = match writer.write(text.as_bytes()).await {
                Ok(()) => writer.finish().await,
                Err(error) => Err(error),
            };
            match written {
                Ok(stored) => {
                    let pointer = Pointer::new(self.payloads.bucket(), stored.id);
                    return Ok(Body::InS3 { pointer, size: stored.size });
                }
                Err(error) => pauses.after(&error).await?,
            }
        }
    }
}

/// Checks what can be told without the body.
fn check(request: &Request) -> Result<(), Failure> {
    if request.method != COMPUTE_METHOD {
        let method: String = request.method.chars().take(128).collect();
        return Err(Failure::new(code::UNIMPLEMENTED, format!("unknown method {method:?}")));
    }
    // What has no place in the log is not worked: it would leave no trace.
    key::check(request.tenant.as_deref(), request.id).map_err(|error| invalid(error.to_string()))?;
    Ok(())
}

/// The request in a message's own body.
fn decode(request: &Request) -> Result<v1::ComputeRequest, Failure> {
    if request.content_type.as_deref().is_some_and(|given| given != JSON) {
        return Err(invalid(format!("this worker reads bodies of the content type {JSON} only")));
    }
    wire::request_from_json(&request.body).map_err(|error| unreadable(&error))
}

/// Computes what is asked for, of a list of at most `allowed` values, of which this worker takes `taken`.
fn compute(request: v1::ComputeRequest, allowed: usize, taken: usize) -> Result<Computed, Failure> {
    validate_up_to(&request, allowed).map_err(|violations| violating(&violations))?;
    if request.values.len() > taken {
        return Err(too_many_values(taken));
    }
    let v1::ComputeRequest { mut values, quantiles, histogram, .. } = request;
    let statistics = statistics::of(&values, &quantiles, histogram.map(|v1::HistogramOptions { bins }| bins));
    values.truncate(MAX_LOGGED_VALUES);
    values.shrink_to_fit();
    Ok(Computed { values, statistics })
}

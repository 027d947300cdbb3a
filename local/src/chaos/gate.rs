//! What happens to a request before SQS or S3 handle it, and to their answer.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use s3s::s3_error;

use super::dice::Dice;
use super::disorder::Disorder;
use super::operation::{Operation, Service};
use super::outage::Outage;
use super::spec::Chaos;
use super::traffic::{Counters, Fault, NoMessages, Traffic};
use crate::sqs::SqsError;

/// What SQS bills as one request, in bytes.
const BILLED_CHUNK: u64 = 64 << 10;

type Response = http::Response<s3s::Body>;

/// Stands in front of SQS and S3. By default it only counts.
#[derive(Debug, Default)]
pub struct Gate {
    counters: Arc<Counters>,
    outage: Outage,
    chaos: Option<(Chaos, Dice)>,
}

/// A request that is answered without being carried out.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Throttled,
    InternalError,
    Unavailable,
}

/// The connection was cut instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the response is lost, as asked for")]
struct LostResponse;

impl Gate {
    /// A gate that injects faults, or none.
    #[must_use]
    pub fn new(chaos: Option<Chaos>) -> Self {
        Self { chaos: chaos.map(|chaos| (chaos, Dice::new(chaos.seed))), ..Self::default() }
    }

    /// The part of the chaos that is SQS's own.
    #[must_use]
    pub fn disorder(&self) -> Option<Arc<Disorder>> {
        self.chaos.as_ref().map(|(chaos, _)| Arc::new(Disorder::new(*chaos, Arc::clone(&self.counters))))
    }

    /// Switches services off.
    pub fn outage(&self) -> &Outage {
        &self.outage
    }

    /// What came in so far, and what was done to it.
    pub fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    /// Answers a request by `handle`, or by what happens to it on the way.
    ///
    /// # Errors
    ///
    /// Those of `handle`, and when the answer is to be lost: the connection is to be cut then.
    pub(crate) async fn pass<F>(
        &self,
        operation: Operation,
        request: Request<Incoming>,
        handle: impl FnOnce(Request<Incoming>) -> F,
    ) -> Result<Response, s3s::HttpError>
    where
        F: Future<Output = Result<Response, s3s::HttpError>>,
    {
        let number = self.counters.arrived(operation);
        let service = operation.service;
        self.delay(operation, number).await;
        let refusal =
            if self.outage.is_down(service) { Some(Refusal::Unavailable) } else { self.refusal(operation, number) };
        if let Some(refusal) = refusal {
            read_to_end(request.into_body()).await;
            return refusal.answer(service);
        }
        let sent = content_length(&request);
        let answer = tokio::select! {
            biased;
            answer = handle(request) => answer?,
            () = self.outage.begins(service) => return Refusal::Unavailable.answer(service),
        };
        self.counters.handled(operation, billed(service, sent.max(answer.body().size_hint().lower())));
        if answer.extensions().get::<NoMessages>().is_some() {
            self.counters.empty(operation);
        }
        if self.loses_response(operation, number) {
            return Err(s3s::HttpError::new(Box::new(LostResponse)));
        }
        Ok(answer)
    }

    async fn delay(&self, operation: Operation, number: u64) {
        let Some((chaos, dice)) = &self.chaos else { return };
        let delay = dice.draws(&format!("delay {operation}"), number).delay(chaos.delay);
        if delay > 0 {
            self.counters.injected(Fault::Delay);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
    }

    fn refusal(&self, operation: Operation, number: u64) -> Option<Refusal> {
        let (chaos, dice) = self.chaos.as_ref()?;
        if dice.draws(&format!("throttle {operation}"), number).happens(chaos.throttle) {
            self.counters.injected(Fault::Throttle);
            return Some(Refusal::Throttled);
        }
        let (fault, rate) = match operation.service {
            Service::Sqs => (Fault::Error, chaos.error),
            Service::S3 => (Fault::S3Error, chaos.s3_error),
        };
        let mut draws = dice.draws(&format!("error {operation}"), number);
        draws.happens(rate).then(|| {
            self.counters.injected(fault);
            if draws.below(2) == 0 { Refusal::InternalError } else { Refusal::Unavailable }
        })
    }

    fn loses_response(&self, operation: Operation, number: u64) -> bool {
        let Some((chaos, dice)) = &self.chaos else { return false };
        let is_lost = dice.draws(&format!("lost-response {operation}"), number).happens(chaos.lost_response);
        if is_lost {
            self.counters.injected(Fault::LostResponse);
        }
        is_lost
    }
}

impl Refusal {
    fn answer(self, service: Service) -> Result<Response, s3s::HttpError> {
        match service {
            Service::Sqs => Ok(self.of_sqs().into_response().map(s3s::Body::http_body)),
            Service::S3 => self.of_s3().to_http_response().map_err(|error| s3s::HttpError::new(Box::new(error))),
        }
    }

    fn of_sqs(self) -> SqsError {
        match self {
            Self::Throttled => SqsError::RequestThrottled,
            Self::InternalError => SqsError::InternalError,
            Self::Unavailable => SqsError::ServiceUnavailable,
        }
    }

    fn of_s3(self) -> s3s::S3Error {
        match self {
            Self::Throttled => s3_error!(SlowDown, "Please reduce your request rate."),
            Self::InternalError => s3_error!(InternalError, "We encountered an internal error. Please try again."),
            Self::Unavailable => s3_error!(ServiceUnavailable, "Service is unable to handle request."),
        }
    }
}

/// Reads a body and forgets it: a client that is still sending when the connection closes would not see the answer.
async fn read_to_end(mut body: Incoming) {
    while let Some(Ok(_frame)) = body.frame().await {}
}

fn content_length(request: &Request<Incoming>) -> u64 {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

fn billed(service: Service, bytes: u64) -> u64 {
    match service {
        Service::Sqs => bytes.div_ceil(BILLED_CHUNK).max(1),
        Service::S3 => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqs_bills_each_64_kib_begun_and_s3_each_request() {
        let sqs = [0, 1, 65_536, 65_537, 1 << 20].map(|bytes| billed(Service::Sqs, bytes));
        assert_eq!(sqs, [1, 1, 1, 2, 16]);
        assert_eq!(billed(Service::S3, 1 << 30), 1);
    }
}

//! What a service answers, and where operations are recorded.

use std::sync::Arc;

use crate::BoxError;
use crate::body::Body;
use crate::failure::Failure;
use crate::request::Request;

/// A service's answer to a request.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The body of the reply.
    pub body: Body,
    /// What the [`Journal`] wants to know beyond that. It is not sent.
    pub context: T,
}

/// A request that has been worked.
#[derive(Debug)]
pub struct Operation<T> {
    /// The request, as far as it could be read.
    pub request: Request,
    /// The responder's id.
    pub worker: Arc<str>,
    /// When the service worked.
    pub times: WorkTimes,
    /// What it answered.
    pub outcome: Result<Answer<T>, Failure>,
}

/// When a service worked: Unix milliseconds on the responder's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkTimes {
    /// When the service got the request.
    pub started: i64,
    /// When it had answered.
    pub finished: i64,
}

/// Records operations durably, after the reply was sent and before the message is deleted.
pub trait Journal<T>: Send + Sync + 'static {
    /// Records the operation. It may be asked to record the same operation more than once, by several responders at the same
    /// time too, since messages are delivered at least once: an operation is known by its request's id and digest.
    ///
    /// An error is logged and the record tried again, until it succeeds or the responder stops.
    fn record(&self, operation: &Operation<T>) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Notes that the request is about to be worked for the last time: if this delivery comes to no end either, SQS moves the
    /// message to the dead-letter queue without telling anybody. `worker` is the responder's id. Called before the service is.
    /// By default nothing is noted.
    ///
    /// An error is logged, and the note tried again a few times; then the request is worked without it.
    fn last_delivery(&self, request: &Request, worker: &str) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (request, worker);
        std::future::ready(Ok(()))
    }
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl<T: Send + Sync + 'static> Journal<T> for NoJournal {
    async fn record(&self, _operation: &Operation<T>) -> Result<(), BoxError> {
        Ok(())
    }
}

//! What is known of one operation.

use std::time::Duration;

use compute_operations::claim;
use compute_operations::log::{Finder, LogError};
use compute_proto::v1;
use rand::RngExt as _;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::Status;
use uuid::Uuid;

use super::Operations;
use super::description::{View, answered, logged};
use super::name::{CLAIM_TIME, age};
use crate::status;

/// The pauses between two looks of one who waits: they double, from the first one to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long the log may take to answer where this gateway knows the answer itself. The log knows more of the operation.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of an operation.
enum Known {
    Done(Box<v1::Operation>),
    /// Nothing yet, and it may be on its way.
    NotYet,
    /// Nothing, and it cannot be on its way any more.
    Nothing,
}

impl Operations {
    /// Tells what is known of a tenant's operation.
    pub(crate) async fn get(&self, tenant: Option<&str>, id: Uuid, deadline: Instant) -> Result<v1::Operation, Status> {
        self.wait(tenant, id, Instant::now(), deadline).await
    }

    /// Waits until a tenant's operation is done, but not beyond `until` or the deadline, and tells what is known of it then.
    ///
    /// It looks once at least. An operation that cannot be on its way, or a log that cannot be asked, ends the wait.
    pub(crate) async fn wait(
        &self,
        tenant: Option<&str>,
        id: Uuid,
        until: Instant,
        deadline: Instant,
    ) -> Result<v1::Operation, Status> {
        let operation = status::Operation { id, finish_late: None };
        let _place = self.place(tenant, operation)?;
        let finder = self.log.finder(tenant, id).map_err(|error| status::from_log_error(&error, operation))?;
        let mut look = Look { operations: self, tenant, operation, finder };
        let watch = self.answers.watch(id);
        let mut answered = Box::pin(watch.answered());
        let first =
            timeout_at(deadline, look.again()).await.map_err(|_elapsed| status::deadline_exceeded(operation))??;
        let until_known = async {
            let (mut known, mut pauses) = (first, Pauses::new());
            while matches!(known, Known::NotYet) {
                tokio::select! {
                    () = answered.as_mut() => answered.set(watch.answered()),
                    () = sleep(pauses.next()) => {}
                }
                known = look.again().await?;
            }
            Ok::<_, Status>(known)
        };
        match timeout_at(until.min(deadline), until_known).await.unwrap_or(Ok(Known::NotYet))? {
            Known::Done(done) => Ok(*done),
            Known::NotYet => Err(status::not_recorded_yet(operation)),
            Known::Nothing => Err(status::operation_not_found(operation)),
        }
    }
}

/// Somebody who looks for an operation.
struct Look<'a> {
    operations: &'a Operations,
    tenant: Option<&'a str>,
    operation: status::Operation,
    finder: Finder,
}

impl Look<'_> {
    async fn again(&mut self) -> Result<Known, Status> {
        match self.found().await {
            Ok(Some(done)) => Ok(Known::Done(Box::new(done))),
            Ok(None) => self.absent().await,
            Err(error) => Err(status::from_log_error(&error, self.operation)),
        }
    }

    /// What the log knows, or this gateway while the log does not.
    async fn found(&mut self) -> Result<Option<v1::Operation>, LogError> {
        let id = self.operation.id;
        let Some(answer) = self.operations.answers.get(id, self.tenant) else {
            return Ok(self.finder.look().await?.map(|record| logged(record, View::Full)));
        };
        match timeout(PATIENCE, self.finder.look()).await {
            // Not the mark of an operation whose last attempt brought the answer.
            Ok(Ok(Some(record))) if record.times.finished.is_some() => Ok(Some(logged(record, View::Full))),
            _ => Ok(Some(answered(answer, id, self.tenant))),
        }
    }

    /// Whether an operation of which nothing is known can be on its way.
    ///
    /// A request waits on its queue for as long as that keeps messages, and SQS counts from when it was sent. That is when its
    /// id was made, unless a caller chose the id: then it may have been sent later. What lies in a dead-letter queue for longer
    /// has a mark in the log.
    async fn absent(&self) -> Result<Known, Status> {
        let (id, retention) = (self.operation.id, self.operations.requester.retention().await);
        let age = age(id).unwrap_or_default();
        if age < retention {
            return Ok(Known::NotYet);
        }
        if age >= retention + CLAIM_TIME {
            return Ok(Known::Nothing);
        }
        let owner = claim::owner(&self.operations.bucket, self.tenant, id).await;
        let owner = owner.map_err(|error| status::from_claim_error(&error, self.operation))?;
        Ok(if owner.is_some() { Known::NotYet } else { Known::Nothing })
    }
}

/// Pauses that double, each with jitter: between half of it and all of it, so that those who began together do not look
/// together for ever.
struct Pauses {
    next: Duration,
}

impl Pauses {
    fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second() {
        let mut pauses = Pauses::new();
        for most in [50, 100, 200, 400, 800, 1_000, 1_000] {
            let pause = pauses.next();
            assert!((most / 2..=most).contains(&pause.as_millis()), "{pause:?} of at most {most} ms");
        }
    }
}

//! What is known of one operation.

use std::time::Duration;

use compute_operations::claim;
use compute_operations::log::LogError;
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

impl Operations {
    /// Tells what is known of a tenant's operation.
    pub(crate) async fn get(&self, tenant: Option<&str>, id: Uuid, deadline: Instant) -> Result<v1::Operation, Status> {
        let operation = status::Operation { id, finish_late: None };
        let _place = self.place(tenant, operation)?;
        let look = async {
            match self.look(tenant, id).await {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(self.absent(tenant, operation).await),
                Err(error) => Err(status::from_log_error(&error, operation)),
            }
        };
        timeout_at(deadline, look).await.map_err(|_elapsed| status::deadline_exceeded(operation))?
    }

    /// Waits until a tenant's operation is done, but not beyond `until` or the deadline. Tells what is known then, as
    /// [`get`](Self::get) does.
    ///
    /// An operation that does not exist any more, or a log that cannot be asked, ends the wait.
    pub(crate) async fn wait(
        &self,
        tenant: Option<&str>,
        id: Uuid,
        until: Instant,
        deadline: Instant,
    ) -> Result<v1::Operation, Status> {
        let watch = self.answers.watch(id);
        let mut given = Box::pin(watch.answered());
        let absent = match self.get(tenant, id, deadline).await {
            Err(status) if status::is_not_recorded_yet(&status) => status,
            known => return known,
        };
        let operation = status::Operation { id, finish_late: None };
        let _place = self.place(tenant, operation)?;
        let done = async {
            let mut pauses = Pauses::new();
            loop {
                tokio::select! {
                    () = given.as_mut() => given.set(watch.answered()),
                    () = sleep(pauses.next()) => {}
                }
                match self.look(tenant, id).await {
                    Ok(None) => {}
                    Ok(Some(found)) => return Ok(found),
                    Err(error) => return Err(status::from_log_error(&error, operation)),
                }
            }
        };
        timeout_at(until.min(deadline), done).await.unwrap_or(Err(absent))
    }

    /// What the log knows of a tenant's operation, or this gateway while the log does not.
    pub(super) async fn look(&self, tenant: Option<&str>, id: Uuid) -> Result<Option<v1::Operation>, LogError> {
        let in_log = self.log.find(tenant, id);
        let Some(answer) = self.answers.get(id, tenant) else {
            return Ok(in_log.await?.map(|record| logged(record, View::Full)));
        };
        match timeout(PATIENCE, in_log).await {
            Ok(Ok(Some(record))) => Ok(Some(logged(record, View::Full))),
            _ => Ok(Some(answered(answer, id, tenant))),
        }
    }

    /// What an operation is of which nothing is known: on its way still, or none.
    ///
    /// A request waits on its queue for as long as that keeps messages, and SQS counts from when it was sent. That is when its
    /// id was made, unless a caller chose the id: then it may have been sent later. What lies in a dead-letter queue for longer
    /// has a mark in the log.
    async fn absent(&self, tenant: Option<&str>, operation: status::Operation) -> Status {
        let (age, retention) = (age(operation.id).unwrap_or_default(), self.requester.retention().await);
        if age < retention {
            return status::not_recorded_yet(operation);
        }
        if age < retention + CLAIM_TIME {
            match claim::owner(&self.bucket, tenant, operation.id).await {
                Ok(Some(_)) => return status::not_recorded_yet(operation),
                Ok(None) => {}
                Err(error) => return status::from_claim_error(&error, operation),
            }
        }
        status::operation_not_found(operation)
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

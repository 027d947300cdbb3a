//! Calls with an operation id that their caller chose, which can be repeated.
//!
//! # What is promised
//!
//! To a tenant an id stands for one request, told by its digest. A call with the id of an earlier one and the same digest gets
//! the answer of that one; a call with another digest gets ALREADY_EXISTS. Never does a call get the answer to another request,
//! on whichever gateway it comes, and however many come at once.
//!
//! # How, and why that is enough
//!
//! 1. *Is it under way here?* Calls of one tenant, id **and digest** share a [flight](super::flights). Whether the id is
//!    rightly theirs is decided in the flight, once for all of them.
//! 2. *Has it been answered here?* An [answer kept](super::answers) for the tenant and the id is of a request that had the id
//!    by right, so its digest decides, and it is the answer.
//! 3. *Whose is the id?* The flight [claims](compute_operations::claim) it: a create-only PUT of the digest, of which S3 lets
//!    one succeed. Whoever comes second, on any gateway, reads the digest of the first. From here on all flights of this id have
//!    the same digest, and what they do can differ in nothing but time:
//! 4. *Is there an answer?* If the log has one of the same digest, that is it. It is looked for after a first claim too: the id
//!    may be one that a gateway made for an earlier call, which nobody claimed. One of another digest is ALREADY_EXISTS.
//! 5. *Send it.* A claim does not say that its request was ever sent, or still waits on the queue: its gateway may have died,
//!    its deadline may have dropped it. So it is sent, possibly again. That is harmless: both messages have the same id and
//!    body, so either reply is an answer to either (the requester matches replies by id and digest), and the log keeps one
//!    record.
//!
//! Claims need not be kept for ever. An id older than 24 hours is not claimed any more: it has a claim, or a record, or is
//! refused. So it is enough that claims stay for a day more than the time in which gateways' clocks may disagree.
//!
//! If S3 cannot be asked, steps 3 to 5 are not taken: the call is answered UNAVAILABLE and can be repeated. Steps 1 and 2 need
//! no S3.
//!
//! # What this does not decide
//!
//! An id that a *gateway* made is not claimed. Who repeats such a call with other fields before its record can be read, on
//! another gateway, gets the right answer to those fields, but the log keeps one record of the two. To repeat such a call with
//! the same fields is safe.

use compute_operations::claim::{self, Claim};
use compute_proto::v1::operation::Result as Outcome;
use compute_proto::v1::{ComputeResponse, Operation};
use compute_proto::validate::FieldViolation;
use sqs_rpc::CallError;
use tokio::time::timeout_at;
use tonic::Status;

use super::Operations;
use super::description::{View, answered, logged};
use super::flights::{Key, Landed, Lost};
use super::name::{CLAIM_TIME, age};
use crate::calls::Admitted;
use crate::digest::Digest;
use crate::exchange::Failed;
use crate::status;

/// A call with an id that its caller chose.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    /// With the caller's id.
    pub(crate) admitted: Admitted,
    pub(crate) tenant: Option<String>,
    pub(crate) digest: Digest,
    pub(crate) finish_late: bool,
    /// The field that the id was in, for a violation.
    pub(crate) field: &'static str,
}

impl Chosen {
    fn operation(&self) -> status::Operation {
        status::Operation { id: self.admitted.id, finish_late: Some(self.finish_late) }
    }

    fn late(&self) -> Lost {
        Lost { status: status::deadline_exceeded(self.operation()), was_short_of_time: true }
    }
}

impl Operations {
    /// Answers a call with an id that its caller chose: with the answer of an earlier one, or with that of `send`, which is
    /// dropped unpolled if nothing is to be sent.
    pub(crate) async fn answer_chosen<F>(&self, chosen: Chosen, send: F) -> Result<ComputeResponse, Status>
    where
        F: Future<Output = Result<ComputeResponse, Failed>> + Send + 'static,
    {
        let Chosen { tenant, admitted, digest, .. } = &chosen;
        let _place = self.place(tenant.as_deref(), chosen.operation())?;
        let mut send = Some(send);
        loop {
            let key = Key { tenant: tenant.clone(), id: admitted.id, digest: *digest };
            let flight = self.flights.join_or_start(key, || self.clone().fly(chosen.clone(), send.take()));
            match timeout_at(admitted.deadline, flight).await {
                Ok(Ok(response)) => return Ok(response),
                // The flight of another call, which had less time than this one still has.
                Ok(Err(lost)) if lost.was_short_of_time && send.is_some() => {}
                Ok(Err(lost)) => return Err(lost.status),
                Err(_elapsed) => return Err(chosen.late().status),
            }
        }
    }

    /// The answer of an earlier call with this id; none if the request is to be sent, possibly again.
    pub(crate) async fn earlier(&self, chosen: &Chosen) -> Result<Option<Operation>, Status> {
        let (id, tenant, operation) = (chosen.admitted.id, chosen.tenant.as_deref(), chosen.operation());
        let of_same = |digest: Option<Digest>, earlier: Operation| match digest {
            Some(digest) if digest == chosen.digest => Ok(Some(earlier)),
            _ => Err(status::operation_id_taken(operation)),
        };
        if let Some(answer) = self.answers.get(id, tenant) {
            return of_same(Some(answer.digest), answered(answer, id, tenant));
        }
        let is_old = age(id).is_ok_and(|age| age > CLAIM_TIME);
        if !is_old && self.claim(chosen).await? == Claim::Taken {
            return Err(status::operation_id_taken(operation));
        }
        let found = self.log.find(tenant, id).await.map_err(|error| status::from_log_error(&error, operation))?;
        if let Some(record) = found {
            return of_same(Digest::from_hex(&record.digest), logged(record, View::Full));
        }
        if is_old { self.claimed_before(chosen).await.map(|()| None) } else { Ok(None) }
    }

    async fn claim(&self, chosen: &Chosen) -> Result<Claim, Status> {
        let (id, tenant, digest) = (chosen.admitted.id, chosen.tenant.as_deref(), chosen.digest.to_hex());
        let claim = claim::claim(&self.bucket, tenant, id, &digest).await;
        claim.map_err(|error| status::from_claim_error(&error, chosen.operation()))
    }

    /// Whether an id that cannot be claimed any more was claimed for this request while it could.
    async fn claimed_before(&self, chosen: &Chosen) -> Result<(), Status> {
        let (id, tenant, operation) = (chosen.admitted.id, chosen.tenant.as_deref(), chosen.operation());
        match claim::owner(&self.bucket, tenant, id).await {
            Ok(Some(owner)) if owner.is(&chosen.digest.to_hex()) => Ok(()),
            Ok(Some(_)) => Err(status::operation_id_taken(operation)),
            Ok(None) => {
                let description = "the id is of more than 24 hours ago, and no operation has it".to_owned();
                let violation = FieldViolation { field: chosen.field.to_owned(), description };
                Err(status::invalid_request(vec![violation], operation))
            }
            Err(error) => Err(status::from_claim_error(&error, operation)),
        }
    }

    async fn fly<F>(self, chosen: Chosen, send: Option<F>) -> Landed
    where
        F: Future<Output = Result<ComputeResponse, Failed>>,
    {
        let operation = chosen.operation();
        match timeout_at(chosen.admitted.deadline, self.earlier(&chosen)).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(earlier))) => return response(chosen.admitted, earlier, operation).map_err(Lost::from),
            Ok(Err(status)) => return Err(status.into()),
            Err(_elapsed) => return Err(chosen.late()),
        }
        let Some(send) = send else { return Err(chosen.late()) };
        send.await.map_err(|failed| {
            let short = matches!(failed, Failed::Call(CallError::DeadlineExceeded | CallError::Overloaded { .. }));
            Lost { status: failed.into_status(operation), was_short_of_time: short }
        })
    }
}

impl From<Status> for Lost {
    fn from(status: Status) -> Self {
        Self { status, was_short_of_time: false }
    }
}

/// The answer to a call that repeats one that is done.
fn response(admitted: Admitted, earlier: Operation, operation: status::Operation) -> Result<ComputeResponse, Status> {
    let Operation { result, timing, worker, .. } = earlier;
    match result {
        Some(Outcome::Statistics(statistics)) => {
            let (operation_id, statistics) = (admitted.id.to_string(), Some(statistics));
            Ok(ComputeResponse { operation_id, statistics, timing, worker })
        }
        Some(Outcome::Error(error)) => Err(status::failed_before(error, operation)),
        // What is done has a result.
        None => Err(status::not_recorded_yet(operation)),
    }
}

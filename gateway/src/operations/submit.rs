//! Requests that nobody waits for.

use compute_proto::v1::{ComputeRequest, Operation};
use sqs_rpc::CallError;
use tokio::time::timeout_at;
use tonic::Status;

use super::description::pending;
use super::{Chosen, Operations};
use crate::calls::{Admitted, CallMemory};
use crate::exchange::{Caller, Exchange};
use crate::status;

impl Operations {
    /// Returns as soon as SQS has the request; or with the operation itself, if the id is one that its caller chose
    /// (`chosen_in`: the field that has it), and the request was answered before.
    pub(crate) async fn submit(
        &self,
        exchange: &Exchange,
        admitted: Admitted,
        caller: Caller,
        request: ComputeRequest,
        memory: CallMemory,
        chosen_in: Option<&'static str>,
    ) -> Result<Operation, Status> {
        let operation = status::Operation { id: admitted.id, finish_late: None };
        let _place = self.place(caller.tenant.as_deref(), operation)?;
        let submit = async {
            let prepared = exchange.prepare(request, memory).await;
            let prepared = prepared.map_err(|error| status::payload_unavailable(&error, operation))?;
            if let Some(field) = chosen_in {
                let (tenant, digest, finish_late) = (caller.tenant.clone(), prepared.digest, prepared.finish_late);
                let chosen = Chosen { admitted, tenant, digest, finish_late, field };
                if let Some(earlier) = self.earlier(&chosen).await? {
                    return Ok(earlier);
                }
            }
            match exchange.submit(admitted, caller, prepared).await {
                Ok(()) => Ok(pending(admitted.id)),
                Err(CallError::DeadlineExceeded) => Err(status::not_queued_in_time(operation)),
                Err(error) => Err(status::from_call_error(error, operation)),
            }
        };
        timeout_at(admitted.deadline, submit)
            .await
            .unwrap_or_else(|_elapsed| Err(status::not_queued_in_time(operation)))
    }
}

//! What goes into the log of operations.

use compute_operations::log::{LogError, LogWriter};
use compute_operations::record::{self, LogValues, Record};
use compute_proto::wire;
use sqs_rpc::{BoxError, Journal};

use crate::service::Computed;

/// Logs each operation.
#[derive(Debug, Clone)]
pub struct OperationLog {
    writer: LogWriter,
    values: LogValues,
}

impl OperationLog {
    /// Logs through this writer, and as much of the values as this says.
    pub fn new(writer: LogWriter, values: LogValues) -> Self {
        Self { writer, values }
    }
}

impl Journal<Computed> for OperationLog {
    async fn record(&self, operation: &sqs_rpc::Operation<Computed>) -> Result<(), BoxError> {
        match self.writer.write(&self.to_record(operation)).await {
            // The service has refused it for the same reason; the process log is the only place for it.
            Err(LogError::Key(error)) => {
                tracing::warn!(%error, id = %operation.request.id, "an operation without a place in the log was refused");
                Ok(())
            }
            written => Ok(written?),
        }
    }
}

impl OperationLog {
    fn to_record(&self, operation: &sqs_rpc::Operation<Computed>) -> Record {
        let (request, times) = (&operation.request, operation.times);
        let about = record::Operation {
            id: request.id,
            tenant: request.tenant.clone(),
            method: request.method.clone(),
            times: record::Times {
                sent: request.times.sent,
                first_received: request.times.first_received,
                started: Some(times.started),
                finished: Some(times.finished),
            },
            worker: operation.worker.to_string(),
            digest: request.digest.clone(),
        };
        match &operation.outcome {
            Ok(answer) => {
                let Computed { values, statistics, .. } = &answer.context;
                Record::succeeded(about, values, statistics.clone(), self.values)
            }
            Err(failure) => {
                let values = wire::request_from_json(&request.body).ok().map(|request| request.values);
                let error = record::Error { code: failure.code, message: failure.message.clone() };
                Record::failed(about, values.as_deref(), error, self.values)
            }
        }
    }
}

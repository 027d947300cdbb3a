//! What goes into the log of operations.

use std::time::{SystemTime, UNIX_EPOCH};

use compute_operations::log::{LogError, LogWriter};
use compute_operations::record::{self, LogValues, Record};
use compute_proto::wire;
use sqs_rpc::{BoxError, Journal, Pointer, Request};

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

    async fn last_delivery(&self, request: &Request, worker: &str) -> Result<(), BoxError> {
        let about = about(request, worker, record::Times { started: Some(unix_ms()), ..times(request) });
        let mark = self.with_payload(Record::dead_mark(about, request.receive_count), request);
        match self.writer.mark_dead(&mark).await {
            // The service will refuse it.
            Err(LogError::Key(_)) => Ok(()),
            marked => Ok(marked?),
        }
    }
}

impl OperationLog {
    fn to_record(&self, operation: &sqs_rpc::Operation<Computed>) -> Record {
        let request = &operation.request;
        let times = record::Times {
            started: Some(operation.times.started),
            finished: Some(operation.times.finished),
            ..times(request)
        };
        let about = about(request, &operation.worker, times);
        let record = match &operation.outcome {
            Ok(answer) => {
                let Computed { values, statistics } = &answer.context;
                Record::succeeded(about, values, statistics.clone(), self.values)
            }
            Err(failure) => {
                let values = wire::request_from_json(&request.body).ok().map(|request| request.values);
                let error = record::Error { code: failure.code, message: failure.message.clone() };
                Record::failed(about, values.as_deref(), error, self.values)
            }
        };
        self.with_payload(record, request)
    }

    /// Names the payload of a request that did not come in the message. The service has read the pointer in the same way.
    fn with_payload(&self, record: Record, request: &Request) -> Record {
        let pointer = request.payload_in_s3.and_then(|_| Pointer::read(&request.body, self.writer.bucket()).ok());
        match pointer {
            Some(pointer) => record.with_payload(pointer.key(), None),
            None => record,
        }
    }
}

fn about(request: &Request, worker: &str, times: record::Times) -> record::Operation {
    record::Operation {
        id: request.id,
        tenant: request.tenant.clone(),
        method: request.method.clone(),
        times,
        worker: worker.to_owned(),
        digest: request.digest.clone(),
    }
}

/// What SQS knows of the times.
fn times(request: &Request) -> record::Times {
    record::Times { sent: request.times.sent, first_received: request.times.first_received, ..record::Times::default() }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

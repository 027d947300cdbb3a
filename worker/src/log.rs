//! The log of operations in S3: one object for each.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use compute_proto::wire;
use sqs_rpc::{BoxError, Journal};

use crate::record::{self, LogValues, Record};
use crate::service::Computed;

/// How long one attempt of a request may take, so that an S3 that takes a record and never answers does not keep it for ever.
/// The SDK's retries come on top.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes the record of each operation to its own object.
#[derive(Clone)]
pub struct S3Log {
    client: Client,
    bucket: String,
    values: LogValues,
}

/// Why operations cannot be logged.
#[derive(Debug, thiserror::Error)]
#[error("{operation} on the bucket {bucket} failed: {reason}")]
pub struct LogError {
    operation: &'static str,
    bucket: String,
    reason: String,
}

impl fmt::Debug for S3Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Log").field("bucket", &self.bucket).field("values", &self.values).finish_non_exhaustive()
    }
}

impl S3Log {
    /// A log in this bucket, which must be there.
    ///
    /// # Errors
    ///
    /// When the bucket is not there, or may not be used.
    pub async fn open(aws: &SdkConfig, bucket: &str, values: LogValues) -> Result<Self, LogError> {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let config = aws_sdk_s3::config::Builder::from(aws)
            .timeout_config(timeouts)
            // An endpoint of one's own is often an address without a wildcard name: the bucket then goes into the path.
            .force_path_style(aws.endpoint_url().is_some())
            .build();
        let log = Self { client: Client::from_conf(config), bucket: bucket.to_owned(), values };
        let answer = log.client.head_bucket().bucket(bucket).send().await;
        answer.map_err(|error| log.error("HeadBucket", &error))?;
        Ok(log)
    }

    /// Creates an object, unless it is there already.
    async fn create(&self, key: &str, content: String) -> Result<(), LogError> {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/json");
        match request.if_none_match("*").body(ByteStream::from(content.into_bytes())).send().await {
            Ok(_) => Ok(()),
            // An earlier delivery of the same request has logged the same.
            Err(error) if error.code() == Some("PreconditionFailed") => {
                tracing::debug!(key, "logged before");
                Ok(())
            }
            Err(error) => Err(self.error("PutObject", &error)),
        }
    }

    fn error<E: std::error::Error + 'static>(&self, operation: &'static str, error: &SdkError<E>) -> LogError
    where
        SdkError<E>: ProvideErrorMetadata,
    {
        // The messages of the error and its causes; the SDK's own rendering adds request and response whole.
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let reason = match (error.code(), error.message()) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
            (None, _) => causes.map(ToString::to_string).collect::<Vec<_>>().join(": "),
        };
        LogError { operation, bucket: self.bucket.clone(), reason }
    }
}

impl Journal<Computed> for S3Log {
    async fn record(&self, operation: &sqs_rpc::Operation<Computed>) -> Result<(), BoxError> {
        let request = &operation.request;
        match record::key(request.tenant.as_deref(), request.id) {
            Ok(key) => Ok(self.create(&key, self.to_record(operation).to_json()).await?),
            Err(error) => {
                // The service has refused it for the same reason; the process log is the only place for it.
                tracing::warn!(%error, id = %request.id, "an operation without a place in the log was refused");
                Ok(())
            }
        }
    }
}

impl S3Log {
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
                let Computed { values, statistics } = &answer.context;
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

//! The worker: takes requests from an SQS queue, computes statistics, replies, and logs each operation to S3.
//!
//! [`run`] is the whole of it; the binary `compute-worker` adds flags, logs and signals. How messages are received, kept,
//! answered and deleted is the business of [`sqs_rpc`]; here is what is done with them:
//!
//! - [`service`]: a request's body in, a reply's body out;
//! - `payload`: requests whose bodies lie in S3;
//! - [`memory`], [`limits`]: how much of it there may be at once, and how large each may be;
//! - `refusal`: what a request that cannot be worked is answered with;
//! - [`statistics`]: the numbers, exact;
//! - [`log`]: what goes into the log of operations, which is [`compute_operations`]'s;
//! - [`dead`]: what operators do with requests that were not finished;
//! - [`doctor`]: whether AWS is as a worker needs it;
//! - [`log_cli`]: what people do with the log.

pub mod config;
pub mod dead;
pub mod doctor;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod limits;
pub mod log;
pub mod log_cli;
pub mod memory;
mod metrics;
mod payload;
mod refusal;
pub mod service;
pub mod statistics;
mod terminal;

use std::future::Future;

use aws_config::SdkConfig;
pub use compute_operations::log::LogMode;
use compute_operations::log::{BatchLimits, LogWriter};
use compute_operations::payload::Payloads;
pub use compute_operations::record::LogValues;
use compute_operations::{Bucket, BucketError};
use compute_process::aws::Requests;
use compute_process::{Readiness, State, admin};
use sqs_rpc::{Responder, ResponderConfig};
use tokio_util::task::AbortOnDropHandle;

pub use self::config::{CommandLine, Config, ConfigError, Doctor, Flags};
use self::log::OperationLog;
use self::service::ComputeService;

/// Why a worker ends other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Settings contradict each other.
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// A setting is out of its range, or the request queue cannot be used.
    #[error("cannot start the worker")]
    Start(#[from] sqs_rpc::StartError),
    /// The bucket for the log cannot be used.
    #[error("cannot use the log bucket")]
    Bucket(#[from] BucketError),
}

/// Runs a worker until `shutdown` is ready, then finishes what it has begun, within the drain limit.
///
/// `admin` is the admin port, if there is to be one. `readiness` is told how far the worker is: a new one for
/// each worker. Dropping the future ends everything at once; what was not settled will be delivered again.
///
/// # Errors
///
/// When the worker cannot start. Once it runs, whatever fails is retried or left to other workers.
pub async fn run(
    config: Config,
    aws: &SdkConfig,
    admin: Option<admin::Port>,
    readiness: Readiness,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    config.check()?;
    let requests = Requests::default();
    let bucket = Bucket::observed(aws, &config.log_bucket, requests.interceptor());
    bucket.head().await?;
    let (writer, payloads) = (log_writer(&config, bucket.clone()), Payloads::new(bucket));
    let log = OperationLog::new(writer.clone(), config.log_values);
    let service = ComputeService::new(payloads.clone(), &config.limits);
    let (times, memory) = (service.times().clone(), service.memory().clone());
    let responder_config = ResponderConfig { interceptor: Some(requests.interceptor()), ..responder_config(&config) };
    let responder = Responder::new(aws, responder_config, service, log).await?;
    let stats = responder.stats();
    let _admin = admin.map(|port| {
        let log = writer.clone();
        let metrics = metrics::metrics(metrics::Sources { stats, times, log, memory, payloads, aws: requests });
        // Ends with this future: it is to answer while the worker drains.
        let serve = admin::serve(port, readiness.clone(), metrics, std::future::pending());
        AbortOnDropHandle::new(tokio::spawn(serve))
    });

    readiness.set(State::Ready);
    tracing::info!(request_queue = config.request_queue, log_bucket = config.log_bucket, "ready");
    let draining = async {
        shutdown.await;
        readiness.set(State::Draining);
        tracing::info!(limit = ?config.drain_limit, "draining");
        // Nothing comes any more that a record could wait for.
        writer.flush_at_once();
    };
    responder.run(draining, config.drain_limit).await;
    tracing::info!("ended");
    Ok(())
}

fn log_writer(config: &Config, bucket: Bucket) -> LogWriter {
    match config.log_mode {
        LogMode::Object => LogWriter::new(bucket),
        LogMode::Batch => {
            let unsettled = config.concurrency.saturating_add(config.max_unsettled);
            let unsettled = usize::try_from(unsettled).unwrap_or(usize::MAX);
            LogWriter::batching(bucket, BatchLimits::new(config.log_flush_interval, unsettled))
        }
    }
}

fn responder_config(config: &Config) -> ResponderConfig {
    let mut responder = ResponderConfig::new(&config.request_queue);
    responder.prefix.clone_from(&config.prefix);
    responder.concurrency = usize::try_from(config.concurrency).unwrap_or(usize::MAX);
    responder.max_unsettled = usize::try_from(config.max_unsettled).unwrap_or(usize::MAX);
    responder.poll_wait = config.poll_wait;
    if let Some(worker_id) = &config.worker_id {
        responder.worker_id.clone_from(worker_id);
    }
    responder
}

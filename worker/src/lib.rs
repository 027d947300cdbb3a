//! The worker: takes requests from an SQS queue, computes statistics, replies, and logs each operation to S3.
//!
//! [`run`] is the whole of it; the binary `compute-worker` adds flags, logs and signals. How messages are received, kept,
//! answered and deleted is the business of [`sqs_rpc`]; here is what is done with them:
//!
//! - [`service`]: a request's body in, a reply's body out;
//! - [`statistics`]: the numbers, exact;
//! - [`record`]: what the log says of an operation, and under which key;
//! - [`log`]: how it gets there.

pub mod config;
pub mod log;
pub mod metrics;
pub mod record;
pub mod service;
pub mod statistics;

use std::future::Future;
use std::sync::Arc;

use aws_config::SdkConfig;
use compute_process::{Readiness, State, admin};
use sqs_rpc::{Responder, ResponderConfig};
use tokio::net::TcpListener;

pub use self::config::{Config, Flags, LogValues};
use self::log::S3Log;
use self::service::ComputeService;

/// Why a worker ends other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting contradicts another, or the request queue cannot be used.
    #[error("cannot start the worker")]
    Start(#[from] sqs_rpc::StartError),
    /// The bucket for the log cannot be used.
    #[error("cannot use the log bucket")]
    Log(#[from] log::LogError),
}

/// Runs a worker until `shutdown` is ready, then finishes what it has begun, within the drain limit.
///
/// `admin` is the listener of the admin port, if there is to be one.
///
/// # Errors
///
/// When the worker cannot start. Once it runs, whatever fails is retried or left to other workers.
pub async fn run(
    aws: &SdkConfig,
    config: Config,
    admin: Option<TcpListener>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    let log = S3Log::open(aws, &config.log_bucket, config.log_values).await?;
    let responder = Responder::new(aws, responder_config(&config), ComputeService, log).await?;
    let readiness = Readiness::new();
    let stats = responder.stats();
    let admin = admin.map(|listener| {
        let metrics: admin::Metrics = Arc::new(move || metrics::render(&stats()));
        // Ends with the process: it is to answer while the worker drains.
        tokio::spawn(admin::serve(listener, readiness.clone(), metrics, std::future::pending()))
    });

    readiness.set(State::Ready);
    tracing::info!(request_queue = config.request_queue, log_bucket = config.log_bucket, "the worker is up");
    let draining = async {
        shutdown.await;
        readiness.set(State::Draining);
    };
    responder.run(draining, config.drain_limit).await;
    if let Some(admin) = admin {
        admin.abort();
    }
    tracing::info!("the worker has stopped");
    Ok(())
}

fn responder_config(config: &Config) -> ResponderConfig {
    let mut responder = ResponderConfig::new(&config.request_queue);
    responder.prefix.clone_from(&config.prefix);
    responder.concurrency = usize::try_from(config.concurrency).unwrap_or(usize::MAX);
    responder.poll_wait = config.poll_wait;
    if let Some(worker_id) = &config.worker_id {
        responder.worker_id.clone_from(worker_id);
    }
    responder
}

//! A worker whose work takes a fixed time and no processor, so that its slots alone set how much it can do: `slots / time` a
//! second. All else is the worker's own: the responder, the statistics, the log.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use compute_process::{aws, flags};
use compute_worker::LogValues;
use compute_worker::log::S3Log;
use compute_worker::service::{ComputeService, Computed};
use sqs_rpc::{Answer, Failure, Request, Responder, ResponderConfig};
use tower::Service;

use crate::BoxError;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// The queue to take requests from
    #[arg(long, value_parser = flags::queue)]
    request_queue: String,
    /// The bucket to log operations to
    #[arg(long, value_parser = flags::bucket)]
    log_bucket: String,
    /// What the names of the queues that it may reply to start with
    #[arg(long, env = "COMPUTE_PREFIX", value_parser = flags::prefix)]
    prefix: String,
    /// The name that replies and the log give this worker
    #[arg(long)]
    worker_id: String,
    /// How many requests to work on at once
    #[arg(long, default_value_t = 10)]
    slots: usize,
    /// How long each takes
    #[arg(long, default_value = "20ms", value_parser = flags::duration(Duration::from_millis(1)..=Duration::from_secs(60)))]
    time: Duration,
    /// Work also what nobody waits for any more
    #[arg(long)]
    no_shedding: bool,
}

/// Works until `shutdown` is ready.
pub(crate) async fn run(flags: Flags, shutdown: impl Future<Output = ()>) -> Result<(), BoxError> {
    let aws = aws::load().await;
    let log = S3Log::open(&aws, &flags.log_bucket, LogValues::All).await?;
    let mut config = ResponderConfig::new(flags.request_queue);
    config.prefix = flags.prefix;
    config.worker_id = flags.worker_id;
    config.concurrency = flags.slots;
    config.poll_wait = Duration::from_secs(1);
    config.shed = !flags.no_shedding;
    let service = SlowService { time: flags.time, compute: ComputeService::new(&flags.log_bucket) };
    let responder = Responder::new(&aws, config, service, log).await?;
    tracing::info!("ready");
    responder.run(shutdown, Duration::from_secs(25)).await;
    Ok(())
}

/// Computes the statistics, after a while.
#[derive(Debug, Clone)]
struct SlowService {
    time: Duration,
    compute: ComputeService,
}

impl Service<Request> for SlowService {
    type Response = Answer<Computed>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Answer<Computed>, Failure>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (time, mut compute) = (self.time, self.compute.clone());
        Box::pin(async move {
            tokio::time::sleep(time).await;
            compute.call(request).await
        })
    }
}

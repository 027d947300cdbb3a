//! A worker whose work takes a fixed time and no processor, so that its slots alone set how much it can do: `slots / time` a
//! second. All else is the worker's own: the responder, the statistics, the log.

use std::future::Future;
use std::time::Duration;

use compute_operations::Bucket;
use compute_operations::log::LogWriter;
use compute_operations::payload::Payloads;
use compute_process::{aws, flags};
use compute_worker::LogValues;
use compute_worker::limits::Limits;
use compute_worker::log::OperationLog;
use compute_worker::service::ComputeService;
use sqs_rpc::{Request, Responder, ResponderConfig};
use tower::Service as _;

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
    let bucket = Bucket::open(&aws, &flags.log_bucket).await?;
    let log = OperationLog::new(LogWriter::new(bucket.clone()), LogValues::All);
    let mut config = ResponderConfig::new(flags.request_queue);
    config.prefix = flags.prefix;
    config.worker_id = flags.worker_id;
    config.concurrency = flags.slots;
    config.poll_wait = Duration::from_secs(1);
    config.shed = !flags.no_shedding;
    let (time, compute) = (flags.time, ComputeService::new(Payloads::new(bucket), &Limits::default()));
    let service = tower::service_fn(move |request: Request| {
        let mut compute = compute.clone();
        async move {
            tokio::time::sleep(time).await;
            compute.call(request).await
        }
    });
    let responder = Responder::new(&aws, config, service, log).await?;
    tracing::info!("ready");
    responder.run(shutdown, Duration::from_secs(25)).await;
    Ok(())
}

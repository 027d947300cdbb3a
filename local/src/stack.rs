//! Everything that runs, started in order and stopped in the reverse one.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use compute_process::{Readiness, State};
use futures_util::future;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::AbortOnDropHandle;

use crate::aws;
use crate::chaos::{Chaos, Gate, Outage, Traffic};
use crate::s3::{CreateBucketError, LifecycleError, OpenError, S3Store};
use crate::sqs::{Sqs, SqsConfig, SqsError};

/// The queue that requests go through.
pub const REQUEST_QUEUE: &str = "compute-requests";

/// Where requests go that nobody can answer.
pub const DEAD_LETTER_QUEUE: &str = "compute-requests-dlq";

/// The bucket that operations are logged to.
pub const LOG_BUCKET: &str = "compute-logs";

/// The lifecycle rules that the log bucket gets if it has none, for `aws s3api put-bucket-lifecycle-configuration`.
pub const LIFECYCLE: &str = include_str!("../lifecycle.json");

/// How long a poll waits. Polls cost nothing here, and short ones let a stop come home at once.
const POLL_WAIT: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds the objects of the embedded S3. It is made if it is not there.
    pub data_dir: PathBuf,
    /// How many workers to run. With 0, workers of other processes can join at the endpoint.
    pub workers: u32,
    /// The limits of the embedded SQS.
    pub sqs: SqsConfig,
    /// The settings of the gateway.
    pub gateway: compute_gateway::Config,
    /// The settings of each worker.
    pub worker: compute_worker::Config,
    /// How the embedded SQS and S3 misbehave. `None`: not at all.
    pub chaos: Option<Chaos>,
    /// What the gateway's and the workers' requests to SQS and S3 go through. `None`: the usual client.
    pub http_client: Option<SharedHttpClient>,
}

impl Config {
    /// One worker and the defaults of every part, with the data in this folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let mut gateway = compute_gateway::Config::new(REQUEST_QUEUE, LOG_BUCKET);
        gateway.poll_wait = POLL_WAIT;
        let mut worker = compute_worker::Config::new(REQUEST_QUEUE, LOG_BUCKET);
        worker.poll_wait = POLL_WAIT;
        let (data_dir, sqs) = (data_dir.into(), SqsConfig::default());
        Self { data_dir, workers: 1, sqs, gateway, worker, chaos: None, http_client: None }
    }
}

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener has no address.
    #[error("cannot use a listener")]
    Listener(#[from] io::Error),
    /// The data folder cannot be used.
    #[error("cannot open the data folder")]
    Data(#[from] OpenError),
    /// The log bucket cannot be made.
    #[error("cannot make the bucket {LOG_BUCKET}")]
    Bucket(#[from] CreateBucketError),
    /// The log bucket cannot be given its lifecycle rules.
    #[error("cannot set the lifecycle rules of the bucket {LOG_BUCKET}")]
    Lifecycle(#[from] LifecycleError),
    /// A queue cannot be made.
    #[error("cannot make the queues")]
    Queue(#[from] SqsError),
    /// A worker does not start.
    #[error(transparent)]
    Worker(#[from] compute_worker::RunError),
    /// The gateway does not start.
    #[error(transparent)]
    Gateway(#[from] compute_gateway::RunError),
}

/// A running system.
#[derive(Debug)]
pub struct Stack {
    address: SocketAddr,
    aws_address: SocketAddr,
    log_dir: PathBuf,
    sqs: Arc<Sqs>,
    gate: Arc<Gate>,
    gateway: Part<compute_gateway::RunError>,
    workers: Vec<Part<compute_worker::RunError>>,
    aws: Part<Infallible>,
    sweep: Part<Infallible>,
}

impl Stack {
    /// Starts everything: gRPC and the page on `listener`, SQS and S3 on `aws_listener`.
    ///
    /// # Errors
    ///
    /// When a part cannot start. Those that run already are stopped then.
    pub async fn start(config: Config, listener: TcpListener, aws_listener: TcpListener) -> Result<Self, StartError> {
        let (address, aws_address) = (listener.local_addr()?, aws_listener.local_addr()?);
        let store = S3Store::open(config.data_dir.join("s3")).await?;
        store.create_bucket_if_absent(LOG_BUCKET).await?;
        store.set_lifecycle_if_absent(LOG_BUCKET, LIFECYCLE).await?;
        let gate = Arc::new(Gate::new(config.chaos));
        let sqs = Arc::new(Sqs::with_disorder(config.sqs, gate.disorder()));
        create_queues(&sqs)?;

        let http_client = config.http_client.unwrap_or_else(compute_process::aws::http_client);
        // Credentials of their own, so that who made a request can be told from its signature.
        let sdk_of =
            |role| compute_process::aws::for_endpoint_as(role, &format!("http://{aws_address}"), http_client.clone());
        let sweep = Part::start({
            let store = store.clone();
            move |stop| async move {
                store.sweep_hourly(SystemTime::now, stop).await;
                Ok(())
            }
        });
        let aws = Part::start({
            let (sqs, gate) = (sqs.clone(), gate.clone());
            let answer = move |request| {
                let sqs = sqs.clone();
                async move { sqs.handle(request).await }
            };
            move |stop| async move {
                aws::serve(aws_listener, answer, store, gate, stop).await;
                Ok(())
            }
        });
        let worker_sdk = sdk_of("worker");
        let mut workers = Vec::new();
        for number in 1..=config.workers {
            workers.push(start_worker(&worker_sdk, &config.worker, number).await?);
        }
        let gateway = start_gateway(&sdk_of("gateway"), config.gateway, listener).await?;
        let log_dir = config.data_dir.join("s3").join(LOG_BUCKET).join("operations");
        Ok(Self { address, aws_address, log_dir, sqs, gate, gateway, workers, aws, sweep })
    }

    /// Where gRPC, gRPC-Web and the page are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where SQS and S3 are served.
    pub fn aws_endpoint(&self) -> String {
        format!("http://{}", self.aws_address)
    }

    /// The folder that holds the log objects as files.
    pub fn log_dir(&self) -> &Path {
        &self.log_dir
    }

    /// The embedded SQS.
    pub fn sqs(&self) -> &Arc<Sqs> {
        &self.sqs
    }

    /// Switches SQS or S3 off and on again.
    pub fn outage(&self) -> &Outage {
        self.gate.outage()
    }

    /// What came in at SQS and S3 so far, and which faults were injected.
    pub fn traffic(&self) -> Traffic {
        self.gate.traffic()
    }

    /// Stops everything: the gateway first, so that its calls are answered, then the workers, then SQS and S3. Tells what came
    /// in at the latter two, all in all.
    pub async fn stop(self) -> Traffic {
        self.gateway.stop("gateway").await;
        future::join_all(self.workers.into_iter().map(|worker| worker.stop("worker"))).await;
        self.aws.stop("AWS endpoint").await;
        self.sweep.stop("removal of expired objects").await;
        self.gate.traffic()
    }
}

fn create_queues(sqs: &Sqs) -> Result<(), SqsError> {
    sqs.create_queue(DEAD_LETTER_QUEUE, [("MessageRetentionPeriod", "1209600")])?;
    let dead_letter_arn = format!("arn:aws:sqs:us-east-1:000000000000:{DEAD_LETTER_QUEUE}");
    let redrive = format!(r#"{{"deadLetterTargetArn":"{dead_letter_arn}","maxReceiveCount":10}}"#);
    let attributes =
        [("MessageRetentionPeriod", "345600"), ("VisibilityTimeout", "10"), ("RedrivePolicy", redrive.as_str())];
    sqs.create_queue(REQUEST_QUEUE, attributes)
}

async fn start_worker(
    aws: &SdkConfig,
    config: &compute_worker::Config,
    number: u32,
) -> Result<Part<compute_worker::RunError>, StartError> {
    let (aws, mut config) = (aws.clone(), config.clone());
    config.worker_id.get_or_insert_with(|| format!("local-{number}"));
    let readiness = Readiness::new();
    let part = Part::start({
        let readiness = readiness.clone();
        move |stop| async move { compute_worker::run(config, &aws, None, readiness, stop).await }
    });
    Ok(part.when_ready(&readiness).await?)
}

async fn start_gateway(
    aws: &SdkConfig,
    config: compute_gateway::Config,
    calls: TcpListener,
) -> Result<Part<compute_gateway::RunError>, StartError> {
    let (aws, listeners) = (aws.clone(), compute_gateway::Listeners { calls, admin: None });
    let readiness = Readiness::new();
    let part = Part::start({
        let readiness = readiness.clone();
        move |stop| async move { compute_gateway::run(config, &aws, listeners, readiness, stop).await }
    });
    Ok(part.when_ready(&readiness).await?)
}

/// A part of the stack: a task that runs until it is told to stop, or is dropped.
#[derive(Debug)]
struct Part<E> {
    stopping: CancellationToken,
    task: AbortOnDropHandle<Result<(), E>>,
}

impl<E: std::error::Error + Send + 'static> Part<E> {
    fn start<F>(run: impl FnOnce(WaitForCancellationFutureOwned) -> F) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let stopping = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(run(stopping.clone().cancelled_owned())));
        Self { stopping, task }
    }

    /// Waits until the part is ready, or failed to become so.
    async fn when_ready(mut self, readiness: &Readiness) -> Result<Self, E> {
        tokio::select! {
            () = readiness.reached(State::Ready) => Ok(self),
            ended = &mut self.task => match ended {
                Ok(Err(error)) => Err(error),
                // It has ended well before it was ready, which nobody asked for; or it panicked, which is reported already.
                Ok(Ok(())) | Err(_) => Ok(self),
            },
        }
    }

    async fn stop(self, name: &'static str) {
        self.stopping.cancel();
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = &error as &dyn std::error::Error, "the {name} had failed"),
            Err(error) => tracing::error!(%error, "the {name} had failed"),
        }
    }
}

//! The life of a gateway: start, serve, drain, end.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::SdkConfig;
use compute_operations::Bucket;
use compute_operations::payload::Payloads;
use compute_process::aws::Requests;
use compute_process::{Readiness, State, admin};
use humantime::format_duration;
use sqs_rpc::{Requester, RequesterConfig, SharedInterceptor, StartError};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::calls::Calls;
use crate::claim_check::ClaimCheck;
use crate::config::{Config, ConfigError};
use crate::edge::Edge;
use crate::edge::reload::FileError;
use crate::exchange::Exchange;
use crate::latency::Latencies;
use crate::metrics::{Sources, metrics};
use crate::operations::{Answers, Operations, WaitLimits};
use crate::server::Services;
use crate::service::Compute;
use crate::stream::Streams;

/// How long clients have, once all calls are answered, to take the answers and hang up. Then they are cut off.
const HANG_UP_LIMIT: Duration = Duration::from_secs(1);

/// The sockets that a gateway serves.
#[derive(Debug)]
pub struct Listeners {
    /// The port for callers.
    pub calls: TcpListener,
    /// The port for operators, if there is to be one: see [`compute_process::admin`].
    pub admin: Option<admin::Port>,
}

/// Why a gateway does not start, or stops on its own.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The queues cannot be used.
    #[error(transparent)]
    Requester(#[from] StartError),
    /// The descriptors of the API cannot be served by reflection.
    #[error("cannot describe the API")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// Certificates or tokens cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The port for callers has no address.
    #[error("cannot serve the port for callers")]
    Listener(#[source] io::Error),
    /// The server came to an end that nobody asked for.
    #[error("the server stopped by itself")]
    Stopped(#[source] Option<tokio::task::JoinError>),
}

/// Serves callers until `shutdown` is done, then drains and returns.
///
/// Draining: the health services say NOT_SERVING, no connection is accepted and no call taken any more; calls in flight have
/// [`Config::drain_limit`] to be answered, and those that are not are answered UNAVAILABLE; the gateway's own reply queue is
/// deleted; connections that are still open a second later are cut.
///
/// `readiness` is told how far it is: a new one for each gateway.
///
/// Dropping the future ends everything at once, without all that.
///
/// # Errors
///
/// See [`RunError`]. Trouble with SQS is one only at the start. Later it is the answer to the calls that meet it.
pub async fn run(
    config: Config,
    aws: &SdkConfig,
    listeners: Listeners,
    readiness: Readiness,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    config.check()?;
    let address = listeners.calls.local_addr().map_err(RunError::Listener)?;
    config.check_address(address)?;
    let edge = Edge::new(&config.edge, address)?;
    let calls = Calls::new(config.call_limits(), edge.authentication());
    let started = Arc::new(OnceLock::new());
    let answers = Arc::new(Answers::new(config.answers_kept));
    let (requests, latencies) = (Requests::default(), Latencies::default());
    let bucket = Bucket::observed(aws, &config.log_bucket, requests.interceptor());
    let payloads = Payloads::new(bucket.clone());
    let metrics = metrics(Sources {
        calls: calls.clone(),
        latencies: latencies.clone(),
        answers: answers.clone(),
        edge: edge.gauges(),
        payloads: payloads.clone(),
        aws: requests.clone(),
        requester: started.clone(),
    });
    // Operators are answered to the very end.
    let _admin = listeners.admin.map(|port| {
        let serve = admin::serve(port, readiness.clone(), metrics, std::future::pending());
        AbortOnDropHandle::new(tokio::spawn(log_failure(serve)))
    });

    let mut shutdown = pin!(shutdown);
    let starting = start_requester(aws, &config, requests.interceptor(), shutdown.as_mut());
    let Some(requester) = starting.await? else { return Ok(()) };
    let _ = started.set(requester.clone());

    let _look = AbortOnDropHandle::new(tokio::spawn(look_at(bucket.clone())));
    let compute = {
        let operations = Operations::new(bucket, answers.clone(), requester.clone(), wait_limits(&config));
        let streams = Streams::new(payloads.clone(), &calls);
        let claim_check = ClaimCheck::new(payloads.clone(), config.max_inline_size);
        let exchange = Exchange::new(requester.clone(), claim_check, answers, latencies);
        Compute::new(exchange, streams, operations, &config)
    };
    let services = Services::new(&calls, compute, &config, readiness.clone())?;
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let _cut_when_dropped = cut.clone().drop_guard();
    let _watch = AbortOnDropHandle::new(tokio::spawn(edge.watch_files()));
    let port = services.port(&config, &edge);
    let mut server = AbortOnDropHandle::new(tokio::spawn(port.serve(listeners.calls, stop.clone(), cut.clone())));
    services.set_serving(true).await;
    readiness.set(State::Ready);
    tracing::info!(
        %address,
        tls = edge.has_tls(),
        request_queue = config.request_queue,
        reply_queue = requester.reply_queue_url(),
        log_bucket = config.log_bucket,
        "ready"
    );

    tokio::select! {
        ended = &mut server => {
            requester.shutdown(Duration::ZERO).await;
            return Err(RunError::Stopped(ended.err()));
        }
        () = &mut shutdown => {}
    }

    readiness.set(State::Draining);
    services.set_serving(false).await;
    calls.refuse_new();
    stop.cancel();
    tracing::info!(in_flight = calls.in_flight(), limit = %format_duration(config.drain_limit), "draining");
    // Which calls are left at the limit is logged by the requester, which then ends them.
    let _ = timeout(config.drain_limit, calls.finished()).await;
    calls.end();
    requester.shutdown(Duration::ZERO).await;
    if timeout(HANG_UP_LIMIT, &mut server).await.is_err() {
        tracing::debug!("cutting the connections that are still open");
        cut.cancel();
        let _ = server.await;
    }
    if timeout(HANG_UP_LIMIT, payloads.settled()).await.is_err() {
        tracing::warn!("payloads without a message stay until their lifecycle rule deletes them");
    }
    tracing::info!("ended");
    Ok(())
}

fn wait_limits(config: &Config) -> WaitLimits {
    WaitLimits { all: config.max_in_flight, per_tenant: config.max_in_flight_per_tenant }
}

/// Starts the requester; none if `shutdown` comes first.
async fn start_requester(
    aws: &SdkConfig,
    config: &Config,
    interceptor: SharedInterceptor,
    shutdown: Pin<&mut impl Future<Output = ()>>,
) -> Result<Option<Requester>, StartError> {
    let requester = RequesterConfig { interceptor: Some(interceptor), ..config.requester() };
    let mut starting = pin!(Requester::start(aws, requester));
    tokio::select! {
        requester = &mut starting => requester.map(Some),
        () = shutdown => {
            // A reply queue may be in the making, and is not to stay behind.
            if let Ok(requester) = timeout(config.drain_limit, starting).await {
                requester?.shutdown(Duration::ZERO).await;
            }
            Ok(None)
        }
    }
}

/// Tells the operator when the log cannot be reached. That is no reason not to start: calls that compute do without it.
async fn look_at(log: Bucket) {
    if let Err(error) = log.head().await {
        tracing::warn!(%error, "the log cannot be reached: until it can, operations are not found, listed or repeated");
    }
}

async fn log_failure(serve: impl Future<Output = io::Result<()>>) {
    if let Err(error) = serve.await {
        tracing::error!(%error, "the admin port has failed");
    }
}

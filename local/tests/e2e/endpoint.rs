//! An AWS endpoint of one's own, on a port the system picks, and clients for it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use bytes::Bytes;
use compute_local::aws;
use compute_local::chaos::Gate;
use compute_local::s3::S3Store;
use compute_local::sqs::{Sqs, SqsConfig};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The bucket every endpoint has.
pub(crate) const BUCKET: &str = "compute-logs";

/// A running AWS port.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Arc<Gate>,
    pub(crate) store: S3Store,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// Serves the S3 folder `dir`, without SQS.
    pub(crate) async fn start(dir: &Path) -> Self {
        Self::start_with(dir, |_| async { Response::new(Full::default()) }).await
    }

    /// Serves the S3 folder `dir`, and SQS by `sqs`.
    pub(crate) async fn start_with<H, F>(dir: &Path, sqs: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        Self::start_behind(Gate::default(), dir, sqs).await
    }

    /// Serves the S3 folder `dir` and an SQS without queues, with these faults.
    pub(crate) async fn start_chaotic(dir: &Path, chaos: &str) -> Self {
        let gate = Gate::new(Some(chaos.parse().unwrap()));
        let sqs = Arc::new(Sqs::with_disorder(SqsConfig::default(), gate.disorder()));
        let answer = move |request| {
            let sqs = sqs.clone();
            async move { sqs.handle(request).await }
        };
        Self::start_behind(gate, dir, answer).await
    }

    async fn start_behind<H, F>(gate: Gate, dir: &Path, sqs: H) -> Self
    where
        H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let gate = Arc::new(gate);
        let store = S3Store::open(dir).await.unwrap();
        store.create_bucket_if_absent(BUCKET).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(aws::serve(listener, sqs, store.clone(), gate.clone(), async {
            stopped.await.ok();
        }));
        Self { address, gate, store, stop, serving }
    }

    /// Asks for the end; the future is ready when the requests in flight have finished.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.serving
    }

    /// An S3 client with made-up credentials, which does not repeat failed calls.
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        self.s3_with(RetryConfig::disabled())
    }

    /// An S3 client that repeats failed calls like this.
    pub(crate) fn s3_with(&self, retries: RetryConfig) -> aws_sdk_s3::Client {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(format!("http://{}", self.address))
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new("anybody", "anything", None, None, "test"))
            .force_path_style(true)
            .retry_config(retries)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// An SQS client that repeats failed calls like this.
    pub(crate) fn sqs(&self, retries: RetryConfig) -> aws_sdk_sqs::Client {
        let aws = compute_process::aws::for_endpoint(&format!("http://{}", self.address));
        let config = aws_sdk_sqs::config::Builder::from(&aws).retry_config(retries).build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// Sends one request as it is and returns the whole answer.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The code of the error that the service answered with.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug, E>(result: Result<T, SdkError<E>>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let error = result.expect_err("the call is refused");
    error.code().map(str::to_owned).unwrap_or_else(|| format!("no code: {error:?}"))
}

//! The gRPC calls of the floor's gateway, in bare tonic: what a service generated from a `.proto` comes down to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use compute_proto::v1::ComputeRequest;
use futures_util::future::BoxFuture;
use http::uri::PathAndQuery;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::BoxError;
use crate::caller::{Ended, Ending, Times};
use crate::question::Question;

/// Answers with what was asked, at once.
const ECHO: &str = "/bench.Floor/Echo";
/// Answers with what was asked, when a message has gone to the worker and another one has come back.
const ROUND_TRIP: &str = "/bench.Floor/RoundTrip";
/// Has so many messages go there and back, and answers when all have.
const PUMP: &str = "/bench.Floor/Pump";

/// How many messages to have go there and back.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Messages {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
}

/// The gateway's side of the messages.
pub(crate) trait Pump: Send + Sync + 'static {
    /// Has one message go to the worker and another one come back.
    fn round_trip(&self) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Has so many messages go there and back.
    fn pump(&self, count: u64) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// The service, over what moves the messages.
#[derive(Debug)]
pub(crate) struct Server<P>(Arc<P>);

impl<P> Server<P> {
    pub(crate) fn new(pump: P) -> Self {
        Self(Arc::new(pump))
    }
}

impl<P> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P> NamedService for Server<P> {
    const NAME: &'static str = "bench.Floor";
}

impl<P: Pump> Service<http::Request<Body>> for Server<P> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let pump = self.0.clone();
        Box::pin(async move {
            let mut calls = tonic::server::Grpc::new(ProstCodec::<ComputeRequest, ComputeRequest>::default());
            Ok(match request.uri().path() {
                ECHO => {
                    let echo = tower::service_fn(|request: Request<ComputeRequest>| async {
                        Ok::<_, Status>(Response::new(request.into_inner()))
                    });
                    calls.unary(echo, request).await
                }
                ROUND_TRIP => {
                    let round_trip = tower::service_fn(|request: Request<ComputeRequest>| async {
                        pump.round_trip().await.map_err(internal)?;
                        Ok::<_, Status>(Response::new(request.into_inner()))
                    });
                    calls.unary(round_trip, request).await
                }
                PUMP => {
                    let all = tower::service_fn(|request: Request<Messages>| async {
                        let messages = request.into_inner();
                        pump.pump(messages.count).await.map_err(internal)?;
                        Ok::<_, Status>(Response::new(messages))
                    });
                    tonic::server::Grpc::new(ProstCodec::<Messages, Messages>::default()).unary(all, request).await
                }
                _ => Status::unimplemented("the floor has no such method").into_http(),
            })
        })
    }
}

#[allow(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn internal(error: BoxError) -> Status {
    Status::internal(error.to_string())
}

/// Which call of the floor's gateway stands for one of the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// The call alone; the messages go by themselves.
    Echo,
    /// The call waits for its message, and no other call is there.
    RoundTrip,
}

/// Connections to the floor's gateway. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channels: Arc<[Channel]>,
    turn: Arc<AtomicUsize>,
}

impl Client {
    /// So many connections, which come about at their first call.
    pub(crate) fn new(address: SocketAddr, connections: usize) -> Result<Self, BoxError> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        let channels = (0..connections).map(|_| endpoint.connect_lazy()).collect();
        Ok(Self { channels, turn: Arc::default() })
    }

    /// Makes one call; the right answer is the question.
    pub(crate) async fn call(&self, call: Call, question: &Question, times: Times) -> Ended {
        let asked = question.request();
        let path = match call {
            Call::Echo => PathAndQuery::from_static(ECHO),
            Call::RoundTrip => PathAndQuery::from_static(ROUND_TRIP),
        };
        let answered = self.unary(path, asked.clone());
        let ending = match tokio::time::timeout_at(times.deadline, answered).await {
            Err(_) => Ending::Hung,
            Ok(Err(status)) => Ending::Disconnected(status.to_string()),
            Ok(Ok(echoed)) if echoed == asked => Ending::Right { operation: String::new() },
            Ok(Ok(echoed)) => Ending::Wrong(format!("{question:?} came back as {echoed:?}")),
        };
        Ended { ending, attempts: 1, took: times.due.elapsed() }
    }

    /// Has so many messages go there and back.
    pub(crate) async fn pump(&self, count: u64) -> Result<(), BoxError> {
        self.unary(PathAndQuery::from_static(PUMP), Messages { count }).await?;
        Ok(())
    }

    async fn unary<M>(&self, path: PathAndQuery, message: M) -> Result<M, Status>
    where
        M: prost::Message + Default + 'static,
    {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut client = tonic::client::Grpc::new(self.channels[turn % self.channels.len()].clone());
        client.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let answer = client.unary(Request::new(message), path, ProstCodec::<M, M>::default()).await?;
        Ok(answer.into_inner())
    }
}

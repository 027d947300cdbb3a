//! Connections: accepted, served, ended.
//!
//! What a connection may take its time with, and how long:
//!
//! | | limit |
//! | --- | --- |
//! | the TLS handshake | 10 s |
//! | the headers of a request over HTTP/1.1, and the time until the next request | `--header-timeout` |
//! | being without a call, over HTTP/2 or before anything came | `--idle-timeout` |
//! | a question to the health service, its body included | 10 s |
//! | a call's body, its answer | `--stream-idle-timeout`, the call's deadline |

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt as _;
use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::authentication::Peer;
use super::config::is_loopback;
use super::counts::{Counts, Ended};
use super::crowd::{Busy, Crowd, Entered, Place};
use super::reload::Reloaded;
use super::tls;
use crate::front::Front;

/// The pause after an error of `accept`. The usual one is that there are no file descriptors left; without a pause, the loop
/// would spin until there are.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long one that is told to hang up may take to do so, while it has no call.
const HANG_UP_LIMIT: Duration = Duration::from_secs(1);

/// How long anything but a call may take. Such requests need no credentials, so they must not keep a connection's place.
const QUESTION_LIMIT: Duration = Duration::from_secs(10);

/// How many may watch the health of the gateway, or ask it to describe itself, at a time: streams without an end, without
/// credentials.
const MAX_WATCHERS: usize = 1_000;

/// How often an idle HTTP/2 connection is pinged, and how long the answer may take. What stands between the two, such as a load
/// balancer, often forgets a connection after a minute of silence.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP/2 flow control: bytes under way on a stream and on a connection. The protocol's 64 KiB would make a large list wait for
/// the way back and forth a thousand times.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// The headers of a request that are read at all. Of calls, fewer are taken, and the rest is told so; HTTP itself answers 431
/// beyond this. Over HTTP/1.1 it is the size of the buffer for bodies as well, and there may be 100 headers.
const HEADERS_READ: u32 = 64 << 10;

/// HTTP/2 streams that a client opened and reset again (CVE-2023-44487), or that it made us reset, and that are not cleared away
/// yet: beyond these the connection ends.
const MAX_RESETS_PENDING: usize = 20;
const MAX_RESETS_CAUSED: usize = 256;

/// What the flags say of a connection's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Without a call.
    pub(crate) idle: Duration,
    /// For the headers of a request over HTTP/1.1.
    pub(crate) header: Duration,
}

/// The port: who is connected, and what they are answered by.
pub(crate) struct Port {
    front: Front,
    tls: Option<Arc<Reloaded<ServerConfig>>>,
    crowd: Arc<Crowd>,
    watchers: Arc<Semaphore>,
    counts: Arc<Counts>,
    idle_timeout: Duration,
    http: Builder<TokioExecutor>,
}

impl Port {
    /// A port whose requests these services answer, so many of a connection at a time.
    pub(crate) fn new(
        front: Front,
        max_streams: u32,
        tls: Option<Arc<Reloaded<ServerConfig>>>,
        crowd: Arc<Crowd>,
        counts: Arc<Counts>,
        times: Times,
    ) -> Arc<Self> {
        let watchers = Arc::new(Semaphore::new(MAX_WATCHERS));
        Arc::new(Self {
            front,
            tls,
            crowd,
            watchers,
            counts,
            idle_timeout: times.idle,
            http: http(max_streams, times.header),
        })
    }

    /// Serves `listener` until `stop`, then waits for the connections to end; `cut` ends them at once.
    ///
    /// Some never end by themselves: a client that watches the health service does not hang up, one that died without a word
    /// cannot.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken, cut: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let (stream, address) = tokio::select! {
                accepted = accept(&listener) => accepted,
                () = stop.cancelled() => break,
            };
            self.counts.accept();
            let place = match self.crowd.enter() {
                Entered::Free(place) => place,
                Entered::InPlaceOfAnother(place) => {
                    self.counts.end(Ended::CrowdedOut);
                    place
                }
                Entered::Full => {
                    self.counts.end(Ended::NoPlace);
                    continue;
                }
            };
            let (port, stop, cut) = (self.clone(), stop.clone(), cut.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = port.connected(stream, address, Arc::new(place), stop) => {}
                    () = cut.cancelled() => {}
                }
            });
        }
        // A client that connects now is refused by the system, rather than left to wait.
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    /// Serves a connection from its handshake to its end.
    async fn connected(&self, stream: TcpStream, address: SocketAddr, place: Arc<Place>, stop: CancellationToken) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Some(tls) = &self.tls else {
            let peer = Peer { is_private: is_loopback(address), tenant: None };
            return self.speak(stream, peer, place, stop).await;
        };
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        let shaken = tokio::select! {
            shaken = timeout(HANDSHAKE_LIMIT, handshake) => shaken,
            () = place.given_away() => return,
            () = stop.cancelled() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let tenant = certificates.and_then(|chain| tls::tenant(chain.first()?));
                // In a box, so that connections without TLS have no room for its state.
                Box::pin(self.speak(stream, Peer { is_private: true, tenant }, place, stop)).await;
            }
            Ok(Err(error)) => {
                self.counts.end(Ended::HandshakeFailed);
                tracing::debug!(%error, %address, "no TLS came about");
            }
            Err(_elapsed) => {
                self.counts.end(Ended::HandshakeTimeout);
                tracing::debug!(%address, "TLS took too long");
            }
        }
    }

    /// Speaks HTTP until one of the two hangs up.
    async fn speak<IO>(&self, stream: IO, peer: Peer, place: Arc<Place>, stop: CancellationToken)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answer = service_fn(|request: Request<Incoming>| self.answer(request, &peer, &place));
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), answer));
        let why = tokio::select! {
            ended = connection.as_mut() => return self.ended(ended),
            () = stop.cancelled() => None,
            () = place.given_away() => None,
            () = place.idle_for(self.idle_timeout) => Some(Ended::Idle),
        };
        if let Some(why) = why {
            self.counts.end(why);
        }
        connection.as_mut().graceful_shutdown();
        loop {
            tokio::select! {
                ended = connection.as_mut() => return self.ended(ended),
                // At a stop the whole port is cut, in due time.
                () = sleep(HANG_UP_LIMIT), if !stop.is_cancelled() => if place.is_idle() { return },
            }
        }
    }

    fn ended(&self, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
        let Err(error) = ended else { return };
        let of_http = error.downcast_ref::<hyper::Error>();
        if of_http.is_some_and(|error| error.is_parse() || error.is_parse_too_large() || error.is_timeout())
            || of_http.is_some_and(is_of_http2)
        {
            self.counts.end(Ended::Protocol);
        }
        tracing::debug!(error = &*error as &dyn std::error::Error, "a connection has failed");
    }

    /// Answers a request, in which the connection is busy.
    fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: &Peer,
        place: &Arc<Place>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send + use<> {
        let busy = place.begin();
        let kind = Kind::of(request.uri().path());
        let permit = (kind == Kind::Watch).then(|| self.watchers.clone().try_acquire_owned());
        request.extensions_mut().insert(peer.clone());
        let answer = self.front.answer(request);
        if kind == Kind::Call {
            // Very many may wait, so this has room for the answer's future once, and for nothing else.
            return Either::Left(answer.map(move |response| {
                drop(busy);
                response
            }));
        }
        Either::Right(Box::pin(async move {
            match permit {
                Some(Ok(permit)) => {
                    let response = answer.await?;
                    Ok(response.map(|body| Body::new(Watched { body, _busy: busy, _permit: permit })))
                }
                Some(Err(_)) => Ok(Status::resource_exhausted("too many watch already").into_http()),
                None => {
                    let _busy = busy;
                    let in_time = timeout(QUESTION_LIMIT, answer).await;
                    in_time.unwrap_or_else(|_| Ok(Status::deadline_exceeded("the request took too long").into_http()))
                }
            }
        }))
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn http(max_streams: u32, header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(HEADERS_READ as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(max_streams)
        .max_header_list_size(HEADERS_READ)
        .max_pending_accept_reset_streams(MAX_RESETS_PENDING)
        .max_local_error_reset_streams(MAX_RESETS_CAUSED);
    builder
}

/// Whether HTTP/2 was broken, as against a connection that broke.
fn is_of_http2(error: &hyper::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return false;
        }
        source = error.source();
    }
    !error.is_canceled() && !error.is_closed() && !error.is_incomplete_message()
}

/// What is asked for, as far as the time for it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A call to the compute service, which has a deadline of its own.
    Call,
    /// A stream that goes on for as long as its client wants.
    Watch,
    /// Anything else, which is answered at once.
    Question,
}

impl Kind {
    fn of(path: &str) -> Self {
        if path.starts_with("/compute.v1.") {
            Self::Call
        } else if path == "/grpc.health.v1.Health/Watch" || path.starts_with("/grpc.reflection.") {
            Self::Watch
        } else {
            Self::Question
        }
    }
}

/// The answer to one who watches: as long as it goes on, the connection is busy.
struct Watched {
    body: Body,
    _busy: Busy,
    _permit: OwnedSemaphorePermit,
}

impl http_body::Body for Watched {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

//! The admin port: what an orchestrator and a metrics collector ask a process.
//!
//! | path | answer |
//! | --- | --- |
//! | `/livez` | 200 while the process can answer at all |
//! | `/readyz` | 200 while it takes work, 503 while it starts or drains; the body names the state |
//! | `/metrics` | the metrics of the process, its [`resources`] and spans among them, in the Prometheus text format |
//!
//! It speaks plain HTTP/1.1 without credentials and is meant for loopback or a private network.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::exposition::{self, Metrics};
use crate::telemetry::Counters;
use crate::{Readiness, State, resources};

/// The admin port of a process, before it is served.
#[derive(Debug)]
pub struct Port {
    /// Where it listens.
    pub listener: TcpListener,
    /// What becomes of the spans of the process: the default where nothing collects them.
    pub spans: Counters,
}

/// Serves the admin port until `shutdown` is done. A request being answered then is answered still.
///
/// # Errors
///
/// When the listener fails for good.
pub async fn serve(
    port: Port,
    readiness: Readiness,
    metrics: Metrics,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let Port { listener, spans } = port;
    axum::serve(listener, router(readiness, metrics, spans)).with_graceful_shutdown(shutdown).await
}

fn router(readiness: Readiness, metrics: Metrics, spans: Counters) -> Router {
    let metrics: Metrics = Arc::new(move |exposition| {
        metrics(exposition);
        spans.tell(exposition);
        resources::tell(exposition);
    });
    let text = move || exposition::text(metrics.clone());
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { readyz(readiness.state()) }))
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, exposition::CONTENT_TYPE)], text()) }))
}

fn readyz(state: State) -> impl IntoResponse {
    let status = match state {
        State::Ready => StatusCode::OK,
        State::Starting | State::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{}\n", state.as_str()))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("the admin port listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the request is written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the answer is read");
        answer
    }

    #[tokio::test]
    async fn the_admin_port_tells_the_state_and_the_metrics_and_ends_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let readiness = Readiness::new();
        let (stop, stopped) = oneshot::channel::<()>();
        let metrics: Metrics = Arc::new(|metrics| {
            metrics.gauge("up", "Up.", 1u64);
        });
        let port = Port { listener, spans: Counters::default() };
        let server = tokio::spawn(serve(port, readiness.clone(), metrics, async { stopped.await.unwrap_or(()) }));

        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        let starting = get(address, "/readyz").await;
        assert!(starting.starts_with("HTTP/1.1 503") && starting.ends_with("\r\n\r\nstarting\n"), "{starting}");
        readiness.set(State::Ready);
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        readiness.set(State::Draining);
        assert!(get(address, "/readyz").await.ends_with("draining\n"));

        let metrics = get(address, "/metrics").await;
        assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{metrics}");
        for told in ["\nup 1\n", "\ncompute_trace_spans_total{outcome=\"dropped\"} 0\n", "\nprocess_threads "] {
            assert!(metrics.contains(told), "{told:?} in\n{metrics}");
        }
        assert!(get(address, "/other").await.starts_with("HTTP/1.1 404"));

        stop.send(()).expect("the server waits for it");
        server.await.expect("no panic").expect("a clean end");
    }
}

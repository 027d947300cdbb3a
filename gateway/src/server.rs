//! The one port: gRPC, gRPC-Web, the page and `/healthz`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use compute_process::{Readiness, State};
use compute_proto::FILE_DESCRIPTOR_SET;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tonic_reflection::server::Builder as Reflection;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, Service};

use crate::api::compute_service_server::ComputeServiceServer;
use crate::calls::Calls;
use crate::config::Config;
use crate::service::Compute;
use crate::{connections, page, protocol};

/// How often an idle HTTP/2 connection is pinged, and how long the answer may take. What stands between the two, such as a load
/// balancer, often forgets a connection after a minute of silence.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP/2 flow control: bytes under way on a stream and on a connection. The protocol's 64 KiB would make a large list wait for
/// the way back and forth a thousand times.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// A connection may have more streams than there may be calls: those beyond are told so, rather than left to wait unseen in
/// their client, and health checks pass.
const STREAMS_BEYOND_CALLS: usize = 1_000;

/// The services of the port and what tells their state.
pub(crate) struct Services {
    routes: Router,
    health: HealthReporter,
}

impl Services {
    pub(crate) fn new(
        calls: &Calls,
        compute: Compute,
        config: &Config,
        readiness: Readiness,
    ) -> Result<Self, tonic_reflection::server::Error> {
        // `Calls` refuse larger messages before tonic can, with details.
        let compute = ComputeServiceServer::new(compute).max_decoding_message_size(config.max_message_size);
        let (health, health_service) = health_reporter();
        // Reflection is a stream in both directions, which gRPC-Web does not have.
        let services = Routes::new(web(calls.in_front_of(compute)))
            .add_service(web(health_service))
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        let routes = services
            .into_axum_router()
            .route_layer(from_fn(protocol::only_calls))
            .merge(page::routes())
            .route("/healthz", get(move || async move { healthz(readiness.state()) }))
            .fallback(protocol::not_found);
        Ok(Self { routes, health })
    }

    /// Tells the watchers of `grpc.health.v1` whether calls are taken.
    pub(crate) async fn set_serving(&self, is_serving: bool) {
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", <ComputeServiceServer<Compute> as NamedService>::NAME] {
            self.health.set_service_status(service, status).await;
        }
    }

    /// Serves `listener` until `stop`, then waits for the connections to end; `cut` ends them at once.
    pub(crate) fn serve(
        &self,
        listener: TcpListener,
        config: &Config,
        stop: CancellationToken,
        cut: CancellationToken,
    ) -> impl Future<Output = Result<(), tonic::transport::Error>> + Send + 'static {
        let max_streams = config.max_in_flight.saturating_add(STREAMS_BEYOND_CALLS);
        let connections = connections::accept(listener, cut);
        Server::builder()
            .accept_http1(true)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(u32::try_from(max_streams).unwrap_or(u32::MAX))
            .add_routes(self.routes.clone().into())
            .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
    }
}

/// Lets a service be called by browsers as well.
fn web<S>(service: S) -> tonic_web::GrpcWebService<S>
where
    S: Service<http::Request<tonic::body::Body>, Response = http::Response<tonic::body::Body>, Error = Infallible>,
{
    GrpcWebLayer::new().layer(service)
}

/// Describes all services, and the details of errors, which tools then can print.
fn reflection<'a>() -> Reflection<'a> {
    Reflection::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}

/// For load balancers that speak HTTP.
fn healthz(state: State) -> Response {
    match state {
        State::Ready => (StatusCode::OK, "ok\n").into_response(),
        State::Starting | State::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", state.as_str())).into_response()
        }
    }
}

//! The one port: gRPC, gRPC-Web, the page and `/healthz`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use compute_process::{Readiness, State};
use compute_proto::FILE_DESCRIPTOR_SET;
use http::StatusCode;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tonic_reflection::server::Builder as Reflection;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, Service};

use crate::api::compute_service_server::ComputeServiceServer;
use crate::calls::Calls;
use crate::config::Config;
use crate::edge::connections::Port;
use crate::edge::{Edge, cors};
use crate::front::Front;
use crate::service::Compute;
use crate::{page, protocol};

/// A connection may have more streams than there may be calls: those beyond are told so, rather than left to wait unseen in
/// their client, and health checks pass.
const STREAMS_BEYOND_CALLS: usize = 1_000;

/// The services of the port and what tells their state.
pub(crate) struct Services {
    front: Front,
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
        let compute = calls.in_front_of(compute);
        let services = Routes::new(web(compute.clone()))
            .add_service(web(health_service))
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?);
        let routes = services
            .into_axum_router()
            .route_layer(from_fn(protocol::only_calls))
            .merge(page::routes())
            .route("/healthz", get(move || async move { healthz(readiness.state()) }))
            .fallback(protocol::not_found);
        let origins = &config.edge.allow_origin;
        let routes = if origins.is_empty() { routes } else { routes.layer(cors::layer(origins)) };
        Ok(Self { front: Front::new(compute, routes), health })
    }

    /// Tells the watchers of `grpc.health.v1` whether calls are taken.
    pub(crate) async fn set_serving(&self, is_serving: bool) {
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", <ComputeServiceServer<Compute> as NamedService>::NAME] {
            self.health.set_service_status(service, status).await;
        }
    }

    /// The port that answers with these services.
    pub(crate) fn port(&self, config: &Config, edge: &Edge) -> Arc<Port> {
        let max_streams = config.max_in_flight.saturating_add(STREAMS_BEYOND_CALLS);
        edge.port(self.front.clone(), u32::try_from(max_streams).unwrap_or(u32::MAX))
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

//! What answers the requests of the port, and the short way for nearly all of them.

use std::convert::Infallible;

use axum::Router;
use futures_util::TryFutureExt as _;
use futures_util::future::Either;
use http::{Request, Response, header};
use hyper::body::Incoming;
use tower::Service as _;

use crate::api::compute_service_server::ComputeServiceServer;
use crate::calls::CallService;
use crate::protocol;
use crate::service::Compute;

/// What the paths of the compute service's methods start with.
const COMPUTE_SERVICE: &str = "/compute.v1.ComputeService/";

/// All services of the port. Clones share them.
#[derive(Clone)]
pub(crate) struct Front {
    compute: CallService<ComputeServiceServer<Compute>>,
    routes: Router,
}

impl Front {
    /// Answers what `routes` answer, among which `compute` is too.
    pub(crate) fn new(compute: CallService<ComputeServiceServer<Compute>>, routes: Router) -> Self {
        Self { compute, routes }
    }

    /// Answers a request.
    ///
    /// A call of a gRPC client goes to its service at once, and does without what the routes have for browsers and for whoever
    /// has lost his way: each layer costs a call a future, a box and a copy, several microseconds together.
    pub(crate) fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<axum::body::Body>, Infallible>> + Send + use<> {
        if is_plain_call(&request) {
            let answer = self.compute.clone().call(request.map(tonic::body::Body::new));
            return Either::Left(answer.map_ok(|response| response.map(axum::body::Body::new)));
        }
        Either::Right(Box::pin(self.routes.clone().call(request)))
    }
}

/// Whether the routes would do nothing to a request but to hand it to the compute service: CORS is of those with an origin.
fn is_plain_call(request: &Request<Incoming>) -> bool {
    request.uri().path().starts_with(COMPUTE_SERVICE)
        && protocol::is_grpc(request)
        && !request.headers().contains_key(header::ORIGIN)
}

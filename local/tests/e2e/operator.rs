//! What tools and operators get from the gateway's port: reflection, health.

use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};

use crate::edge::without_workers;
use crate::http1::get;

const SERVICES: [&str; 4] = [
    "compute.v1.ComputeService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Asks the two versions of reflection, which have the same messages in two packages.
macro_rules! reflect {
    ($version:ident, $channel:expr, $request:ident($argument:expr) => $response:ident) => {{
        use $version::server_reflection_client::ServerReflectionClient;
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;

        let message_request = Some(MessageRequest::$request($argument.to_owned()));
        let request = $version::ServerReflectionRequest { host: String::new(), message_request };
        let mut client = ServerReflectionClient::new($channel);
        let answer =
            client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner().next().await;
        match answer.unwrap().unwrap().message_response {
            Some(MessageResponse::$response(response)) => response,
            other => panic!("{other:?}"),
        }
    }};
}

#[tokio::test]
async fn both_versions_of_reflection_describe_all_services_and_the_details_of_errors() {
    let stack = without_workers(|_| {}).await;
    let channel = stack.channel().await;
    let listed = reflect!(v1, channel.clone(), ListServices("") => ListServicesResponse);
    assert_eq!(listed.service.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), SERVICES);
    let listed = reflect!(v1alpha, channel.clone(), ListServices("") => ListServicesResponse);
    assert_eq!(listed.service.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), SERVICES);

    for symbol in ["compute.v1.ComputeService", "compute.v1.Timing", "google.rpc.ErrorInfo", "grpc.health.v1.Health"] {
        let current = reflect!(v1, channel.clone(), FileContainingSymbol(symbol) => FileDescriptorResponse);
        let older = reflect!(v1alpha, channel.clone(), FileContainingSymbol(symbol) => FileDescriptorResponse);
        assert_eq!(current.file_descriptor_proto, older.file_descriptor_proto);
        let file = prost_types::FileDescriptorProto::decode(current.file_descriptor_proto[0].as_slice()).unwrap();
        assert!(symbol.starts_with(file.package()), "{symbol} is not in {}", file.package());
    }
    stack.stop().await;
}

#[tokio::test]
async fn health_is_serving_for_the_server_and_the_service_and_unknown_for_others() {
    let stack = without_workers(|_| {}).await;
    let mut health = HealthClient::new(stack.channel().await);
    for service in ["", SERVICES[0]] {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = health.check(HealthCheckRequest { service: "other".to_owned() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let response = get(stack.address(), "/healthz").await;
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, &b"ok\n"[..]));
    stack.stop().await;
}

//! gRPC-Web as bytes: what a browser sends and reads, in the binary and the text form.

use compute_proto::v1::ComputeResponse;
use prost::Message as _;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt as _;

use crate::edge::{COMPUTE, error_info, values, without_workers};
use crate::http1::{FORMS, call_web, call_web_with};
use crate::kit::TestStack;

#[tokio::test]
async fn an_answer_is_a_message_frame_and_a_trailer_frame() {
    let stack = TestStack::start().await;
    for form in FORMS {
        let answer = call_web(stack.address(), form, COMPUTE, &[], &values([4, 5, 2, 35, 2452])).await;
        assert_eq!(answer.headers.get("grpc-status"), None);
        assert_eq!(answer.trailers["grpc-status"], "0");
        let [message] = answer.messages.as_slice() else { panic!("one message: {answer:?}") };
        let response = ComputeResponse::decode(message.clone()).unwrap();
        assert_eq!(response.statistics.unwrap().mean, 499.6);
        assert_eq!(response.operation_id, answer.operation_id());
    }
    stack.stop().await;
}

#[tokio::test]
async fn an_early_error_is_in_the_headers_with_its_details() {
    let stack = without_workers(|_| {}).await;
    for form in FORMS {
        let answer = call_web(stack.address(), form, COMPUTE, &[], &values([])).await;
        let status = answer.early_error();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "values");
        assert_eq!(error_info(&status).metadata["operation_id"], answer.operation_id());

        let answer = call_web(stack.address(), form, COMPUTE, &[("grpc-timeout", "1 S")], &values([1])).await;
        let status = answer.early_error();
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "grpc-timeout");

        let answer = call_web_with(stack.address(), form, COMPUTE, &[], vec![0xff; 4]).await;
        assert_eq!(error_info(&answer.early_error()).reason, "MALFORMED_MESSAGE");
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_deadline_without_a_worker_is_deadline_exceeded_in_the_callers_form() {
    let stack = without_workers(|_| {}).await;
    for form in FORMS {
        // tonic's timer fires after 1 s and answers CANCELLED, as `application/grpc`.
        let answer = call_web(stack.address(), form, COMPUTE, &[("grpc-timeout", "1S")], &values([1])).await;
        let status = answer.early_error();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(error_info(&status).metadata["operation_id"], answer.operation_id());
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_in_the_callers_form() {
    let stack = without_workers(|config| config.max_message_size = 1024).await;
    for form in FORMS {
        let answer = call_web(stack.address(), form, COMPUTE, &[], &values(vec![1; 1022])).await;
        let status = answer.early_error();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(error_info(&status).metadata["size"], "1025");
    }
    stack.stop().await;
}

#[tokio::test]
async fn the_health_service_is_there_for_browsers_too() {
    let stack = without_workers(|_| {}).await;
    for form in FORMS {
        let request = HealthCheckRequest { service: String::new() };
        let answer = call_web(stack.address(), form, "/grpc.health.v1.Health/Check", &[], &request).await;
        let response = HealthCheckResponse::decode(answer.messages[0].clone()).unwrap();
        assert_eq!(response.status(), ServingStatus::Serving);
    }
    stack.stop().await;
}

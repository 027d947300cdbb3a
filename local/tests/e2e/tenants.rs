//! Tenants: SQS learns who asks, the log keeps them apart, and each has no more than its share of the gateway.

use std::time::Duration;

use aws_sdk_sqs::types::MessageSystemAttributeName::MessageGroupId;
use compute_local::stack::REQUEST_QUEUE;
use compute_proto::v1::ComputeRequest;
use http::HeaderName;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::kit::{TestStack, message_counts, queue_url, until};

const TENANT: &str = "x-tenant";

fn of(tenant: &'static str, timeout: Duration) -> Request<ComputeRequest> {
    let mut request = Request::new(ComputeRequest { values: vec![1, 2, 3], ..Default::default() });
    request.metadata_mut().insert(TENANT, tenant.parse().expect("visible ASCII"));
    request.set_timeout(timeout);
    request
}

#[tokio::test]
async fn the_log_keeps_tenants_apart() {
    let stack = TestStack::start_with(|config| {
        config.gateway.tenant_metadata = Some(HeaderName::from_static(TENANT));
    })
    .await;
    let mut client = stack.client().await;
    client.compute(of("acme", Duration::from_secs(60))).await.expect("an answer");
    stack.until_queues_are_empty().await;

    assert_eq!(stack.log_records()[0]["tenant"], "acme");
    assert!(stack.stack.log_dir().join("tenant=acme").is_dir());
    let refused = client.compute(of("a/b", Duration::from_secs(60))).await.expect_err("no tenant");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().expect("details").field_violations;
    assert_eq!(violations[0].field, TENANT);
    stack.stop().await;
}

#[tokio::test]
async fn a_tenant_that_has_its_share_is_refused_while_others_are_let_in_and_sqs_is_told_whose_each_request_is() {
    let stack = TestStack::start_with(|config| {
        config.workers = 0;
        config.gateway.tenant_metadata = Some(HeaderName::from_static(TENANT));
        config.gateway.max_in_flight_per_tenant = 1;
    })
    .await;
    let client = stack.client().await;
    let waiting = tokio::spawn({
        let mut client = client.clone();
        async move { client.compute(of("noisy", Duration::from_secs(60))).await }
    });
    until(async || message_counts(&stack.sqs(), REQUEST_QUEUE).await.0 == 1).await;

    let refused = client.clone().compute(of("noisy", Duration::from_secs(60))).await.expect_err("its share is taken");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_error_info().expect("details").reason, "TOO_MANY_OF_TENANT");
    assert!(refused.get_details_retry_info().is_some());
    let other = client.clone().compute(of("quiet", Duration::from_millis(200))).await.expect_err("no worker");
    assert_eq!(other.code(), Code::DeadlineExceeded, "it was let in");

    let sqs = stack.sqs();
    let url = queue_url(&sqs, REQUEST_QUEUE).await;
    let receive = sqs.receive_message().queue_url(url).max_number_of_messages(10);
    let messages = receive.message_system_attribute_names(MessageGroupId).send().await.expect("the endpoint answers");
    let mut groups: Vec<_> =
        messages.messages().iter().map(|m| m.attributes().expect("asked for")[&MessageGroupId].clone()).collect();
    groups.sort();
    assert_eq!(groups, ["noisy", "quiet"]);
    waiting.abort();
    stack.stop().await;
}

//! The protocol from bytes to bytes, without a socket. What the actions do, the suite in `tests/python/` tests.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;

async fn call(sqs: &Sqs, target: &str, body: &str) -> (http::StatusCode, Option<String>, Value) {
    let request = Request::post("/").header("host", "queues.test:1").header("x-amz-target", target);
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).expect("a valid request");
    let response = sqs.handle(request).await;
    let status = response.status();
    let query_error = response.headers().get("x-amzn-query-error");
    let query_error = query_error.map(|code| code.to_str().expect("visible ASCII").to_owned());
    let body = response.into_body().collect().await.expect("a body in memory").to_bytes();
    (status, query_error, serde_json::from_slice(&body).expect("every answer is JSON"))
}

async fn succeed(sqs: &Sqs, action: &str, input: Value) -> Value {
    let (status, _, output) = call(sqs, &format!("AmazonSQS.{action}"), &input.to_string()).await;
    assert_eq!(status, 200, "{output}");
    output
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let sqs = Sqs::new(SqsConfig::default());
    let created = succeed(&sqs, "CreateQueue", json!({"QueueName": "q"})).await;
    assert_eq!(created, json!({"QueueUrl": "http://queues.test:1/000000000000/q"}));
    let url = &created["QueueUrl"];
    let sent = succeed(&sqs, "SendMessage", json!({"QueueUrl": url, "MessageBody": "m"})).await;
    let received = succeed(&sqs, "ReceiveMessage", json!({"QueueUrl": url})).await;
    let message = &received["Messages"][0];
    assert_eq!(message["Body"], "m");
    assert_eq!(message["MessageId"], sent["MessageId"]);
    assert_eq!(message["MD5OfBody"], "6f8f57715090da2632453988d9a1501b");
    let handle = &message["ReceiptHandle"];
    succeed(&sqs, "DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": handle})).await;
    let counts = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessagesNotVisible"]});
    let attributes = succeed(&sqs, "GetQueueAttributes", counts).await;
    assert_eq!(attributes, json!({"Attributes": {"ApproximateNumberOfMessagesNotVisible": "0"}}));
}

#[tokio::test]
async fn a_queue_set_up_without_http_is_there_for_clients() {
    let sqs = Sqs::new(SqsConfig::default());
    sqs.create_queue("dead", []).expect("a valid queue");
    let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 10});
    sqs.create_queue("q", [("RedrivePolicy", policy.to_string().as_str())]).expect("a valid queue");
    sqs.create_queue("q", []).expect("the same queue");
    assert_eq!(
        sqs.create_queue("q", [("DelaySeconds", "1")]),
        Err(SqsError::QueueNameExists("DelaySeconds".to_owned()))
    );
    let sources = succeed(&sqs, "ListDeadLetterSourceQueues", json!({"QueueUrl": "http://h/000000000000/dead"})).await;
    assert_eq!(sources["queueUrls"], json!(["http://queues.test:1/000000000000/q"]));
}

#[tokio::test]
async fn an_error_carries_its_shape_and_its_query_code() {
    let sqs = Sqs::new(SqsConfig::default());
    let cases = [
        (
            "AmazonSQS.GetQueueUrl",
            r#"{"QueueName": "q"}"#,
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        ("AmazonSQS.GetQueueUrl", "{", "SerializationException", "MalformedInput"),
        ("AmazonSQS.GetQueueUrl", "{}", "MissingRequiredParameterException", "MissingParameter"),
        ("AmazonSQS.Frobnicate", "{}", "UnknownOperationException", "InvalidAction"),
        ("DynamoDB_20120810.ListTables", "{}", "UnknownOperationException", "InvalidAction"),
    ];
    for (target, body, shape, code) in cases {
        let (status, query_error, answer) = call(&sqs, target, body).await;
        assert_eq!(status, 400);
        assert_eq!(query_error, Some(format!("{code};Sender")));
        assert!(answer["__type"].as_str().is_some_and(|name| name.ends_with(&format!("#{shape}"))), "{answer}");
    }
}

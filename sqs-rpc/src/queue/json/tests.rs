//! What the SDK writes is what is written here, and what it reads is what is read.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents as Components;
use serde_json::{Value, json};

use super::*;

/// The length that a request gives, and its body.
type Asked = (String, Vec<u8>);

/// A connection on which everything is answered with the same, and that keeps what was asked.
#[derive(Debug, Clone)]
struct Line {
    answer: (u16, String),
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let length = request.headers().get("content-length").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        self.asked.lock().expect("not poisoned").push((length, body));
        let (status, answer) = self.answer.clone();
        let status = status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer))))
    }
}

impl HttpClient for Line {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _components: &Components) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A client, with the JSON of the SDK or with ours, on a line with that answer.
fn client(own: bool, status: u16, answer: &str) -> (Client, Line) {
    let line = Line { answer: (status, answer.to_owned()), asked: Arc::default() };
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("a", "b", None, None, "test"))
        .http_client(line.clone());
    let config = if own { config.interceptor(OwnJson::new()) } else { config };
    (Client::from_conf(config.build()), line)
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    let text = MessageAttributeValue::builder().data_type("String").string_value("\"\\ \u{1f600} \u{7f} \n");
    let number = MessageAttributeValue::builder().data_type("Number.int").string_value("-1");
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255, 3]));
    let trace = MessageSystemAttributeValue::builder().data_type("String").string_value("Root=1-2-3");
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .message_attributes("Text", text.build().expect("a type"))
        .message_attributes("Zahl", number.build().expect("a type"))
        .message_attributes("Bytes", bytes.build().expect("a type"))
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace.build().expect("a type"))
        .message_group_id("tenant")
        .message_deduplication_id("once")
        .delay_seconds(901)
        .build()
        .expect("an id and a body")
}

#[tokio::test]
async fn what_is_sent_is_what_the_sdk_would_send() {
    let plain = SendMessageBatchRequestEntry::builder().id("1").message_body("\t{\"values\":[1]}");
    let plain = plain.build().expect("an id and a body");
    let mut sent = Vec::new();
    for own in [false, true] {
        let (client, line) = client(own, 200, "{}");
        let request =
            client.send_message_batch().queue_url("https://sqs/1/q").entries(entry("0", "é")).entries(plain.clone());
        request.send().await.expect("it is answered");
        let asked = line.asked.lock().expect("not poisoned").remove(0);
        assert_eq!(asked.0, asked.1.len().to_string(), "the length is that of the body");
        sent.push(serde_json::from_slice::<Value>(&asked.1).expect("JSON"));
    }
    assert_eq!(sent[0], sent[1]);
    assert_eq!(sent[1]["Entries"][0]["MessageAttributes"]["Bytes"]["BinaryValue"], "AP8D");
}

async fn received(own: bool, status: u16, answer: &str) -> Result<ReceiveMessageOutput, String> {
    let (client, _line) = client(own, status, answer);
    let received = client.receive_message().queue_url("https://sqs/1/q").send().await;
    received.map_err(|error| aws_sdk_sqs::error::DisplayErrorContext(error).to_string())
}

#[tokio::test]
async fn what_is_received_is_what_the_sdk_would_read() {
    let message = json!({
        "MessageId": "id", "ReceiptHandle": "receipt", "Body": "\u{1f600}\\\"\n", "Unknown": [1, {}],
        "Attributes": {"SentTimestamp": "1", "ApproximateReceiveCount": "2", "Later": "3"},
        "MessageAttributes": {
            "Text": {"StringValue": "a\tb", "DataType": "String", "Later": []},
            "Bytes": {"BinaryValue": "AP8D", "DataType": "Binary"},
        },
    });
    let answers = [
        json!({}),
        json!({ "Messages": null }),
        json!({ "Messages": [] }),
        json!({ "Messages": [{}] }),
        json!({ "Messages": [message, message], "Later": true }),
    ];
    for answer in answers {
        let [sdk, own] =
            [received(false, 200, &answer.to_string()).await, received(true, 200, &answer.to_string()).await];
        let [sdk, own] = [sdk, own].map(|output| output.expect("it is read").messages);
        assert_eq!(sdk, own, "{answer}");
    }
}

#[tokio::test]
async fn an_error_is_read_as_the_sdk_reads_it() {
    let gone = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#;
    for (status, answer) in [(400, gone), (200, "{\"Messages\":[7]}"), (200, "no JSON")] {
        let (sdk, own) = (received(false, status, answer).await, received(true, status, answer).await);
        assert!(sdk.is_err() && sdk == own, "{answer}: {sdk:?}, {own:?}");
    }
}

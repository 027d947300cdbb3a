//! What the SDK writes is what is written here, and what it reads is what is read.

use std::sync::{Arc, Mutex};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
    SendMessageBatchResultEntry,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents as Components;
use serde_json::{Value, json};

use super::*;
use crate::message::{Attribute, Outgoing};
use crate::trace::TraceContext;

const URL: &str = "https://sqs/1/q";

/// The length that a request gives, and its body.
type Asked = (String, Value);

/// A connection on which everything is answered with the same, and that keeps what was asked.
#[derive(Debug, Clone)]
struct Line {
    answer: (u16, String),
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Line {
    /// A client on this line, which answers this.
    fn client(status: u16, answer: &str) -> (Client, Self) {
        let line = Self { answer: (status, answer.to_owned()), asked: Arc::default() };
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .http_client(line.clone())
            .interceptor(OwnJson);
        (Client::from_conf(config.build()), line)
    }

    /// The only request there was.
    fn asked(&self) -> Value {
        let asked = std::mem::take(&mut *self.asked.lock().expect("not poisoned"));
        let [(length, body)] = asked.try_into().expect("one request");
        assert_eq!(length, "exact", "the length is that of the body");
        body
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let length = request.headers().get("content-length").unwrap_or_default();
        let length = if length == body.len().to_string() { "exact" } else { length };
        let asked = (length.to_owned(), serde_json::from_slice(body).expect("JSON"));
        self.asked.lock().expect("not poisoned").push(asked);
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

/// Makes a batch request of the SDK, without entries, with this body.
macro_rules! exchange {
    ($operation:ident, $client:expr, $request:ident, $body:expr) => {{
        let request = $client.$request().queue_url(URL).set_entries(Some(Vec::new()));
        exchange::<$operation, _, _>(Some($body), request.send()).await
    }};
}

#[tokio::test]
async fn messages_are_sent_as_the_sdk_would_send_them() {
    const TEXT: &str = "\"\\ \u{1f600} \u{7f} \n";
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = TraceContext::parse(TRACE).expect("well-formed");
    let outgoing = [
        Outgoing {
            body: "é".into(),
            attributes: vec![Attribute::string("Text", TEXT), Attribute::number("Number", -1)],
            group: Some("tenant"),
            trace: Some(trace),
        },
        Outgoing { body: "\t{}".into(), attributes: vec![Attribute::string("T", "x")], group: None, trace: None },
    ];
    let value = |data_type, value| {
        MessageAttributeValue::builder().data_type(data_type).string_value(value).build().expect("a type")
    };
    let header = MessageSystemAttributeValue::builder().data_type("String").string_value(trace.x_ray());
    let first = SendMessageBatchRequestEntry::builder()
        .id("0")
        .message_body("é")
        .message_attributes("Text", value("String", TEXT))
        .message_attributes("Number", value("Number", "-1"))
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header.build().expect("a type"))
        .message_group_id("tenant");
    let second = SendMessageBatchRequestEntry::builder()
        .id("1")
        .message_body("\t{}")
        .message_attributes("T", value("String", "x"));

    let (client, line) = Line::client(200, "{}");
    let entries = [first, second].map(|entry| entry.build().expect("an id and a body"));
    let request = client.send_message_batch().queue_url(URL).set_entries(Some(entries.into()));
    request.send().await.expect("it is answered");
    let sdk = line.asked();
    exchange!(SendMessageBatch, client, send_message_batch, batch(URL, outgoing.iter().map(Message::from)))
        .expect("it is answered");
    assert_eq!(line.asked(), sdk);
}

#[tokio::test]
async fn messages_are_settled_as_the_sdk_would_settle_them() {
    let receipts = |visibility_timeout| {
        batch(URL, ["a\"", "b"].into_iter().map(|receipt_handle| Receipt { receipt_handle, visibility_timeout }))
    };
    let (client, line) = Line::client(200, "{}");
    let entry = |id, receipt| DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(receipt).build();
    let entries = [entry("0", "a\""), entry("1", "b")].map(|entry| entry.expect("an id and a receipt"));
    let request = client.delete_message_batch().queue_url(URL).set_entries(Some(entries.into()));
    request.send().await.expect("it is answered");
    let sdk = line.asked();
    exchange!(DeleteMessageBatch, client, delete_message_batch, receipts(None)).expect("it is answered");
    assert_eq!(line.asked(), sdk);

    let entry = |id, receipt| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id).receipt_handle(receipt);
        entry.visibility_timeout(7).build().expect("an id and a receipt")
    };
    let request = client.change_message_visibility_batch().queue_url(URL);
    let request = request.entries(entry("0", "a\"")).entries(entry("1", "b"));
    request.send().await.expect("it is answered");
    let sdk = line.asked();
    exchange!(ChangeMessageVisibilityBatch, client, change_message_visibility_batch, receipts(Some(7)))
        .expect("it is answered");
    assert_eq!(line.asked(), sdk);
}

#[tokio::test]
async fn what_became_of_entries_is_read_as_the_sdk_would_read_it() {
    let failed = json!({"Id": "1", "Code": "No", "Message": "why", "SenderFault": true, "Later": {}});
    let done = json!({"Id": "0", "MessageId": "m", "MD5OfMessageBody": "5", "SequenceNumber": null});
    let curt = json!({"Id": "2", "Code": "No", "SenderFault": false});
    for answer in [json!({}), json!({"Failed": null}), json!({"Successful": [done, done], "Failed": [failed, curt]})] {
        let (client, _line) = Line::client(200, &answer.to_string());
        let request = client.send_message_batch().queue_url(URL).set_entries(Some(Vec::new()));
        let sdk = request.send().await.expect("it is read");
        let none = batch(URL, std::iter::empty::<Receipt<'_>>());
        let own = exchange!(SendMessageBatch, client, send_message_batch, none).expect("it is read");

        let done: Vec<_> = own.successful.unwrap_or_default().into_iter().map(|done| done.id).collect();
        assert_eq!(done, sdk.successful().iter().map(SendMessageBatchResultEntry::id).collect::<Vec<_>>(), "{answer}");
        let own = own.failed.unwrap_or_default().into_iter();
        let own: Vec<_> = own.map(|failed| (failed.id, failed.code, failed.message, failed.sender_fault)).collect();
        let sdk = sdk.failed().iter().map(|failed| {
            (
                failed.id().to_owned(),
                failed.code().to_owned(),
                failed.message().map(str::to_owned),
                failed.sender_fault(),
            )
        });
        assert_eq!(own, sdk.collect::<Vec<_>>(), "{answer}");
    }
}

/// What the SDK reads of an answer, and what is read here.
async fn received(status: u16, answer: &str) -> [Result<Vec<Received>, String>; 2] {
    let (client, _line) = Line::client(status, answer);
    let request = client.receive_message().queue_url(URL);
    let told = |error| aws_sdk_sqs::error::DisplayErrorContext(error).to_string();
    let read = |sdk: ReceiveMessageOutput| sdk.messages.unwrap_or_default().into_iter().map(Received::from).collect();
    let sdk = request.clone().send().await.map(read).map_err(told);
    let own = exchange::<ReceiveMessage, _, _>(None, request.send()).await;
    [sdk, own.map_err(|error| aws_sdk_sqs::error::DisplayErrorContext(error).to_string())]
}

/// Without the order of attributes, which means nothing, and the moment.
fn comparable(mut messages: Vec<Received>) -> Vec<Received> {
    let now = tokio::time::Instant::now();
    for message in &mut messages {
        message.attributes.sort_by(|one, other| one.name.cmp(&other.name));
        message.arrived = now;
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn messages_are_received_as_the_sdk_would_read_them() {
    let message = json!({
        "MessageId": "id", "ReceiptHandle": "receipt", "Body": "\u{1f600}\\\"\n", "Unknown": [1, {}],
        "Attributes": {
            "SentTimestamp": "1", "ApproximateFirstReceiveTimestamp": "no", "ApproximateReceiveCount": "2",
            "MessageGroupId": "\"", "DeadLetterQueueSourceArn": "arn", "Later": "3",
        },
        "MessageAttributes": {
            "Method": {"StringValue": "a\tb", "DataType": "String", "Later": []},
            "\u{1f600}\"": {"StringValue": "1", "DataType": "Number.\n"},
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
        let [sdk, own] = received(200, &answer.to_string()).await.map(|read| comparable(read.expect("it is read")));
        assert_eq!(sdk, own, "{answer}");
    }
}

#[tokio::test]
async fn an_error_is_read_as_the_sdk_reads_it() {
    let gone = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#;
    let [sdk, own] = received(400, gone).await;
    assert!(own.as_ref().is_err_and(|error| error.contains("QueueDoesNotExist")) && sdk == own, "{sdk:?}, {own:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_an_error() {
    for answer in ["{\"Messages\":[7]}", "no JSON", ""] {
        let [sdk, own] = received(200, answer).await;
        assert!(own.is_err() && (sdk.is_err() || answer.is_empty()), "{answer}: {sdk:?}, {own:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_no_exchange_is_all_the_sdks() {
    let (client, line) = Line::client(200, r#"{"Messages":[{"Body":"x"}]}"#);
    let output = client.receive_message().queue_url(URL).send().await.expect("it is read");
    assert_eq!(output.messages()[0].body(), Some("x"));
    assert_eq!(line.asked()["QueueUrl"], URL);
}

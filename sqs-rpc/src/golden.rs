//! The golden files of the wire contract, `proto/wire/v1/`: attributes of messages, read and written. What the bodies say is
//! tested where bodies are made, in `worker/tests/golden.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::body::Body;
use crate::clock::SqsClock;
use crate::failure::Failure;
use crate::message::{Outgoing, Received};
use crate::reply::{IncomingReply, OutgoingReply, ReplyTiming};
use crate::request::{AllowedReplyQueues, OutgoingRequest, Rejected, Request};

const REQUESTS: &str = include_str!("../../proto/wire/v1/requests.json");
const REPLIES: &str = include_str!("../../proto/wire/v1/replies.json");

fn cases(file: &str) -> Vec<Value> {
    serde_json::from_str(file).expect("golden files are arrays of cases")
}

fn allowed() -> AllowedReplyQueues {
    AllowedReplyQueues { account: "123456789012".to_owned(), name_prefix: "compute-replies".to_owned() }
}

fn received(case: &Value) -> Received {
    let message = &case["message"];
    let mut received = Message::builder().body(text(&message["body"]));
    for (name, value) in message["attributes"].as_object().expect("attributes") {
        let builder = MessageAttributeValue::builder().data_type(text(&value["DataType"]));
        let value = match value["StringValue"].as_str() {
            Some(string) => builder.string_value(string),
            None => builder.binary_value(Blob::new(text(&value["BinaryValue"]))),
        };
        received = received.message_attributes(name, value.build().expect("complete"));
    }
    if let Some(group) = message["MessageGroupId"].as_str() {
        received = received.attributes(MessageSystemAttributeName::MessageGroupId, group);
    }
    Received::from(received.build())
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// Golden files give integers as strings.
fn integer(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |value| json!(value.to_string()))
}

/// Attributes in the form of the golden files.
fn written(message: &Outgoing<'_>) -> BTreeMap<String, Value> {
    let attributes = message.attributes.iter();
    let form = |data_type, value| json!({"DataType": data_type, "StringValue": value});
    attributes.map(|a| (a.name.to_owned(), form(a.data_type, &*a.value))).collect()
}

fn attributes(case: &Value) -> BTreeMap<String, Value> {
    serde_json::from_value(case["message"]["attributes"].clone()).expect("attributes")
}

#[test]
fn golden_requests_are_read() {
    for case in cases(REQUESTS) {
        let outcome = Request::read(received(&case), &allowed());
        match outcome {
            Err(Rejected::Unanswerable(_)) => assert_eq!(case["unanswerable"], true, "{}", case["name"]),
            Err(Rejected::Answerable(_, failure)) => {
                assert_eq!(case["wrong_part"], "attributes", "{}: {failure}", case["name"]);
                assert_eq!(case["error"]["code"], failure.code, "{}", case["name"]);
            }
            Ok(request) => {
                assert!(case["unanswerable"].is_null(), "{}", case["name"]);
                assert_eq!(request.body, text(&case["message"]["body"]));
                let decoded = &case["decodes_to"];
                if decoded.is_null() {
                    continue; // It is for the service to refuse.
                }
                assert_eq!(decoded["id"], request.id.to_string(), "{}", case["name"]);
                assert_eq!(decoded["method"], request.method, "{}", case["name"]);
                assert_eq!(decoded["deadline"], integer(request.times.deadline), "{}", case["name"]);
                assert_eq!(decoded["timeout_ms"], integer(request.timeout.map(|limit| limit.as_millis())));
                for (name, value) in [
                    ("reply_to", &request.reply_to),
                    ("tenant", &request.tenant),
                    ("traceparent", &request.traceparent),
                    ("digest", &Some(request.digest.clone())),
                ] {
                    let absent_is_computed = name == "digest" && decoded[name].is_null();
                    assert!(absent_is_computed || decoded[name] == json!(value), "{}: {name}", case["name"]);
                }
            }
        }
    }
}

#[test]
fn golden_requests_are_written() {
    for case in cases(REQUESTS).into_iter().filter(|case| case["canonical"] == true) {
        let request = Request::read(received(&case), &allowed()).expect("canonical ones are right");
        let outgoing = OutgoingRequest {
            id: request.id,
            reply_to: request.reply_to,
            payload_in_s3: request.payload_in_s3,
            content_type: request.content_type,
            method: request.method,
            body: request.body,
            digest: request.digest,
            // A second more than the golden time left, of which far less passes before the message is made.
            deadline: request.timeout.map(|timeout| Instant::now() + timeout + Duration::from_secs(1)),
            tenant: request.tenant,
            traceparent: request.traceparent,
            span: tracing::Span::none(),
            _held: None,
        };
        let message = outgoing.to_message(&SqsClock::default());
        assert_eq!(message.body, text(&case["message"]["body"]));
        assert_eq!(message.group, case["message"]["MessageGroupId"].as_str());

        let (mut made, mut golden) = (written(&message), attributes(&case));
        for name in ["TimeoutMs", "Deadline"] {
            // Depends on the moment: only presence, type and range can be compared.
            let (made, golden) = (made.remove(name), golden.remove(name));
            assert_eq!(made.as_ref().map(|value| &value["DataType"]), golden.as_ref().map(|value| &value["DataType"]));
            if let (Some(made), Some(golden), "TimeoutMs") = (made, golden, name) {
                let ms = |value: &Value| text(&value["StringValue"]).parse::<i64>().expect("a whole number");
                assert!((0..=1_000).contains(&(ms(&made) - ms(&golden))), "{made} and {golden}");
            }
        }
        assert_eq!(made, golden, "{}", case["name"]);
    }
}

#[test]
fn golden_replies_are_read() {
    for case in cases(REPLIES) {
        let Ok(reply) = IncomingReply::read(received(&case)) else {
            assert_eq!(case["unanswerable"], true, "{}", case["name"]);
            continue;
        };
        assert!(case["unanswerable"].is_null(), "{}", case["name"]);
        let decoded = &case["decodes_to"];
        if decoded.is_null() {
            continue; // Its body is wrong, which is for the caller to find.
        }
        let status = reply.outcome.as_ref().map_or_else(|failure| failure.code, |_body| 0);
        assert_eq!(decoded["status"], status.to_string(), "{}", case["name"]);
        assert_eq!((&decoded["id"], &decoded["digest"]), (&json!(reply.id.to_string()), &json!(reply.digest)));
        assert_eq!(decoded["worker"], json!(reply.worker), "{}", case["name"]);
        if let Err(failure) = &reply.outcome {
            assert_eq!(decoded["message"], failure.message, "{}", case["name"]);
        }
        let ReplyTiming { sent, first_received, started, finished, slots, busy } = reply.timing;
        let timing = &decoded["timing"];
        for (name, value) in
            [("sent", sent), ("first_received", first_received), ("started", started), ("finished", finished)]
        {
            assert_eq!(timing[name], integer(value), "{}: {name}", case["name"]);
        }
        assert_eq!((&timing["slots"], &timing["busy"]), (&integer(slots), &integer(busy)), "{}", case["name"]);
    }
}

#[test]
fn golden_replies_are_written() {
    for case in cases(REPLIES).into_iter().filter(|case| case["canonical"] == true) {
        let reply = IncomingReply::read(received(&case)).expect("canonical ones are right");
        let is_failure = reply.outcome.is_err();
        let outgoing = OutgoingReply {
            id: reply.id,
            digest: reply.digest,
            worker: reply.worker.expect("a responder names itself"),
            timing: reply.timing,
            trace: None,
            outcome: reply.outcome.map(Body::Text),
        };
        let message = outgoing.into_message();
        assert_eq!(written(&message), attributes(&case), "{}", case["name"]);
        assert_eq!(message.body, text(&case["message"]["body"]), "{}", case["name"]);
        if is_failure {
            assert!(serde_json::from_str::<Failure>(&message.body).is_ok());
        }
    }
}

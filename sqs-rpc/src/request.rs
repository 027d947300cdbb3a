//! A request, as it is sent and as it is received.

use std::any::Any;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

use crate::clock::{self, SqsClock};
use crate::failure::{Failure, code};
use crate::message::{Attribute, AttributeError, Outgoing, Received, attribute};
use crate::trace::TraceContext;

/// Hex SHA-256 of a body.
pub(crate) fn digest(body: &str) -> String {
    hex::encode(Sha256::digest(body))
}

/// A request on its way out. Its attributes are made when it is sent, since they say how much time was left then.
#[derive(Debug)]
pub(crate) struct OutgoingRequest {
    pub(crate) id: Uuid,
    /// Absent: nobody waits.
    pub(crate) reply_to: Option<String>,
    pub(crate) method: String,
    /// The payload, or a pointer to it.
    pub(crate) body: String,
    /// The bytes of a payload in S3.
    pub(crate) payload_in_s3: Option<u64>,
    pub(crate) content_type: Option<String>,
    pub(crate) digest: String,
    /// Absent: to be worked even if nobody waits any more.
    pub(crate) deadline: Option<Instant>,
    pub(crate) tenant: Option<String>,
    pub(crate) traceparent: Option<String>,
    /// The span of sending it; it ends with the rest.
    pub(crate) span: Span,
    /// Dropped with the rest.
    pub(crate) _held: Option<Box<dyn Any + Send + Sync>>,
}

impl OutgoingRequest {
    pub(crate) fn to_message(&self, clock: &SqsClock) -> Outgoing<'_> {
        let mut attributes = vec![
            Attribute::string(attribute::CORRELATION_ID, self.id.to_string()),
            Attribute::string(attribute::METHOD, &*self.method),
            Attribute::string(attribute::DIGEST, &*self.digest),
        ];
        if let Some(reply_to) = &self.reply_to {
            attributes.push(Attribute::string(attribute::REPLY_TO, reply_to.as_str()));
        }
        if let Some(size) = self.payload_in_s3 {
            attributes.push(Attribute::number(attribute::EXTENDED_PAYLOAD_SIZE, size));
        }
        if let Some(content_type) = &self.content_type {
            attributes.push(Attribute::string(attribute::CONTENT_TYPE, content_type.as_str()));
        }
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
            attributes.push(Attribute::number(attribute::TIMEOUT_MS, left_ms));
            attributes.push(Attribute::number(attribute::DEADLINE, clock.now_ms().saturating_add(left_ms)));
        }
        if let Some(traceparent) = &self.traceparent {
            attributes.push(Attribute::string(attribute::TRACEPARENT, traceparent.as_str()));
        }
        let trace = self.traceparent.as_deref().and_then(TraceContext::parse);
        Outgoing { body: self.body.as_str().into(), attributes, group: self.tenant.as_deref(), trace }
    }

    /// The size of the message, in the bytes that SQS counts, without building it.
    pub(crate) fn size(&self) -> usize {
        let optional = [&self.reply_to, &self.content_type, &self.traceparent].map(|value| value.as_deref());
        attributes_size(&self.method, self.digest.len(), optional) + self.body.len()
    }
}

/// The most bytes that the attributes of a request have: the reply queue, the content type and the trace context are `optional`.
pub(crate) fn attributes_size(method: &str, digest: usize, optional: [Option<&str>; 3]) -> usize {
    // Names and types of all attributes, 172 bytes, and the longest id and numbers, 94.
    const FIXED: usize = 266;
    FIXED + method.len() + digest + optional.into_iter().flatten().map(str::len).sum::<usize>()
}

/// A request as a [`Responder`](crate::Responder)'s service gets it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The call's id.
    pub id: Uuid,
    /// What to do, for example `compute.v1.ComputeService/Compute`. A method that the service does not know is to be answered
    /// with [`code::UNIMPLEMENTED`].
    pub method: String,
    /// The payload, or a [`Pointer`](crate::Pointer) to it when `payload_in_s3` is there.
    pub body: String,
    /// Hex SHA-256 of the payload. Of one in S3 it is the sender's word.
    pub digest: String,
    /// The bytes of a payload that lies in S3, by the sender's word; absent: the body is the payload.
    pub payload_in_s3: Option<u64>,
    /// The media type of the payload; absent: `application/json`.
    pub content_type: Option<String>,
    /// Who asks (`MessageGroupId`).
    pub tenant: Option<String>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
    /// How often this message has been received, this time included.
    pub receive_count: u32,
    /// When the message was sent and first received, and when its caller gives up.
    pub times: RequestTimes,
    pub(crate) reply_to: Option<String>,
    pub(crate) timeout: Option<Duration>,
    arrived: Instant,
}

/// Times of a request, in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestTimes {
    /// When SQS took the message, on SQS's clock.
    pub sent: Option<i64>,
    /// When it was first received by anyone, on SQS's clock.
    pub first_received: Option<i64>,
    /// When its caller gives up, on SQS's clock as far as the caller knew it; absent: never.
    pub deadline: Option<i64>,
}

/// A message on the request queue that is not a request.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// Nobody can be told: there is no id, or no allowed address.
    Unanswerable(String),
    /// The sender can be told what is wrong; the request holds what could be read.
    Answerable(Box<Request>, Failure),
}

/// Where a responder may send replies to: queues of its own account whose names have a certain prefix. Whoever can write to
/// the request queue could else make it send messages to any queue that its role may write to.
#[derive(Debug, Clone)]
pub(crate) struct AllowedReplyQueues {
    pub(crate) account: String,
    pub(crate) name_prefix: String,
}

impl AllowedReplyQueues {
    /// Only the path is looked at: the same queue has several hosts (VPC endpoints, regions' legacy names), and the SDK sends
    /// to its own endpoint whatever the URL's host is.
    pub(crate) fn allows(&self, url: &str) -> bool {
        match account_and_name(url) {
            Some((account, name)) => account == self.account && name.starts_with(&self.name_prefix),
            None => false,
        }
    }
}

/// Account and queue name of a queue URL, `scheme://host/account/name`.
///
/// SQS reads the URL once more, so it must have only one reading: `https:/999/victim?://host/account/name` has two.
pub(crate) fn account_and_name(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let (account, name) = path.split_once('/')?;
    let is_made_of = |part: &str, others: &[u8]| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
    };
    (is_made_of(host, b"-_.:[]") && is_made_of(name, b"-_.")).then_some((account, name))
}

impl Request {
    pub(crate) fn read(mut message: Received, allowed: &AllowedReplyQueues) -> Result<Self, Rejected> {
        let unanswerable = |error: AttributeError| Rejected::Unanswerable(error.to_string());
        let id = message.required_string(attribute::CORRELATION_ID).map_err(unanswerable)?;
        let id = Uuid::try_parse(id).map_err(|_| {
            Rejected::Unanswerable(format!("message attribute {} is not a UUID", attribute::CORRELATION_ID))
        })?;
        let reply_to = message.take_string(attribute::REPLY_TO).map_err(unanswerable)?;
        if reply_to.as_ref().is_some_and(|url| !allowed.allows(url)) {
            return Err(Rejected::Unanswerable("the reply queue is not one that may be sent to".to_owned()));
        }
        let body = std::mem::take(&mut message.body);
        let mut reader = Reader { message, first_error: None };
        let method = reader.required_string(attribute::METHOD);
        let given_digest = reader.string(attribute::DIGEST);
        let digest = digest(&body);
        let mut request = Self {
            id,
            method,
            body,
            digest,
            payload_in_s3: reader.number(attribute::EXTENDED_PAYLOAD_SIZE),
            content_type: reader.string(attribute::CONTENT_TYPE),
            tenant: reader.message.group.take(),
            traceparent: reader.string(attribute::TRACEPARENT),
            receive_count: reader.message.receive_count,
            times: RequestTimes {
                sent: reader.message.sent_ms,
                first_received: reader.message.first_received_ms,
                deadline: reader.number(attribute::DEADLINE),
            },
            reply_to,
            timeout: reader.number(attribute::TIMEOUT_MS).map(Duration::from_millis),
            arrived: reader.message.arrived,
        };
        let mut error = reader.first_error.map(|error| error.to_string());
        if let Some(given) = given_digest
            && given != request.digest
        {
            // That of a payload in S3 can only be compared by whoever reads the payload.
            if request.payload_in_s3.is_none() {
                error.get_or_insert_with(|| "message attribute Digest is not the SHA-256 of the body".to_owned());
            }
            // Whoever waits knows the request by the digest that it gave.
            request.digest = given;
        }
        match error {
            None => Ok(request),
            Some(error) => Err(Rejected::Answerable(Box::new(request), Failure::new(code::INVALID_ARGUMENT, error))),
        }
    }

    /// Whether its time had run out when it first reached a responder, so that the work may be dropped: nobody can have been
    /// answered before.
    ///
    /// That is judged on SQS's clock alone, which stamped the message when it was sent and when it was received. A message
    /// received before may have been answered, and one moved back from the dead-letter queue was sent after its deadline:
    /// both are worked, so that the log has them.
    pub(crate) fn may_be_shed(&self) -> bool {
        let redriven =
            matches!((self.times.sent, self.times.deadline), (Some(sent), Some(deadline)) if sent >= deadline);
        self.receive_count == 1 && !redriven && self.time_left_at_receipt() == Some(Duration::ZERO)
    }

    /// Whether somebody may still wait for the reply.
    pub(crate) fn is_awaited(&self, clock: &SqsClock) -> bool {
        if self.reply_to.is_none() {
            return false;
        }
        if self.receive_count == 1 {
            // How long the work took since is measured here, on a clock that cannot be set.
            self.time_left_at_receipt().is_none_or(|left| left > self.arrived.elapsed())
        } else {
            self.times.deadline.is_none_or(|deadline| deadline > clock.now_ms())
        }
    }

    fn time_left_at_receipt(&self) -> Option<Duration> {
        let timeout = self.timeout?;
        let (sent, received) = (self.times.sent?, self.times.first_received?);
        Some(timeout.saturating_sub(clock::between(sent, received)))
    }
}

/// Takes attributes out of a message, and remembers the first that is not as it should be.
struct Reader {
    message: Received,
    first_error: Option<AttributeError>,
}

impl Reader {
    fn string(&mut self, name: &'static str) -> Option<String> {
        let value = self.message.take_string(name);
        self.noting(value)
    }

    fn required_string(&mut self, name: &'static str) -> String {
        let value = self.message.take_required_string(name);
        self.noting(value.map(Some)).unwrap_or_default()
    }

    fn number<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let value = self.message.number(name);
        self.noting(value)
    }

    fn noting<T>(&mut self, value: Result<Option<T>, AttributeError>) -> Option<T> {
        value.unwrap_or_else(|error| {
            self.first_error.get_or_insert(error);
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};

    use super::*;

    const REPLY_TO: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/compute-replies-1";

    fn allowed() -> AllowedReplyQueues {
        AllowedReplyQueues { account: "123456789012".to_owned(), name_prefix: "compute-replies".to_owned() }
    }

    fn outgoing(timeout: Option<Duration>) -> OutgoingRequest {
        let body = r#"{"values":[1]}"#.to_owned();
        OutgoingRequest {
            id: Uuid::now_v7(),
            reply_to: Some(REPLY_TO.to_owned()),
            payload_in_s3: None,
            content_type: None,
            method: "test/Method".to_owned(),
            digest: digest(&body),
            body,
            deadline: timeout.map(|timeout| Instant::now() + timeout),
            tenant: Some("tenant".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            span: Span::none(),
            _held: None,
        }
    }

    /// A message as SQS gives it: sent at 1,000,000 ms, received first after `queued_ms`.
    fn message(outgoing: &OutgoingRequest, receive_count: u32, queued_ms: i64) -> Message {
        let sent = 1_000_000_i64;
        let Outgoing { body, attributes, group, .. } = outgoing.to_message(&SqsClock::default());
        let mut message = Message::builder()
            .body(body)
            .attributes(MessageSystemAttributeName::SentTimestamp, sent.to_string())
            .attributes(MessageSystemAttributeName::ApproximateFirstReceiveTimestamp, (sent + queued_ms).to_string())
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, receive_count.to_string())
            .attributes(MessageSystemAttributeName::MessageGroupId, group.expect("a tenant"));
        for attribute in attributes {
            message = message.message_attributes(attribute.name, value(attribute.data_type, &attribute.value));
        }
        message.build()
    }

    fn value(data_type: &str, value: &str) -> MessageAttributeValue {
        MessageAttributeValue::builder().data_type(data_type).string_value(value).build().expect("complete")
    }

    fn read(message: Message) -> Result<Request, Rejected> {
        Request::read(Received::from(message), &allowed())
    }

    fn set(message: &mut Message, name: &str, new: Option<MessageAttributeValue>) {
        let attributes = message.message_attributes.get_or_insert_default();
        attributes.remove(name);
        attributes.extend(new.map(|new| (name.to_owned(), new)));
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let outgoing = outgoing(Some(Duration::from_secs(5)));
        let request = read(message(&outgoing, 1, 20)).expect("a request");

        assert_eq!((request.id, &request.method, &request.body), (outgoing.id, &outgoing.method, &outgoing.body));
        assert_eq!((&request.digest, &request.tenant), (&outgoing.digest, &outgoing.tenant));
        assert_eq!(request.reply_to.as_deref(), Some(REPLY_TO));
        assert_eq!((request.times.sent, request.times.first_received), (Some(1_000_000), Some(1_000_020)));
        assert!(request.times.deadline.expect("a deadline") > clock::unix_ms());
        assert!(request.is_awaited(&SqsClock::default()) && !request.may_be_shed());
    }

    #[test]
    fn the_size_counted_before_sending_is_never_too_small() {
        for timeout in [None, Some(Duration::from_secs(900))] {
            let outgoing = outgoing(timeout);
            let (counted, actual) = (outgoing.size(), outgoing.to_message(&SqsClock::default()).size());
            assert!((actual..actual + 192).contains(&counted), "{counted} counted, {actual} sent");
        }
    }

    #[test]
    fn only_a_first_delivery_past_its_time_is_shed() {
        let late = Some(Duration::from_millis(500));
        assert!(read(message(&outgoing(late), 1, 501)).expect("a request").may_be_shed());
        assert!(!read(message(&outgoing(late), 1, 400)).expect("a request").may_be_shed());
        assert!(!read(message(&outgoing(late), 2, 501)).expect("a request").may_be_shed(), "it may have been answered");
        assert!(!read(message(&outgoing(None), 1, 501)).expect("a request").may_be_shed(), "it is to finish late");

        let mut redriven = message(&outgoing(late), 1, 501);
        set(&mut redriven, attribute::DEADLINE, Some(value("Number", "999999")));
        assert!(!read(redriven).expect("a request").may_be_shed(), "it was moved back from the dead-letter queue");
    }

    #[test]
    fn a_message_without_an_id_or_an_allowed_address_cannot_be_answered() {
        let elsewhere = "https://sqs.us-east-1.amazonaws.com/123456789012/compute-requests";
        let other_account = "https://sqs.us-east-1.amazonaws.com/999999999999/compute-replies-1";
        for (name, new) in [
            (attribute::CORRELATION_ID, None),
            (attribute::CORRELATION_ID, Some(value("String", "17"))),
            (attribute::CORRELATION_ID, Some(value("Number", "17"))),
            (attribute::REPLY_TO, Some(value("String", elsewhere))),
            (attribute::REPLY_TO, Some(value("String", other_account))),
            (attribute::REPLY_TO, Some(value("String", "compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "https:/999/victim?://h/123456789012/compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "https://h?x=/123456789012/compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "https://me@h/123456789012/compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "https:///123456789012/compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "ftp://h/123456789012/compute-replies-1"))),
            (attribute::REPLY_TO, Some(value("String", "https://host/123456789012/compute-replies/../x"))),
        ] {
            let mut message = message(&outgoing(None), 1, 0);
            set(&mut message, name, new.clone());
            assert!(matches!(read(message), Err(Rejected::Unanswerable(_))), "{name} {new:?}");
        }
    }

    #[test]
    fn a_message_with_an_id_and_an_address_is_answered_whatever_else_is_wrong() {
        for (name, new) in [
            (attribute::METHOD, None),
            (attribute::METHOD, Some(value("Number", "1"))),
            (attribute::TIMEOUT_MS, Some(value("String", "1000"))),
            (attribute::TIMEOUT_MS, Some(value("Number", "-1"))),
            (attribute::DEADLINE, Some(value("Number", "1e400"))),
            (attribute::DIGEST, Some(value("String", "0000"))),
        ] {
            let mut message = message(&outgoing(None), 1, 0);
            set(&mut message, name, new.clone());
            match read(message) {
                Err(Rejected::Answerable(request, failure)) => {
                    assert_eq!((request.reply_to.as_deref(), failure.code), (Some(REPLY_TO), code::INVALID_ARGUMENT));
                    assert!(failure.message.contains(name), "{failure}");
                }
                other => panic!("{name} {new:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_digest_of_a_payload_in_s3_is_not_that_of_the_pointer() {
        let mut message = message(&outgoing(None), 1, 0);
        set(&mut message, attribute::DIGEST, Some(value("String", "0000")));
        set(&mut message, attribute::EXTENDED_PAYLOAD_SIZE, Some(value("Number", "2000000")));
        let request = read(message).expect("a request");
        assert_eq!((request.digest.as_str(), request.payload_in_s3), ("0000", Some(2_000_000)));
    }

    #[test]
    fn labelled_types_and_unknown_attributes_are_read() {
        let mut message = message(&outgoing(Some(Duration::from_secs(5))), 1, 0);
        set(&mut message, attribute::TIMEOUT_MS, Some(value("Number.int", "5000")));
        set(&mut message, "Future", Some(value("String", "?")));
        assert!(read(message).is_ok());
    }

    #[test]
    fn a_request_that_names_no_reply_queue_is_worked_for_nobody() {
        let mut message = message(&outgoing(None), 1, 0);
        set(&mut message, attribute::REPLY_TO, None);
        assert!(!read(message).expect("a request").is_awaited(&SqsClock::default()));
    }
}

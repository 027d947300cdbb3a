//! Doors for the fuzz targets in `fuzz/` to what reads messages. Not in any other build.

use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{self, MessageAttributeValue, MessageSystemAttributeName as System};
use uuid::Uuid;

use crate::body::Body;
use crate::clock::SqsClock;
use crate::message::{Outgoing, Received};
use crate::reply::{IncomingReply, OutgoingReply};
use crate::request::{AllowedReplyQueues, OutgoingRequest, Rejected};
use crate::{CallError, Failure, Pointer, PointerError, Reply, ReplyTiming, Request};

/// A message as a queue hands it over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// The text of the message.
    pub body: String,
    /// Name, type and value. A type that starts with `Binary` makes it a binary one.
    pub attributes: Vec<(String, String, String)>,
    /// Name and value of the attributes that SQS sets.
    pub system: Vec<(String, String)>,
}

impl Message {
    fn received(self) -> Received {
        let mut message = types::Message::builder().body(self.body);
        for (name, data_type, value) in self.attributes {
            let is_binary = data_type.starts_with("Binary");
            let attribute = MessageAttributeValue::builder().data_type(data_type);
            let attribute = match is_binary {
                true => attribute.binary_value(Blob::new(value)),
                false => attribute.string_value(value),
            };
            message = message.message_attributes(name, attribute.build().expect("a data type was given"));
        }
        for (name, value) in self.system {
            message = message.attributes(System::from(name.as_str()), value);
        }
        message.build().into()
    }
}

impl From<Outgoing<'_>> for Message {
    fn from(Outgoing { body, attributes, group, .. }: Outgoing<'_>) -> Self {
        let attributes =
            attributes.into_iter().map(|a| (a.name.to_owned(), a.data_type.to_owned(), a.value.into_owned()));
        let group = group.map(|group| (System::MessageGroupId.as_str().to_owned(), group.to_owned()));
        Self { body: body.into_owned(), attributes: attributes.collect(), system: group.into_iter().collect() }
    }
}

/// A message on the request queue that is not a request.
#[derive(Debug)]
pub struct NoRequest {
    /// What its sender is told; absent when nobody can be told.
    pub answer: Option<(Request, Failure)>,
}

/// Reads a request whose reply may go to the queues of an account whose names start like this.
pub fn read_request(message: Message, account: &str, name_prefix: &str) -> Result<Request, NoRequest> {
    let allowed = AllowedReplyQueues { account: account.to_owned(), name_prefix: name_prefix.to_owned() };
    Request::read(message.received(), &allowed).map_err(|rejected| match rejected {
        Rejected::Unanswerable(_) => NoRequest { answer: None },
        Rejected::Answerable(request, failure) => NoRequest { answer: Some((*request, failure)) },
    })
}

/// What a responder asks a request: where to reply, whether it may be shed, whether somebody waits by the clock that stamped it.
pub fn ask(request: &Request) -> (Option<&str>, bool, bool) {
    let clock = SqsClock::default();
    if let Some(first_received) = request.times.first_received {
        clock.observe(first_received);
    }
    (request.reply_to.as_deref(), request.may_be_shed(), request.is_awaited(&clock))
}

/// The message that a requester sends for this request, and the size that it counts for it, if there is no deadline, which
/// depends on the clock.
pub fn write_request(request: &Request) -> (Message, usize) {
    let outgoing = OutgoingRequest {
        id: request.id,
        reply_to: request.reply_to.clone(),
        method: request.method.clone(),
        body: request.body.clone(),
        payload_in_s3: request.payload_in_s3,
        content_type: request.content_type.clone(),
        digest: request.digest.clone(),
        deadline: None,
        tenant: request.tenant.clone(),
        traceparent: request.traceparent.clone(),
        span: tracing::Span::none(),
        _held: None,
    };
    (outgoing.to_message(&SqsClock::default()).into(), outgoing.size())
}

/// What a message on the reply queue says.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyMessage {
    /// The id of the call.
    pub id: Uuid,
    /// The digest of the request.
    pub digest: String,
    /// Who replied.
    pub worker: Option<String>,
    /// When.
    pub timing: ReplyTiming,
    /// The bytes of a payload in S3, to which the body is a pointer.
    pub payload_in_s3: Option<u64>,
    /// The body, or what went wrong.
    pub outcome: Result<String, Failure>,
}

/// Reads a reply; the error is what the process log would say.
pub fn read_reply(message: Message) -> Result<ReplyMessage, String> {
    let reply = IncomingReply::read(message.received()).map_err(|malformed| malformed.to_string())?;
    let IncomingReply { id, digest, worker, timing, payload_in_s3, outcome, .. } = reply;
    Ok(ReplyMessage { id, digest, worker, timing, payload_in_s3, outcome })
}

/// The message that a responder sends for this reply, whose payload is in this bucket if it is in S3.
pub fn write_reply(reply: ReplyMessage, bucket: &str) -> Result<Message, PointerError> {
    let ReplyMessage { id, digest, worker, timing, payload_in_s3, outcome } = reply;
    let outcome = match (outcome, payload_in_s3) {
        (Ok(body), Some(size)) => Ok(Body::InS3 { pointer: Pointer::read(&body, bucket)?, size }),
        (outcome, _) => outcome.map(Body::Text),
    };
    Ok(OutgoingReply { id, digest, worker: worker.unwrap_or_default(), timing, trace: None, outcome }
        .into_message()
        .into())
}

/// How the call ends that this reply is for, after that time, if it is a reply.
pub fn end_call(message: Message, total: Duration) -> Option<Result<Reply, CallError>> {
    IncomingReply::read(message.received()).ok().map(|reply| Reply::new(reply, total))
}

/// The digest of a body.
pub fn digest(body: &str) -> String {
    crate::request::digest(body)
}

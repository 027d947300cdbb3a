//! Calls of `ComputeStream` with a long list, whose messages are made beforehand or while they are sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ComputeResponse, ComputeStreamRequest};
use futures_util::stream::{self, Stream};
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tonic_prost::{ProstCodec, ProstDecoder};

const COMPUTE_STREAM: PathAndQuery = PathAndQuery::from_static("/compute.v1.ComputeService/ComputeStream");

/// When the messages of a stream are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Making {
    /// Before the clock starts: then the call does what the bare program does, and no more.
    Beforehand,
    /// While they are sent, by the generated client, as callers do.
    Meanwhile,
}

/// A list to be streamed, as values and as messages of so many values each.
#[derive(Debug, Clone)]
pub(crate) struct List {
    values: Arc<Vec<i64>>,
    message_values: usize,
    messages: Vec<Bytes>,
}

/// A call that was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    /// Until the last message of the stream was handed over to the connection.
    pub(crate) sent: Duration,
    pub(crate) total: Duration,
    pub(crate) response: ComputeResponse,
}

impl List {
    pub(crate) fn new(values: Arc<Vec<i64>>, message_values: usize) -> Self {
        let messages = messages(values.clone(), message_values).map(|message| message.encode_to_vec().into()).collect();
        Self { values, message_values, messages }
    }

    /// Streams the list and waits for the answer.
    pub(crate) async fn call(&self, channel: &Channel, making: Making, deadline: Duration) -> Result<Answered, Status> {
        let started = Instant::now();
        let sent = Arc::new(Mutex::new(None));
        let response = match making {
            Making::Beforehand => {
                let messages = noting_its_end(self.messages.clone().into_iter(), sent.clone());
                let mut client = Grpc::new(channel.clone());
                client.ready().await.map_err(|error| Status::from_error(error.into()))?;
                client.client_streaming(request(messages, deadline), COMPUTE_STREAM, Serialized).await
            }
            Making::Meanwhile => {
                let messages = messages(self.values.clone(), self.message_values);
                let messages = noting_its_end(messages, sent.clone());
                ComputeServiceClient::new(channel.clone()).compute_stream(request(messages, deadline)).await
            }
        };
        let response = response.map(Response::into_inner)?;
        let total = started.elapsed();
        let sent = sent.lock().unwrap_or_else(PoisonError::into_inner).ok_or_else(unsent)?;
        Ok(Answered { sent: sent.duration_since(started), total, response })
    }
}

fn request<T: Send + 'static>(
    messages: impl Iterator<Item = T> + Send + 'static,
    deadline: Duration,
) -> Request<impl Stream<Item = T> + Send + 'static> {
    let mut request = Request::new(stream::iter(messages));
    request.set_timeout(deadline);
    request
}

fn messages(values: Arc<Vec<i64>>, size: usize) -> impl Iterator<Item = ComputeStreamRequest> + Send {
    (0..values.len()).step_by(size).map(move |start| ComputeStreamRequest {
        values: values[start..values.len().min(start.saturating_add(size))].to_vec(),
        ..Default::default()
    })
}

/// The same messages; notes when they have all been asked for.
fn noting_its_end<T: Send>(
    messages: impl Iterator<Item = T> + Send,
    end: Arc<Mutex<Option<Instant>>>,
) -> impl Iterator<Item = T> + Send {
    messages.chain(std::iter::from_fn(move || {
        *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        None
    }))
}

fn unsent() -> Status {
    Status::new(Code::Internal, "an answer came before the end of the list was sent")
}

/// Requests that are serialized already.
#[derive(Debug, Clone, Copy)]
struct Serialized;

impl Codec for Serialized {
    type Encode = Bytes;
    type Decode = ComputeResponse;
    type Encoder = Self;
    type Decoder = ProstDecoder<ComputeResponse>;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<ComputeResponse, ComputeResponse>::default().decoder()
    }
}

impl Encoder for Serialized {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

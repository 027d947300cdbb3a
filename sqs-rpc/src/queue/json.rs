//! The JSON of the requests that bring messages, `SendMessageBatch` and `ReceiveMessage`, by `serde_json`.
//!
//! All else of these requests is the SDK's. But its own writer and reader of JSON, which go through a message token by token and
//! character by character, would take a sixth of the instructions of a call, as most of what a call costs is its attributes:
//! `bench/README.md`. The SDK has a place where another serializer can take that of an operation, and this is put there by an
//! interceptor. What is not a success, or cannot be read here, the SDK reads.

mod received;
mod sent;

use aws_sdk_sqs::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::operation;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output, OutputOrError};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin as _;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::FrozenLayer;

/// Puts the serializers of this module in the place of the SDK's.
#[derive(Debug)]
pub(super) struct OwnJson {
    /// What the SDK has for a `ReceiveMessage`, its reader among it.
    receive: Option<FrozenLayer>,
}

impl OwnJson {
    pub(super) fn new() -> Self {
        Self { receive: operation::receive_message::ReceiveMessage::new().config() }
    }
}

#[dyn_dispatch_hint]
impl Intercept for OwnJson {
    fn name(&self) -> &'static str {
        "OwnJson"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match config.load::<Metadata>().map(Metadata::name) {
            Some("SendMessageBatch") => {
                if let Some(sdk) = config.load::<SharedRequestSerializer>().cloned() {
                    let own = SharedRequestSerializer::new(SendMessageBatch { sdk });
                    config.interceptor_state().store_put(own);
                }
            }
            Some("ReceiveMessage") => {
                if let Some(sdk) = self.receive.clone() {
                    let own = SharedResponseDeserializer::new(ReceiveMessage { sdk });
                    config.interceptor_state().store_put(own);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Writes the body of a `SendMessageBatch`; its headers the SDK writes.
#[derive(Debug)]
struct SendMessageBatch {
    sdk: SharedRequestSerializer,
}

impl SerializeRequest for SendMessageBatch {
    fn serialize_input(&self, input: Input, config: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let input = match input.downcast::<SendMessageBatchInput>() {
            Ok(input) => input,
            Err(other) => return self.sdk.serialize_input(other, config),
        };
        let body = sent::to_json(&input);
        let empty = SendMessageBatchInput::builder().set_queue_url(input.queue_url).set_entries(Some(Vec::new()));
        let mut request = self.sdk.serialize_input(Input::erase(empty.build()?), config)?;
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Ok(request)
    }
}

/// Reads the answer to a `ReceiveMessage`.
#[derive(Debug)]
struct ReceiveMessage {
    sdk: FrozenLayer,
}

impl DeserializeResponse for ReceiveMessage {
    fn deserialize_nonstreaming_with_config(&self, response: &HttpResponse, config: &ConfigBag) -> OutputOrError {
        let body = response.body().bytes().filter(|_| response.status().as_u16() == 200);
        match body.and_then(received::from_json) {
            Some(output) => Ok(Output::erase(output)),
            None => {
                let sdk =
                    self.sdk.load::<SharedResponseDeserializer>().expect("each operation of the SDK has a reader");
                sdk.deserialize_nonstreaming_with_config(response, config)
            }
        }
    }
}

#[cfg(test)]
mod tests;

//! The JSON of the requests that bring messages or settle them, by `serde_json`.
//!
//! All else of these requests is the SDK's. But its own writer and reader of JSON, which go through a message token by token and
//! character by character, would take a sixth of the instructions of a call, and its types, a map for the attributes of each
//! message, a tenth, as most of what a call costs is its attributes: `bench/README.md`. So a body is written before the SDK
//! makes a request, and an interceptor puts it in the place of the SDK's; and the answer is read by a reader in the place of the
//! SDK's, which leaves what it has read to whoever asked. They meet in a variable of the task, in which the SDK does all this.
//! What is not a success, the SDK reads.

mod received;
mod sent;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use aws_sdk_sqs::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::{BoxError, SdkError};
use aws_sdk_sqs::operation::change_message_visibility_batch::{
    ChangeMessageVisibilityBatch, ChangeMessageVisibilityBatchOutput,
};
use aws_sdk_sqs::operation::delete_message_batch::{DeleteMessageBatch, DeleteMessageBatchOutput};
use aws_sdk_sqs::operation::receive_message::{ReceiveMessage, ReceiveMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatch, SendMessageBatchOutput};
use aws_smithy_runtime_api::client::interceptors::context::{Output, OutputOrError};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::body::SdkBody;

pub(super) use self::received::{Failed, Results};
pub(super) use self::sent::{Message, Receipt, batch};
use crate::message::Received;

tokio::task_local! {
    /// The request that the SDK makes in this task, if its bodies are written and read here.
    static EXCHANGE: RefCell<Exchange>;
}

struct Exchange {
    /// In the place of what the SDK writes; it has been taken once it is there.
    body: Option<Vec<u8>>,
    reader: fn() -> SharedResponseDeserializer,
    answer: Option<Box<dyn Any + Send>>,
}

/// An operation whose answers are read here.
pub(super) trait Operation: RuntimePlugin + Default + 'static {
    type Answer: Send + 'static;

    fn read(body: &[u8]) -> serde_json::Result<Self::Answer>;

    /// What the SDK would have read of an answer that says nothing.
    fn nothing() -> Output;
}

impl Operation for ReceiveMessage {
    type Answer = Vec<Received>;

    fn read(body: &[u8]) -> serde_json::Result<Vec<Received>> {
        received::messages(body)
    }

    fn nothing() -> Output {
        Output::erase(ReceiveMessageOutput::builder().build())
    }
}

/// An operation on several entries, which may each succeed or fail.
pub(super) trait Batched: Operation<Answer = Results> {
    const NAME: &'static str;
}

macro_rules! batch_operation {
    ($name:ident, $output:ident) => {
        impl Operation for $name {
            type Answer = Results;

            fn read(body: &[u8]) -> serde_json::Result<Results> {
                received::parse(body)
            }

            fn nothing() -> Output {
                let output = $output::builder().set_successful(Some(Vec::new())).set_failed(Some(Vec::new()));
                Output::erase(output.build().expect("both lists were given"))
            }
        }

        impl Batched for $name {
            const NAME: &'static str = stringify!($name);
        }
    };
}

batch_operation!(SendMessageBatch, SendMessageBatchOutput);
batch_operation!(DeleteMessageBatch, DeleteMessageBatchOutput);
batch_operation!(ChangeMessageVisibilityBatch, ChangeMessageVisibilityBatchOutput);

/// Makes a request of a client that has [`OwnJson`], with this body if there is one, and gives what was read of the answer.
pub(super) async fn exchange<O: Operation, T, E>(
    body: Option<Vec<u8>>,
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<O::Answer, SdkError<E>> {
    let exchange = Exchange { body, reader: Reader::<O>::shared, answer: None };
    let answered = EXCHANGE.scope(RefCell::new(exchange), async {
        request.await.map(|_nothing| EXCHANGE.with(|exchange| exchange.borrow_mut().answer.take()))
    });
    let answer = answered.await?.and_then(|answer| answer.downcast().ok());
    Ok(*answer.expect("whatever has succeeded was read by the reader of this operation"))
}

/// Has the bodies of an [`exchange`] written and read here.
#[derive(Debug)]
pub(super) struct OwnJson;

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
        if let Ok(reader) = EXCHANGE.try_with(|exchange| exchange.borrow().reader) {
            config.interceptor_state().store_put(reader());
        }
        Ok(())
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Ok(Some(body)) = EXCHANGE.try_with(|exchange| exchange.borrow_mut().body.take()) {
            let request = context.request_mut();
            request.headers_mut().insert("content-length", body.len().to_string());
            *request.body_mut() = SdkBody::from(body);
        }
        Ok(())
    }
}

/// Reads answers of an operation, and leaves them in the [`Exchange`].
struct Reader<O>(PhantomData<fn() -> O>);

impl<O: Operation> Reader<O> {
    fn shared() -> SharedResponseDeserializer {
        SharedResponseDeserializer::new(Self(PhantomData))
    }
}

impl<O> fmt::Debug for Reader<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl<O: Operation> DeserializeResponse for Reader<O> {
    fn deserialize_nonstreaming_with_config(&self, response: &HttpResponse, config: &ConfigBag) -> OutputOrError {
        if response.status().as_u16() != 200 {
            let sdk = O::default().config();
            let sdk = sdk.as_ref().and_then(|sdk| sdk.load::<SharedResponseDeserializer>());
            let sdk = sdk.expect("each operation of the SDK has a reader");
            return sdk.deserialize_nonstreaming_with_config(response, config);
        }
        let answer = O::read(response.body().bytes().unwrap_or_default());
        let answer = answer.map_err(|error| OrchestratorError::response(error.into()))?;
        EXCHANGE.with(|exchange| exchange.borrow_mut().answer = Some(Box::new(answer)));
        Ok(O::nothing())
    }
}

#[cfg(test)]
mod tests;

//! Tells the time by SQS's responses.

use std::sync::Arc;

use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;

use crate::clock::SqsClock;

/// Shows the `Date` of every response to a clock.
#[derive(Debug)]
pub(super) struct ObserveDate {
    pub(super) clock: Arc<SqsClock>,
}

#[dyn_dispatch_hint]
impl Intercept for ObserveDate {
    fn name(&self) -> &'static str {
        "ObserveDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            self.clock.observe_second(date.secs());
        }
        Ok(())
    }
}

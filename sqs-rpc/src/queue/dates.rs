//! Tells the time by the dates of SQS's responses.

use std::sync::Arc;

use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};

use crate::BoxError;
use crate::clock::SqsClock;

/// Sets a clock by the header `Date` of each response.
#[derive(Debug)]
pub(super) struct Dates {
    pub(super) clock: Arc<SqsClock>,
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        if let Some(date) = date {
            self.clock.observe_date(date.secs().saturating_mul(1_000));
        }
        Ok(())
    }
}

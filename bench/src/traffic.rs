//! What the embedded SQS and S3 were asked for, and what AWS would take for it.

use std::collections::BTreeMap;
use std::ops::Sub;

use serde::{Deserialize, Serialize};

use crate::system::System;
use crate::{BoxError, http};

/// AWS's list prices in us-east-1, in US dollars a request, beyond the free tier: <https://aws.amazon.com/sqs/pricing/> and
/// <https://aws.amazon.com/s3/pricing/> (S3 Standard). Storage and traffic are not counted.
mod price {
    /// SQS, standard queues. 64 KiB of a message count as a request.
    pub(super) const SQS: f64 = 0.40 / 1e6;
    /// S3: PUT, COPY, POST and LIST.
    pub(super) const S3_PUT: f64 = 5.00 / 1e6;
    /// S3: GET and all others.
    pub(super) const S3_GET: f64 = 0.40 / 1e6;
    /// S3: DELETE, and aborting an upload, cost nothing.
    pub(super) const FREE: f64 = 0.0;
}

/// The prices in words.
pub(crate) const PRICES: &str = "SQS $0.40 a million; S3 PUT and LIST $5.00, GET $0.40 a million, DELETE $0";

/// Requests by operation, such as `sqs:SendMessageBatch`, since compute-local has started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Traffic(BTreeMap<String, Requests>);

/// How often an operation was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Requests {
    /// All of them, those that were refused on purpose included.
    pub(crate) arrived: u64,
    /// Those that were answered.
    pub(crate) handled: u64,
    /// What those count on a bill.
    pub(crate) billed: u64,
    /// Those that were polls of a queue and brought no message.
    #[serde(default)]
    pub(crate) empty: u64,
}

impl Traffic {
    /// What has come in so far.
    pub(crate) async fn of(system: &System) -> Result<Self, BoxError> {
        let endpoint = system.endpoint();
        let address = endpoint.strip_prefix("http://").ok_or_else(|| format!("{endpoint} is not plain HTTP"))?;
        Ok(serde_json::from_str(&http::get(address, "/_compute/traffic").await?)?)
    }

    /// What has come in since then.
    pub(crate) fn since(&self, then: &Self) -> Self {
        let new = self.0.iter().map(|(operation, &requests)| (operation.clone(), requests - then.requests(operation)));
        Self(new.filter(|(_, requests)| requests.arrived > 0).collect())
    }

    /// The rest beside these operations.
    pub(crate) fn without(mut self, operations: &[&str]) -> Self {
        self.0.retain(|operation, _| !operations.contains(&operation.as_str()));
        self
    }

    /// Every operation that was asked for, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Requests)> {
        self.0.iter().map(|(operation, &requests)| (operation.as_str(), requests))
    }

    /// How often S3 was asked to store an object, multipart uploads included, and did.
    pub(crate) fn s3_puts(&self) -> u64 {
        ["s3:PutObject", "s3:UploadPart"].map(|operation| self.requests(operation).handled).iter().sum()
    }

    /// How often SQS was asked for something, but for polls that brought no message.
    pub(crate) fn sqs_requests(&self) -> u64 {
        let of_sqs = self.iter().filter(|(operation, _)| operation.starts_with("sqs:"));
        of_sqs.map(|(_, requests)| requests.handled - requests.empty).sum()
    }

    /// How often S3 was asked for something.
    pub(crate) fn s3_requests(&self) -> u64 {
        let of_s3 = self.iter().filter(|(operation, _)| operation.starts_with("s3:"));
        of_s3.map(|(_, requests)| requests.handled).sum()
    }

    /// How many polls brought no message.
    pub(crate) fn empty_polls(&self) -> u64 {
        self.iter().map(|(_, requests)| requests.empty).sum()
    }

    /// Those of an operation.
    pub(crate) fn requests(&self, operation: &str) -> Requests {
        self.0.get(operation).copied().unwrap_or_default()
    }

    /// What AWS takes for all of a service (`sqs` or `s3`), in US dollars.
    pub(crate) fn dollars(&self, service: &str) -> f64 {
        let of_service = |operation: &str| operation.split(':').next() == Some(service);
        self.iter().filter(|(operation, _)| of_service(operation)).map(|(name, count)| dollars(name, count)).sum()
    }
}

/// What AWS takes for requests of this operation, in US dollars.
pub(crate) fn dollars(operation: &str, requests: Requests) -> f64 {
    let price = match operation.split_once(':') {
        Some(("sqs", _)) => price::SQS,
        Some(("s3", "GetObject" | "HeadObject" | "HeadBucket" | "GetBucketLifecycleConfiguration")) => price::S3_GET,
        Some(("s3", name)) if name.starts_with("Delete") || name.starts_with("Abort") => price::FREE,
        // Whatever else S3 is asked counts at the higher price.
        _ => price::S3_PUT,
    };
    requests.billed as f64 * price
}

impl Sub for Requests {
    type Output = Self;

    fn sub(self, then: Self) -> Self {
        let Self { arrived, handled, billed, empty } = then;
        Self {
            arrived: self.arrived - arrived,
            handled: self.handled - handled,
            billed: self.billed - billed,
            empty: self.empty - empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Traffic {
        serde_json::from_str(json).expect("what the endpoint tells")
    }

    #[test]
    fn a_bill_takes_what_is_new_at_the_prices_of_its_kind() {
        let then = read(r#"{"sqs:SendMessage":{"arrived":5,"handled":5,"billed":5}}"#);
        let now = read(
            r#"{"sqs:SendMessage":{"arrived":1000007,"handled":1000006,"billed":1000005},
                "s3:PutObject":{"arrived":1000000,"handled":1000000,"billed":1000000},
                "s3:GetObject":{"arrived":500000,"handled":500000,"billed":500000},
                "s3:DeleteObject":{"arrived":7,"handled":7,"billed":7}}"#,
        );
        let new = now.since(&then);
        assert_eq!(
            new.requests("sqs:SendMessage"),
            Requests { arrived: 1_000_002, handled: 1_000_001, billed: 1_000_000, empty: 0 }
        );
        assert!((new.dollars("sqs") - 0.40).abs() < 1e-9);
        assert!((new.dollars("s3") - 5.20).abs() < 1e-9);
        assert_eq!(new.s3_puts(), 1_000_000);
    }

    #[test]
    fn what_was_not_asked_for_anew_is_left_out() {
        let traffic = read(r#"{"sqs:SendMessage":{"arrived":5,"handled":5,"billed":5}}"#);
        assert_eq!(traffic.since(&traffic).iter().count(), 0);
    }
}

//! The limits of a request, checked in one place for gateway and worker, and violations of them in the `details` of an error
//! reply.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::v1;

/// Most values of a request in one message.
pub const MAX_VALUES: usize = 10_000_000;

/// Most values of a request in a stream of messages.
pub const MAX_STREAMED_VALUES: usize = 100_000_000;

/// Most quantiles of one request.
pub const MAX_QUANTILES: usize = 100;

/// Most bins of a histogram.
pub const MAX_BINS: u32 = 1_000;

/// The `domain` of the `google.rpc.ErrorInfo` of an error.
pub const DOMAIN: &str = "compute.v1";

/// The `reason` in the `google.rpc.ErrorInfo` of a list that is longer than a worker takes. Its metadata has the `limit`.
pub const TOO_MANY_VALUES: &str = "TOO_MANY_VALUES";

/// Most bytes of a tenant's name.
pub const MAX_TENANT: usize = 64;

/// Whether this can be a tenant's name: 1 to [`MAX_TENANT`] letters, digits, dots, underscores and hyphens, but not the single
/// hyphen that stands for no tenant in the log.
pub fn is_tenant(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_TENANT).contains(&name.len()) && name != "-" && name.bytes().all(allowed)
}

/// A field that is out of its range, as in `google.rpc.BadRequest.FieldViolation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    /// The path of the field, such as `values`, `quantiles[3]` or `histogram.bins`.
    pub field: String,
    /// What was given and what is allowed, for the caller's developer.
    pub description: String,
}

/// Checks every field of a request in one message against its range, as documented in `proto/compute/v1/compute.proto`.
///
/// # Errors
///
/// One violation for each field that is out of its range, in the order of the fields. When there are too many quantiles, only
/// their number is reported, so that there are never more than some hundred violations.
pub fn validate(request: &v1::ComputeRequest) -> Result<(), Vec<FieldViolation>> {
    validate_up_to(request, MAX_VALUES)
}

/// Like [`validate`], of a request that may have as many values as is said: [`MAX_STREAMED_VALUES`] where it may have come in
/// many messages, or less where less is taken.
///
/// # Errors
///
/// Those of [`validate`].
pub fn validate_up_to(request: &v1::ComputeRequest, max_values: usize) -> Result<(), Vec<FieldViolation>> {
    let mut violations = Vec::from_iter(count_violation(request.values.len(), max_values));
    violations.extend(option_violations(&request.quantiles, request.histogram));
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// What is wrong with a list of that many values, if anything.
pub fn count_violation(values: usize, max_values: usize) -> Option<FieldViolation> {
    let description = match values {
        0 => format!("the list is empty, it must hold 1 to {max_values} values"),
        _ if values > max_values => format!("the list holds {values} values, at most {max_values} are allowed"),
        _ => return None,
    };
    Some(FieldViolation { field: "values".into(), description })
}

/// What is wrong with the fields of a request that say what to compute, as [`validate`] tells it.
pub fn option_violations(quantiles: &[f64], histogram: Option<v1::HistogramOptions>) -> Vec<FieldViolation> {
    let mut violations = Vec::new();
    let mut violated = |field: String, description: String| violations.push(FieldViolation { field, description });

    if quantiles.len() > MAX_QUANTILES {
        let given = quantiles.len();
        violated("quantiles".into(), format!("{given} quantiles were asked for, at most {MAX_QUANTILES} are allowed"));
    } else {
        for (index, probability) in quantiles.iter().enumerate() {
            if !(0.0..=1.0).contains(probability) {
                // `Debug` has an exponent for the very large and small, where `Display` has hundreds of digits.
                let description = format!("{probability:?} is not a probability, a number from 0 to 1");
                violated(format!("quantiles[{index}]"), description);
            }
        }
    }

    if let Some(v1::HistogramOptions { bins }) = histogram
        && !(1..=MAX_BINS).contains(&bins)
    {
        violated("histogram.bins".into(), format!("{bins} bins were asked for, 1 to {MAX_BINS} are allowed"));
    }
    violations
}

const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

/// The violations as one of the `details` of an error reply: `google.rpc.BadRequest` in ProtoJSON, wrapped in an `Any`.
pub fn bad_request_detail(violations: &[FieldViolation]) -> Value {
    json!({ "@type": BAD_REQUEST, "field_violations": violations })
}

/// The violations among the `details` of an error reply, in their order.
///
/// Takes the field's name in camelCase, ProtoJSON's default, as well. Other kinds of details are ignored, and so is what has
/// not the form of a violation: a reply comes from a worker in any language, and its code and message hold without.
pub fn violations_from_details(details: &[Value]) -> Vec<FieldViolation> {
    details
        .iter()
        .filter(|detail| detail.get("@type").and_then(Value::as_str) == Some(BAD_REQUEST))
        .filter_map(|detail| detail.get("field_violations").or_else(|| detail.get("fieldViolations")))
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|violation| FieldViolation::deserialize(violation).ok())
        .collect()
}

const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// How many values the worker takes that refused a list as too long, by the `details` of its error reply.
pub fn limit_from_details(details: &[Value]) -> Option<u64> {
    let is_of = |detail: &Value, key: &str, text: &str| detail.get(key).and_then(Value::as_str) == Some(text);
    let info =
        details.iter().find(|detail| is_of(detail, "@type", ERROR_INFO) && is_of(detail, "reason", TOO_MANY_VALUES))?;
    info.get("metadata")?.get("limit")?.as_str()?.parse().ok()
}

/// That a worker takes no list longer than this, as one of the `details` of an error reply.
pub fn limit_detail(limit: usize) -> Value {
    let metadata = json!({ "limit": limit.to_string() });
    json!({ "@type": ERROR_INFO, "reason": TOO_MANY_VALUES, "domain": DOMAIN, "metadata": metadata })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(values: Vec<i64>) -> v1::ComputeRequest {
        v1::ComputeRequest { values, ..Default::default() }
    }

    fn fields(request: &v1::ComputeRequest) -> Vec<String> {
        validate(request).err().unwrap_or_default().into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn the_ends_of_every_range_are_allowed() {
        let mut request = request(vec![0; MAX_VALUES]);
        request.quantiles = vec![1.0; MAX_QUANTILES];
        request.quantiles[0] = -0.0;
        request.quantiles[1] = f64::from_bits(1);
        for bins in [1, MAX_BINS] {
            request.histogram = Some(v1::HistogramOptions { bins });
            assert_eq!(validate(&request), Ok(()));
        }
        assert_eq!(validate(&self::request(vec![i64::MIN])), Ok(()));
    }

    #[test]
    fn every_field_out_of_its_range_is_named() {
        let request = v1::ComputeRequest {
            values: vec![],
            quantiles: vec![0.5, -1e-9, 1.0, 1.0 + f64::EPSILON, f64::NAN, f64::INFINITY],
            histogram: Some(v1::HistogramOptions { bins: 0 }),
            finish_late: true,
            operation_id: String::new(),
        };
        let expected = ["values", "quantiles[1]", "quantiles[3]", "quantiles[4]", "quantiles[5]", "histogram.bins"];
        assert_eq!(fields(&request), expected);
    }

    #[test]
    fn one_more_than_allowed_is_refused() {
        assert_eq!(fields(&request(vec![0; MAX_VALUES + 1])), ["values"]);
        assert_eq!(validate_up_to(&request(vec![0; MAX_VALUES + 1]), MAX_STREAMED_VALUES), Ok(()));
        assert_eq!(validate_up_to(&request(vec![0; 3]), 3), Ok(()));
        let violations = validate_up_to(&request(vec![0; 4]), 3).expect_err("refused");
        assert_eq!(violations[0].description, "the list holds 4 values, at most 3 are allowed");

        let mut request = request(vec![1]);
        request.quantiles = vec![2.0; MAX_QUANTILES + 1];
        request.histogram = Some(v1::HistogramOptions { bins: MAX_BINS + 1 });
        assert_eq!(fields(&request), ["quantiles", "histogram.bins"]);
    }

    #[test]
    fn a_description_says_what_was_given_and_what_is_allowed() {
        let mut request = request(vec![1]);
        request.quantiles = vec![1e300];
        request.histogram = Some(v1::HistogramOptions { bins: 4321 });
        let violations = validate(&request).expect_err("refused");
        assert_eq!(violations[0].description, "1e300 is not a probability, a number from 0 to 1");
        assert_eq!(violations[1].description, "4321 bins were asked for, 1 to 1000 are allowed");
    }

    #[test]
    fn violations_survive_the_details_of_an_error_reply() {
        let violations = validate(&request(vec![])).expect_err("refused");
        let detail = bad_request_detail(&violations);
        assert_eq!(detail["@type"], "type.googleapis.com/google.rpc.BadRequest");
        assert_eq!(violations_from_details(&[detail]), violations);
    }

    #[test]
    fn details_of_other_workers_are_read_as_far_as_they_go() {
        let details = [
            json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "field_violations": [{ "field": "no" }] }),
            json!({ "@type": BAD_REQUEST, "fieldViolations": [
                { "field": "values", "description": "empty", "reason": "UNKNOWN" },
                { "field": 5 },
                "values",
            ] }),
            json!({ "@type": BAD_REQUEST }),
            json!([1]),
            json!(null),
        ];
        let expected = [FieldViolation { field: "values".into(), description: "empty".into() }];
        assert_eq!(violations_from_details(&details), expected);
    }
}

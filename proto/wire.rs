//! The JSON forms of requests and results: message bodies on the queues, and parts of the log record.
//!
//! The contract, for implementers in any language, is `proto/wire/v1/README.md`; golden messages lie beside it. In short:
//!
//! - Field names are those of the .proto, in snake_case. Unknown fields are ignored, at any depth.
//! - Integers are written as JSON numbers, or all of a body as decimal strings as soon as one is beyond ±(2^53 - 1); `sum`
//!   is always a string. They are read in both forms. A number with a fraction or an exponent, `5.0` or `5e0`, is no
//!   integer.
//! - Doubles are JSON numbers in the shortest form that reads back, whole ones without `.0`. They are read from any JSON
//!   number, rounded to the nearest double; strings are refused, so there is no NaN and no infinity.
//! - `null` in place of an optional field means absent.
//!
//! Reading takes time and memory in proportion to the text, whatever it holds; values go straight into a `Vec<i64>`.

mod error;
mod number;
mod object;
mod request;
mod statistics;

use std::io;

use serde::de::DeserializeOwned;

pub use self::error::WireError;
pub use self::number::{Integers, needs_quotes};
pub use self::statistics::Statistics;
use crate::v1;

/// Writes the body of a request: `{"values":[4,5],"quantiles":[0.5],"histogram":{"bins":10},"finish_late":true}`.
///
/// Fields at their default are left out, but `values`. A quantile that is NaN or infinite, which
/// [`validate`](crate::validate::validate) refuses, becomes `null`, which readers refuse.
pub fn request_to_json(request: &v1::ComputeRequest) -> String {
    write(&request::Written(request))
}

/// Writes the body of a request, as [`request_to_json`] does, so that the text is never in memory as a whole. It comes in very
/// small pieces.
///
/// # Errors
///
/// Those of the writer.
pub fn write_request(request: &v1::ComputeRequest, writer: impl io::Write) -> io::Result<()> {
    serde_json::to_writer(writer, &request::Written(request)).map_err(io::Error::from)
}

/// Reads the body of a request. Absent fields get their default; ranges are left to [`validate`](crate::validate::validate),
/// but a list of values that is too long is not read to its end.
///
/// # Errors
///
/// See [`WireError`].
pub fn request_from_json(json: &str) -> Result<v1::ComputeRequest, WireError> {
    read::<request::Read>(json).map(|request::Read(request)| request)
}

/// Writes the body of a successful reply: `{"count":5,"min":2,"max":2452,"median":5,"mean":499.6,"sum":"2498",…}`.
///
/// `quantiles` and `histogram` are left out when there are none. A double that is NaN or infinite, which no worker computes,
/// becomes `null`, which readers refuse.
pub fn statistics_to_json(statistics: &v1::Statistics) -> String {
    write(&statistics::Written(statistics))
}

/// Reads the body of a successful reply. Every field but `quantiles` and `histogram` must be there, and a histogram must have
/// one edge more than counts.
///
/// # Errors
///
/// See [`WireError`].
pub fn statistics_from_json(json: &str) -> Result<v1::Statistics, WireError> {
    read::<Statistics>(json).map(|Statistics(statistics)| statistics)
}

fn write(form: &impl serde::Serialize) -> String {
    serde_json::to_string(form).expect("a form with string keys, written to memory, cannot fail")
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, WireError> {
    // The path to what is wrong is found out at a second reading: to keep track of it takes half as long again.
    if let Ok(form) = serde_json::from_str(json) {
        return Ok(form);
    }
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let form = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| WireError::from_path(&error))?;
    deserializer.end().map_err(|error| WireError::new("", &error))?;
    Ok(form)
}

#[cfg(test)]
mod tests;

//! How long a call may take: the caller's `grpc-timeout`, held to the gateway's limits.
//!
//! The format is that of [gRPC over HTTP/2](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): `grpc-timeout`
//! holds one to eight digits and a unit, one of `H`, `M`, `S`, `m`, `u`, `n`.

use std::time::Duration;

use http::HeaderMap;
use http::header::HeaderName;
use tokio::time::Instant;

/// The header, and the metadata entry, that carries the caller's timeout.
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Most digits of a timeout. With eight, no unit overflows.
const MAX_DIGITS: usize = 8;

/// The share of the caller's timeout that is kept back, and the most of it.
const MARGIN_DIVISOR: u32 = 20;
const MARGIN_MAX: Duration = Duration::from_millis(50);

/// A `grpc-timeout` that is not of the form that gRPC defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("1 to {MAX_DIGITS} digits and a unit (H, M, S, m, u or n) are wanted, such as 1500m for 1.5 s")]
pub(crate) struct MalformedTimeout;

/// The gateway's limits on the time of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadlineLimits {
    /// For a caller that names no timeout.
    pub(crate) default: Duration,
    /// The most, whatever the caller names.
    pub(crate) max: Duration,
}

impl DeadlineLimits {
    /// When to answer at the latest.
    ///
    /// The caller's own timer must not fire first: a caller that hears DEADLINE_EXCEEDED from the gateway learns the id of the
    /// operation as well. So a part of the *caller's* timeout, 5 % and at most 50 ms, is kept back for the way of the answer.
    /// The gateway's own limits need no such margin.
    pub(crate) fn deadline(&self, arrived: Instant, timeout: Option<Duration>) -> Instant {
        let time = match timeout {
            Some(timeout) => timeout - (timeout / MARGIN_DIVISOR).min(MARGIN_MAX),
            None => self.default,
        };
        arrived + time.min(self.max)
    }
}

/// The caller's timeout, if it names one.
pub(crate) fn grpc_timeout(headers: &HeaderMap) -> Result<Option<Duration>, MalformedTimeout> {
    headers.get(GRPC_TIMEOUT).map(|value| parse(value.as_bytes())).transpose()
}

fn parse(value: &[u8]) -> Result<Duration, MalformedTimeout> {
    let (unit, digits) = value.split_last().ok_or(MalformedTimeout)?;
    if !(1..=MAX_DIGITS).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(MalformedTimeout);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Ok(Duration::from_secs(number * 3600)),
        b'M' => Ok(Duration::from_secs(number * 60)),
        b'S' => Ok(Duration::from_secs(number)),
        b'm' => Ok(Duration::from_millis(number)),
        b'u' => Ok(Duration::from_micros(number)),
        b'n' => Ok(Duration::from_nanos(number)),
        _ => Err(MalformedTimeout),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_unit_of_grpc_is_read() {
        for (text, expected) in [
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
            ("2M", Duration::from_secs(120)),
            ("1S", Duration::from_secs(1)),
            ("00001500m", Duration::from_millis(1500)),
            ("250u", Duration::from_micros(250)),
            ("7n", Duration::from_nanos(7)),
            ("0S", Duration::ZERO),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed_and_nothing_panics() {
        for text in ["", "S", "1", "1s", "1 S", "+1S", "-1S", "1.5S", "123456789m", "1SS", "ÄS", "1h"] {
            assert_eq!(parse(text.as_bytes()), Err(MalformedTimeout), "{text:?}");
        }
        for first in 0..=u8::MAX {
            for last in 0..=u8::MAX {
                let well_formed = first.is_ascii_digit() && b"HMSmun".contains(&last);
                assert_eq!(parse(&[first, last]).is_ok(), well_formed, "{first} {last}");
            }
        }
    }

    #[test]
    fn a_missing_header_is_no_timeout() {
        let mut headers = HeaderMap::new();
        assert_eq!(grpc_timeout(&headers), Ok(None));
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("3S"));
        assert_eq!(grpc_timeout(&headers), Ok(Some(Duration::from_secs(3))));
    }

    #[test]
    fn the_answer_is_due_before_the_callers_timer_fires_and_within_the_gateways_limits() {
        let limits = DeadlineLimits { default: Duration::from_secs(30), max: Duration::from_secs(900) };
        let arrived = Instant::now();
        let time = |timeout| limits.deadline(arrived, timeout) - arrived;
        assert_eq!(time(None), Duration::from_secs(30));
        assert_eq!(time(Some(Duration::from_secs(1))), Duration::from_millis(950));
        assert_eq!(time(Some(Duration::from_secs(60))), Duration::from_millis(59_950));
        assert_eq!(time(Some(Duration::from_millis(20))), Duration::from_millis(19));
        assert_eq!(time(Some(Duration::from_secs(99_999_999 * 3600))), Duration::from_secs(900));
        assert_eq!(time(Some(Duration::ZERO)), Duration::ZERO);
    }
}

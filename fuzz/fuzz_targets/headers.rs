//! The headers of a call that the gateway reads itself: the first line as `grpc-timeout`, the second as `traceparent`.

#![no_main]

use std::time::Duration;

use compute_gateway::fuzzing::{time, timeout, traceparent};
use libfuzzer_sys::fuzz_target;

const DEFAULT: Duration = Duration::from_secs(30);
const MAX: Duration = Duration::from_secs(900);

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |&byte| byte == b'\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());

    if let Ok(value) = http::HeaderValue::from_bytes(first) {
        let read = timeout(value);
        assert_eq!(read, expected(first), "{first:?}");
        let time = time(read, DEFAULT, MAX);
        assert!(time <= MAX && read.is_none_or(|timeout| time <= timeout), "{time:?} for {read:?}");
    }
    if let Ok(value) = std::str::from_utf8(second)
        && let Some(read) = traceparent(value)
    {
        assert_eq!(read, value);
        assert!(value.len() == 55 && value.starts_with("00-") && value.is_ascii(), "{value}");
    }
});

/// The definition, written down in another way: at most eight digits, and a unit, in nanoseconds.
fn expected(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?;
    let (number, nanoseconds) = [
        ("H", 3_600_000_000_000),
        ("M", 60_000_000_000),
        ("S", 1_000_000_000),
        ("m", 1_000_000),
        ("u", 1_000),
        ("n", 1_u128),
    ]
    .into_iter()
    .find_map(|(unit, nanoseconds)| Some((text.strip_suffix(unit)?, nanoseconds)))?;
    if number.is_empty() || number.len() > 8 || number.starts_with('+') {
        return None;
    }
    let total = u128::from(number.parse::<u32>().ok()?) * nanoseconds;
    Some(Duration::new((total / 1_000_000_000) as u64, (total % 1_000_000_000) as u32))
}

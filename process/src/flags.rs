//! Value parsers of the flags that several binaries have. Each error says what is allowed; clap adds the flag and the
//! value.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Longest name of an SQS queue.
const QUEUE_NAME_MAX: usize = 80;

/// A value that a flag does not take. The text says what it takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAllowed(String);

/// Parses a queue by name (1 to 80 of `A-Z a-z 0-9 - _`) or by URL (`http` or `https`).
///
/// # Errors
///
/// Anything else, FIFO queues among it: requests and replies go over standard queues.
pub fn queue(value: &str) -> Result<String, NotAllowed> {
    let name = match value.split_once("://") {
        Some(("http" | "https", rest)) => rest.split_once('/').map_or("", |(_host, path)| last_segment(path)),
        Some(_) => "",
        None => value,
    };
    if name.ends_with(".fifo") {
        return Err(NotAllowed("a standard queue is wanted, not a FIFO queue".into()));
    }
    if !name_of_up_to(QUEUE_NAME_MAX, name) {
        let allowed = "the name of a queue (1 to 80 letters, digits, '-' and '_') or its URL (https://…) is wanted";
        return Err(NotAllowed(allowed.into()));
    }
    Ok(value.to_owned())
}

/// Parses a reply queue: as [`queue`], where `{instance}` may stand in the name for an [`instance`].
///
/// # Errors
///
/// Anything else.
pub fn reply_queue(value: &str) -> Result<String, NotAllowed> {
    match queue(&value.replace("{instance}", "")) {
        Err(NotAllowed(allowed)) => Err(NotAllowed(format!("{allowed}, in which {{instance}} may stand"))),
        Ok(_) => Ok(value.to_owned()),
    }
}

/// Parses what tells a process from others of its kind: 1 to 64 of `A-Z a-z 0-9 . _ -`.
///
/// # Errors
///
/// Anything else.
pub fn instance(value: &str) -> Result<String, NotAllowed> {
    if !name_of_up_to(64, &value.replace('.', "-")) {
        return Err(NotAllowed("1 to 64 letters, digits, '.', '_' and '-' are wanted".into()));
    }
    Ok(value.to_owned())
}

/// Parses the prefix of the queues that a process creates: 1 to 35 of `A-Z a-z 0-9 - _`, so that `<prefix>-replies-<uuid>`
/// is a queue's name.
///
/// # Errors
///
/// Anything else.
pub fn prefix(value: &str) -> Result<String, NotAllowed> {
    const MAX: usize = QUEUE_NAME_MAX - "-replies-".len() - 36;
    if !name_of_up_to(MAX, value) {
        return Err(NotAllowed(format!("1 to {MAX} letters, digits, '-' and '_' are wanted")));
    }
    Ok(value.to_owned())
}

/// Parses the name of an S3 bucket: 3 to 63 of `a-z 0-9 - .`, a letter or a digit at both ends.
///
/// # Errors
///
/// Anything else.
pub fn bucket(value: &str) -> Result<String, NotAllowed> {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = (3..=63).contains(&value.len())
        && value.bytes().all(|c| inner(c) || c == b'-' || c == b'.')
        && value.bytes().next().is_some_and(inner)
        && value.bytes().last().is_some_and(inner);
    if !good {
        let allowed = "the name of a bucket is wanted: 3 to 63 lower-case letters, digits, '-' and '.'";
        return Err(NotAllowed(allowed.into()));
    }
    Ok(value.to_owned())
}

/// Parses the address and port of a socket to listen on. Port 0 lets the system choose.
///
/// # Errors
///
/// Anything else, host names among it: they may stand for several addresses.
pub fn socket(value: &str) -> Result<SocketAddr, NotAllowed> {
    let allowed = "an IP address and a port are wanted, such as 127.0.0.1:8080 or [::1]:8080";
    value.parse().map_err(|_| NotAllowed(allowed.into()))
}

/// A parser of durations within `range`, such as `500ms`, `25s`, `15m` or `1h 30m`.
pub fn duration(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, NotAllowed> + Clone {
    move |value| match humantime::parse_duration(value) {
        Ok(duration) if range.contains(&duration) => Ok(duration),
        _ => Err(NotAllowed(format!(
            "a duration from {} to {} is wanted, such as 500ms, 25s or 15m",
            humantime::format_duration(*range.start()),
            humantime::format_duration(*range.end()),
        ))),
    }
}

/// A parser of sizes in bytes within `range`: a whole number, alone or followed by `KiB`, `MiB` or `GiB`.
pub fn byte_size(range: RangeInclusive<usize>) -> impl Fn(&str) -> Result<usize, NotAllowed> + Clone {
    move |value| match bytes(value) {
        Some(size) if range.contains(&size) => Ok(size),
        _ => Err(NotAllowed(format!(
            "a size from {} to {} bytes is wanted, such as 4096, 512KiB or 64MiB",
            range.start(),
            range.end(),
        ))),
    }
}

fn bytes(value: &str) -> Option<usize> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let unit: usize = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}

fn last_segment(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, last)| last)
}

fn name_of_up_to(max: usize, name: &str) -> bool {
    (1..=max).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_named_or_addressed_and_fifo_is_refused() {
        for good in [
            "compute-requests",
            "q",
            "http://127.0.0.1:4566/000000000000/q_1",
            "https://sqs.eu-central-1.amazonaws.com/1/q",
        ] {
            assert_eq!(queue(good).as_deref(), Ok(good));
        }
        let long = "q".repeat(81);
        for bad in [
            "",
            "a b",
            "arn:aws:sqs:eu-central-1:1:q",
            "ftp://host/1/q",
            "https://host",
            "https://host/1/",
            "q.fifo",
            &long,
        ] {
            assert!(queue(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reply_queue_may_be_named_after_the_instance() {
        for good in ["compute-replies-{instance}", "https://host/1/compute-replies-{instance}", "compute-replies"] {
            assert_eq!(reply_queue(good).as_deref(), Ok(good));
        }
        assert!(reply_queue("compute-replies-{host}").is_err());
        assert!(instance("ip-10-0-0-7.internal").is_ok());
        for bad in ["", "a b", "a/b", &"i".repeat(65)] {
            assert!(instance(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_leaves_room_for_the_rest_of_a_reply_queues_name() {
        assert!(prefix(&"p".repeat(35)).is_ok());
        for bad in ["", "a.b", &"p".repeat(36)] {
            assert!(prefix(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn buckets_follow_the_rules_of_s3() {
        for good in ["compute-logs", "a.b", "0a0"] {
            assert!(bucket(good).is_ok(), "{good:?}");
        }
        for bad in ["", "ab", "Logs", "-abc", "abc.", "a_b", &"a".repeat(64)] {
            assert!(bucket(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn sockets_are_addresses_with_a_port() {
        assert_eq!(socket("127.0.0.1:0"), Ok(SocketAddr::from(([127, 0, 0, 1], 0))));
        assert!(socket("[::1]:8080").is_ok());
        for bad in ["", "8080", ":8080", "localhost:8080", "127.0.0.1", "127.0.0.1:65536"] {
            assert!(socket(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn durations_and_sizes_are_held_to_their_range() {
        let limit = duration(Duration::from_millis(100)..=Duration::from_secs(900));
        assert_eq!(limit("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(limit("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "5", "-1s", "99ms", "901s", "25 parsecs", "99999999999999999999s"] {
            assert!(limit(bad).is_err(), "{bad:?}");
        }
        let size = byte_size(1024..=1 << 30);
        assert_eq!(size("4096"), Ok(4096));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1 GiB"), Ok(1 << 30));
        for bad in ["", "MiB", "1", "2GiB", "64MB", "-1", "1.5MiB", "99999999999GiB", "99999999999999999999"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn errors_say_what_is_allowed() {
        let error = duration(Duration::from_secs(1)..=Duration::from_secs(60))("2h").expect_err("out of range");
        assert_eq!(error.to_string(), "a duration from 1s to 1m is wanted, such as 500ms, 25s or 15m");
    }
}

//! Whether SQS and S3 can be reached, how fast they answer, and how far this host's clock is off theirs.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_sdk_sts::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_sdk_sts::primitives::{DateTime, DateTimeFormat};
use compute_operations::probe::BucketProbe;
use sqs_rpc::probe::Probe;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::report::{Finding, LIMIT, Section};

/// From here on a clock is worth a look.
const WARN_SKEW: Duration = Duration::from_secs(1);

/// From here on AWS refuses what is signed with that clock, or soon will.
const FAIL_SKEW: Duration = Duration::from_secs(5 * 60);

/// How long to look for the reason why there was no answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sees the requests of one client and their responses. Clones share what they see.
#[derive(Debug, Clone, Default)]
pub struct Contact(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// `https://sqs.us-east-1.amazonaws.com`
    endpoint: Option<String>,
    sent: Option<(SystemTime, Instant)>,
    answer: Option<Answer>,
}

/// The last request that was answered, whatever the answer was.
#[derive(Debug, Clone, Copy)]
struct Answer {
    sent: SystemTime,
    received: SystemTime,
    took: Duration,
    /// Its `Date`, in Unix seconds.
    date: Option<i64>,
}

impl Contact {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Contact {
    fn name(&self) -> &'static str {
        "Contact"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut seen = self.seen();
        seen.endpoint = Some(origin(context.request().uri()).to_owned());
        seen.sent = Some((SystemTime::now(), Instant::now()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let mut seen = self.seen();
        if let Some((sent, start)) = seen.sent {
            let (received, took) = (SystemTime::now(), start.elapsed());
            seen.answer = Some(Answer { sent, received, took, date: date.map(|date| date.secs()) });
        }
        Ok(())
    }
}

/// `https://host:port` of a URI.
fn origin(uri: &str) -> &str {
    let start = uri.find("://").map_or(0, |at| at + 3);
    uri[start..].find(['/', '?']).map_or(uri, |end| &uri[..start + end])
}

/// Checks whether SQS is reached, by looking for this queue, and its clock.
pub fn sqs<'a>(aws: &SdkConfig, request_queue: &'a str) -> Section<'a> {
    let contact = Contact::default();
    let probe = Probe::new(aws, contact.clone());
    reach("SQS", contact, move || {
        let probe = probe.clone();
        async move { probe.find(request_queue).await.map(drop) }
    })
}

/// Checks whether S3 is reached, by looking for this bucket, and its clock.
pub fn s3<'a>(aws: &SdkConfig, log_bucket: &str) -> Section<'a> {
    let contact = Contact::default();
    let probe = BucketProbe::new(aws, log_bucket, contact.clone());
    reach("S3", contact, move || {
        let probe = probe.clone();
        async move { probe.reach().await }
    })
}

/// Checks whether `service` is reached, by `ask`, whose requests `contact` sees: once to connect, and once for the time that a
/// round trip takes. What `ask` answers does not matter, as long as it is an answer.
fn reach<'a, F, E>(service: &'static str, contact: Contact, ask: impl Fn() -> F + Send + 'a) -> Section<'a>
where
    F: Future<Output = Result<(), E>> + Send + 'a,
    E: Display + Send,
{
    Box::pin(async move {
        let what = format!("{service} is reached");
        let failure = match timeout(LIMIT, ask()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", LIMIT.as_secs())),
        };
        let is_answered = contact.seen().answer.is_some();
        if !is_answered {
            return vec![unreached(what, &contact, &failure.unwrap_or_default()).await];
        }
        // Its own failure is nothing new.
        let _ = timeout(LIMIT, ask()).await;
        let seen = contact.seen();
        let (Some(answer), Some(endpoint)) = (seen.answer, &seen.endpoint) else { return Vec::new() };
        let took = format!("{endpoint} answers within {:.1} ms", answer.took.as_secs_f64() * 1e3);
        vec![Finding::ok(what, took), clock(service, &answer)]
    })
}

async fn unreached(what: String, contact: &Contact, failure: &str) -> Finding {
    let endpoint = contact.seen().endpoint.clone();
    let Some(endpoint) = endpoint else {
        return Finding::fail(what, failure, "no request could be made: see region and credentials, above");
    };
    let Some(address) = host_and_port(&endpoint) else {
        return Finding::fail(what, failure, format!("{endpoint} is no address: see AWS_ENDPOINT_URL"));
    };
    let found = match timeout(PATIENCE, lookup_host(&address)).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => return unresolved(what, &address, &error.to_string()),
        Err(_) => return unresolved(what, &address, "the resolver does not answer"),
    };
    for ip in &found {
        if let Ok(Ok(_)) = timeout(PATIENCE, TcpStream::connect(ip)).await {
            let mend = "it takes connections and does not answer: is a proxy or another service there, or is its certificate \
                        not trusted here?";
            return Finding::fail(what, format!("{endpoint}, at {ip}: {failure}"), mend);
        }
    }
    let mend = "open the way: a route to the internet or a VPC endpoint, a security group that lets port 443 out, a proxy in \
                HTTPS_PROXY; or correct AWS_ENDPOINT_URL";
    let found = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Finding::fail(what, format!("{endpoint} resolves to {found}, and takes no connection"), mend)
}

fn unresolved(what: String, address: &str, reason: &str) -> Finding {
    let mend = "is AWS_REGION right, or AWS_ENDPOINT_URL, and does this host have a resolver (/etc/resolv.conf)?";
    Finding::fail(what, format!("{address} does not resolve: {reason}"), mend)
}

fn host_and_port(endpoint: &str) -> Option<String> {
    let (scheme, authority) = endpoint.split_once("://")?;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let port = if scheme == "http" { 80 } else { 443 };
    Some(if has_port { authority.to_owned() } else { format!("{authority}:{port}") })
}

fn clock(service: &str, answer: &Answer) -> Finding {
    let what = format!("clock against {service}'s");
    let Some(date) = answer.date else { return Finding::skip(what, "the answers have no date") };
    let skew_ms = skew_ms(unix_ms(answer.sent), unix_ms(answer.received), date);
    let skew = Duration::from_millis(skew_ms.unsigned_abs());
    if skew_ms == 0 {
        return Finding::ok(what, "it agrees to the second, which is all that the answers tell");
    }
    let rounded = humantime::format_duration(Duration::from_millis(skew_ms.unsigned_abs() / 100 * 100));
    let detail = format!("this host's is {rounded} {}", if skew_ms > 0 { "ahead" } else { "behind" });
    let mend = "`timedatectl set-ntp true`; on EC2, chrony with `server 169.254.169.123 prefer iburst`";
    if skew <= WARN_SKEW {
        Finding::ok(what, detail)
    } else if skew <= FAIL_SKEW {
        Finding::warn(what, detail, mend)
    } else {
        Finding::fail(what, format!("{detail}: AWS refuses what is signed with such a clock"), mend)
    }
}

/// This host's clock less the other one, in milliseconds: the least that the answer allows for. Between `sent` and `received` the
/// other clock stood somewhere in the second of `date`.
fn skew_ms(sent_ms: i64, received_ms: i64, date: i64) -> i64 {
    let (least, most) = (sent_ms - (date + 1) * 1_000, received_ms - date * 1_000);
    if least > 0 { least } else { most.min(0) }
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_by_what_the_second_of_the_date_cannot_explain() {
        for (sent, received, date, expected) in [
            (10_200, 10_300, 10, 0),
            (9_900, 10_050, 10, 0),
            (10_900, 11_100, 10, 0),
            (13_500, 13_600, 10, 2_500),
            (7_000, 7_400, 10, -2_600),
            (3_610_000, 3_610_100, 10, 3_599_000),
        ] {
            assert_eq!(skew_ms(sent, received, date), expected, "{sent} {received} {date}");
        }
    }

    #[test]
    fn an_endpoint_is_told_from_what_is_asked_of_it() {
        for (uri, expected) in [
            ("https://sqs.us-east-1.amazonaws.com/", "sqs.us-east-1.amazonaws.com:443"),
            ("http://127.0.0.1:4566/bucket/key?x=/", "127.0.0.1:4566"),
            ("http://[::1]:4566", "[::1]:4566"),
            ("https://bucket.s3.amazonaws.com?list", "bucket.s3.amazonaws.com:443"),
        ] {
            assert_eq!(host_and_port(origin(uri)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        use crate::report::Verdict::{Fail, Ok, Warn};

        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        for (ms, verdict) in [(10_500, Ok), (11_900, Ok), (13_000, Warn), (8_000, Warn), (700_000, Fail)] {
            let answer = Answer { sent: at(ms), received: at(ms), took: Duration::ZERO, date: Some(10) };
            assert_eq!(clock("SQS", &answer).verdict, verdict, "{ms}");
        }
    }
}

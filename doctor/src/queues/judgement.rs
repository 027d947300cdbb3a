//! What attributes should be like.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime::format_duration;
use sqs_rpc::probe::{Encryption, QueueAttributes, Redrive};

use super::{DAY, Needs};
use crate::report::Finding;

/// The least time that a message stays invisible to others while it is worked, so that a heartbeat is not late.
const LEAST_VISIBILITY: Duration = Duration::from_secs(10);

/// The most: who waits for an answer waits no longer (the greatest deadline of a gateway by default).
const MOST_VISIBILITY: Duration = Duration::from_secs(15 * 60);

/// The least time that requests are kept, so that a night without workers loses none.
const LEAST_RETENTION: Duration = DAY;

/// The largest message that SQS takes, in bytes.
const LARGEST_MESSAGE: usize = 1 << 20;

/// A message that workers die of is not to take many of them with it, and one that only met a few restarts is not dead.
const RECEIVE_COUNTS: RangeInclusive<u32> = 3..=100;

/// `aws sqs set-queue-attributes` with one attribute.
fn set(url: &str, attribute: &str, value: impl std::fmt::Display) -> String {
    format!("`aws sqs set-queue-attributes --queue-url {url} --attributes {attribute}={value}`")
}

pub(super) fn of_requests(url: &str, attributes: &QueueAttributes, needs: Needs) -> Vec<Finding> {
    vec![
        visibility(url, attributes.visibility_timeout),
        retention(url, attributes.retention, needs.max_deadline),
        message_size(url, attributes.max_message_size, needs.max_inline_size),
        delay(url, attributes.delay),
        encryption("request queue: encryption", url, &attributes.encryption),
        redrive(url, attributes.redrive.as_ref()),
    ]
}

fn visibility(url: &str, timeout: Duration) -> Finding {
    let what = "request queue: VisibilityTimeout";
    let detail = format_duration(timeout);
    let mend = set(url, "VisibilityTimeout", LEAST_VISIBILITY.as_secs());
    if timeout < LEAST_VISIBILITY {
        let detail = format!("{detail}: a worker that keeps to it loses what it works on between two heartbeats");
        return Finding::warn(what, detail, mend);
    }
    if timeout > MOST_VISIBILITY {
        let detail = format!("{detail}: what a worker held that died comes back when nobody waits for it any more");
        return Finding::warn(what, detail, mend);
    }
    Finding::ok(what, detail)
}

fn retention(url: &str, retention: Duration, max_deadline: Option<Duration>) -> Finding {
    let what = "request queue: MessageRetentionPeriod";
    let detail = format_duration(retention);
    let mend = set(url, "MessageRetentionPeriod", (4 * DAY).as_secs());
    match max_deadline {
        Some(max_deadline) if retention < max_deadline => {
            let detail = format!(
                "{detail}: SQS drops requests whose callers still wait, up to the {} of --max-deadline",
                format_duration(max_deadline)
            );
            Finding::fail(what, detail, mend)
        }
        _ if retention < LEAST_RETENTION => {
            Finding::warn(what, format!("{detail}: SQS drops what a day without workers leaves behind"), mend)
        }
        _ => Finding::ok(what, detail),
    }
}

fn message_size(url: &str, size: usize, max_inline_size: usize) -> Finding {
    let what = "request queue: MaximumMessageSize";
    let detail = format!("{} KiB", size >> 10);
    let mend = set(url, "MaximumMessageSize", LARGEST_MESSAGE);
    if size < max_inline_size {
        let detail =
            format!("{detail}: SQS refuses messages of up to the {} KiB of --max-inline-size", max_inline_size >> 10);
        return Finding::fail(what, detail, format!("{mend}, or a smaller --max-inline-size"));
    }
    if size < LARGEST_MESSAGE {
        return Finding::warn(what, format!("{detail}, less than the 1 MiB that SQS takes"), mend);
    }
    Finding::ok(what, detail)
}

fn delay(url: &str, delay: Duration) -> Finding {
    let what = "request queue: DelaySeconds";
    if delay.is_zero() {
        return Finding::ok(what, "0s");
    }
    let detail = format!("{}: each call takes that much longer", format_duration(delay));
    Finding::warn(what, detail, set(url, "DelaySeconds", 0))
}

fn encryption(what: &str, url: &str, encryption: &Encryption) -> Finding {
    match encryption {
        Encryption::SqsManaged => Finding::ok(what, "by keys of SQS's"),
        Encryption::Kms(key) => {
            Finding::ok(what, format!("by the KMS key {key}, which needs kms:GenerateDataKey and kms:Decrypt as well"))
        }
        Encryption::None => Finding::warn(what, "none", set(url, "SqsManagedSseEnabled", "true")),
    }
}

fn redrive(url: &str, redrive: Option<&Redrive>) -> Finding {
    let what = "request queue: RedrivePolicy";
    let mend = |arn: &str| {
        format!(
            "`aws sqs set-queue-attributes --queue-url {url} --attributes \
             '{{\"RedrivePolicy\":\"{{\\\"deadLetterTargetArn\\\":\\\"{arn}\\\",\\\"maxReceiveCount\\\":\\\"10\\\"}}\"}}'`"
        )
    };
    let Some(Redrive { dead_letter_arn, max_receive_count }) = redrive else {
        let detail = "none: what no worker can finish comes back until it is too old, and is lost then";
        return Finding::fail(what, detail, mend("ARN-OF-A-DEAD-LETTER-QUEUE"));
    };
    let detail = format!("after {max_receive_count} receives to {dead_letter_arn}");
    if RECEIVE_COUNTS.contains(max_receive_count) {
        return Finding::ok(what, detail);
    }
    let reason = if max_receive_count < RECEIVE_COUNTS.start() {
        "what met a worker's restart once or twice is taken for dead"
    } else {
        "what workers die of meets very many of them"
    };
    Finding::warn(what, format!("{detail}: {reason}"), mend(dead_letter_arn))
}

pub(super) fn dead_letters_fit(url: &str, attributes: &QueueAttributes, requests: &QueueAttributes) -> Vec<Finding> {
    let (what, kept) = ("dead-letter queue: MessageRetentionPeriod", format_duration(attributes.retention));
    let retention = if attributes.retention > requests.retention {
        Finding::ok(what, kept)
    } else {
        let requests = format_duration(requests.retention);
        // A message brings its age along.
        let detail = format!(
            "{kept}, no longer than the {requests} of the request queue: letters may be gone before they are seen"
        );
        Finding::fail(what, detail, set(url, "MessageRetentionPeriod", (14 * DAY).as_secs()))
    };
    let mut findings = vec![retention, encryption("dead-letter queue: encryption", url, &attributes.encryption)];
    if let Some(policy) = attributes.redrive_allow_policy.as_ref().filter(|policy| !policy.contains("allowAll")) {
        findings.push(allows(url, policy, &requests.arn));
    }
    findings
}

fn allows(url: &str, policy: &str, requests_arn: &str) -> Finding {
    let what = "dead-letter queue: RedriveAllowPolicy";
    if policy.contains("byQueue") && policy.contains(&format!("\"{requests_arn}\"")) {
        return Finding::ok(what, "the request queue may send its dead letters");
    }
    let mend = format!(
        "`aws sqs set-queue-attributes --queue-url {url} --attributes \
         '{{\"RedriveAllowPolicy\":\"{{\\\"redrivePermission\\\":\\\"byQueue\\\",\\\"sourceQueueArns\\\":[\\\"{requests_arn}\\\"]}}\"}}'`"
    );
    Finding::fail(what, format!("it does not let {requests_arn} send its dead letters: {policy}"), mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    const URL: &str = "https://sqs.us-east-1.amazonaws.com/1/q";
    const NEEDS: Needs =
        Needs { program: "compute-gateway", max_inline_size: 448 << 10, max_deadline: Some(Duration::from_secs(900)) };

    fn good() -> QueueAttributes {
        QueueAttributes {
            arn: "arn:aws:sqs:us-east-1:1:q".to_owned(),
            visibility_timeout: Duration::from_secs(10),
            retention: 4 * DAY,
            max_message_size: 1 << 20,
            delay: Duration::ZERO,
            encryption: Encryption::SqsManaged,
            redrive: Some(Redrive {
                dead_letter_arn: "arn:aws:sqs:us-east-1:1:q-dlq".to_owned(),
                max_receive_count: 10,
            }),
            redrive_allow_policy: None,
        }
    }

    fn ill(findings: Vec<Finding>) -> Vec<(String, Verdict)> {
        findings
            .into_iter()
            .filter(|found| found.verdict != Verdict::Ok)
            .map(|found| (found.what, found.verdict))
            .collect()
    }

    #[test]
    fn a_queue_as_the_stack_makes_it_is_well() {
        assert_eq!(ill(of_requests(URL, &good(), NEEDS)), []);
        let dead = QueueAttributes { retention: 14 * DAY, redrive: None, ..good() };
        assert_eq!(ill(dead_letters_fit(URL, &dead, &good())), []);
    }

    #[test]
    fn each_attribute_that_is_not_as_it_should_be_is_named_with_a_way_to_mend_it() {
        use Verdict::{Fail, Warn};

        let seconds = Duration::from_secs;
        let redrive = |max_receive_count| Some(Redrive { max_receive_count, ..good().redrive.expect("it has one") });
        for (attributes, name, verdict) in [
            (QueueAttributes { visibility_timeout: seconds(9), ..good() }, "VisibilityTimeout", Warn),
            (QueueAttributes { visibility_timeout: seconds(43_200), ..good() }, "VisibilityTimeout", Warn),
            (QueueAttributes { retention: seconds(899), ..good() }, "MessageRetentionPeriod", Fail),
            (QueueAttributes { retention: seconds(3_600), ..good() }, "MessageRetentionPeriod", Warn),
            (QueueAttributes { max_message_size: 256 << 10, ..good() }, "MaximumMessageSize", Fail),
            (QueueAttributes { max_message_size: 512 << 10, ..good() }, "MaximumMessageSize", Warn),
            (QueueAttributes { delay: seconds(1), ..good() }, "DelaySeconds", Warn),
            (QueueAttributes { encryption: Encryption::None, ..good() }, "encryption", Warn),
            (QueueAttributes { redrive: None, ..good() }, "RedrivePolicy", Fail),
            (QueueAttributes { redrive: redrive(1), ..good() }, "RedrivePolicy", Warn),
            (QueueAttributes { redrive: redrive(1_000), ..good() }, "RedrivePolicy", Warn),
        ] {
            let findings = of_requests(URL, &attributes, NEEDS);
            let mended =
                findings.iter().filter(|found| found.mend.as_ref().is_some_and(|mend| mend.contains(URL))).count();
            assert_eq!((ill(findings), mended), (vec![(format!("request queue: {name}"), verdict)], 1));
        }
    }

    #[test]
    fn a_dead_letter_queue_that_forgets_too_early_or_lets_nobody_in_is_named() {
        let early = QueueAttributes { retention: 4 * DAY, ..good() };
        let expected = ("dead-letter queue: MessageRetentionPeriod".to_owned(), Verdict::Fail);
        assert_eq!(ill(dead_letters_fit(URL, &early, &good())), [expected]);

        let allowing = |policy: &str| QueueAttributes {
            retention: 14 * DAY,
            redrive_allow_policy: Some(policy.to_owned()),
            ..good()
        };
        let of_queue = r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:1:q"]}"#;
        for (policy, is_ill) in [
            (r#"{"redrivePermission":"allowAll"}"#, false),
            (of_queue, false),
            (r#"{"redrivePermission":"denyAll"}"#, true),
            (&of_queue.replace(":q\"", ":other\""), true),
        ] {
            assert_eq!(!ill(dead_letters_fit(URL, &allowing(policy), &good())).is_empty(), is_ill, "{policy}");
        }
    }
}

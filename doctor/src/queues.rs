//! How the request queue and its dead-letter queue were made, and whether that fits the process's own settings.

use std::time::Duration;

use aws_config::SdkConfig;
use humantime::format_duration;
use sqs_rpc::QueueError;
use sqs_rpc::probe::{Encryption, Probe, ProbedQueue, QueueAttributes, Redrive};
use tokio::time::timeout;

use crate::contact::Contact;
use crate::permission::Permission;
use crate::report::{Finding, LIMIT, Section};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The least time that a message stays invisible to others while it is worked, so that a heartbeat is not late.
const LEAST_VISIBILITY: Duration = Duration::from_secs(10);

/// The most: who waits for an answer waits no longer (the greatest deadline of a gateway by default).
const MOST_VISIBILITY: Duration = Duration::from_secs(15 * 60);

/// The least time that requests are kept, so that a night without workers loses none.
const LEAST_RETENTION: Duration = DAY;

/// The largest message that SQS takes, in bytes.
const LARGEST_MESSAGE: usize = 1 << 20;

/// A message that workers die of is not to take many of them with it, and one that only met a few restarts is not dead.
const RECEIVE_COUNTS: std::ops::RangeInclusive<u32> = 3..=100;

/// What a process relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Its name, such as `compute-gateway`.
    pub program: &'static str,
    /// The largest message that it sends itself, in bytes: `--max-inline-size`.
    pub max_inline_size: usize,
    /// The longest time that somebody waits for an answer, if it knows: `--max-deadline`.
    pub max_deadline: Option<Duration>,
}

/// The request queue and its dead-letter queue, as they were found.
#[derive(Debug)]
pub struct Queues {
    request_queue: String,
    probe: Probe,
    requests: Result<ProbedQueue, String>,
    is_denied: bool,
    attributes: Option<Result<QueueAttributes, QueueError>>,
    dead_letters: Option<Result<(ProbedQueue, QueueAttributes), QueueError>>,
}

impl Queues {
    /// Looks for the queue of this name or URL, and for the dead-letter queue that it names.
    pub async fn look(aws: &SdkConfig, request_queue: &str) -> Self {
        let probe = Probe::new(aws, Contact::default());
        let mut queues = Self {
            request_queue: request_queue.to_owned(),
            requests: Err(format!("no answer within {} s", LIMIT.as_secs())),
            is_denied: false,
            probe,
            attributes: None,
            dead_letters: None,
        };
        match timeout(LIMIT, queues.probe.find(request_queue)).await {
            Ok(Ok(found)) => queues.requests = Ok(found),
            Ok(Err(error)) => {
                queues.is_denied = error.is_denied();
                queues.requests = Err(error.to_string());
            }
            Err(_) => {}
        }
        let Ok(requests) = &queues.requests else { return queues };
        queues.attributes = timeout(LIMIT, requests.attributes()).await.ok();
        if let Some(Ok(QueueAttributes { redrive: Some(redrive), .. })) = &queues.attributes {
            let arn = &redrive.dead_letter_arn;
            queues.dead_letters = timeout(LIMIT, dead_letters(&queues.probe, arn)).await.ok();
        }
        queues
    }

    /// The connection that they were found over.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The request queue, if it was found.
    pub fn requests(&self) -> Option<&ProbedQueue> {
        self.requests.as_ref().ok()
    }

    /// How long a payload may be asked for: through the request queue, as a dead letter, and once more through the request queue.
    pub fn payload_life(&self) -> Duration {
        let requests = self.attributes.as_ref().and_then(|attributes| attributes.as_ref().ok());
        let dead = self.dead_letters.as_ref().and_then(|dead| dead.as_ref().ok());
        // Where SQS does not say, as local/ and deploy/ have it.
        let retention = requests.map_or(4 * DAY, |attributes| attributes.retention);
        2 * retention + dead.map_or(14 * DAY, |(_, attributes)| attributes.retention)
    }

    /// Judges what was found.
    pub fn findings(&self, needs: Needs) -> Section<'_> {
        Box::pin(async move { self.judge(needs) })
    }

    fn judge(&self, needs: Needs) -> Vec<Finding> {
        let requests = match &self.requests {
            Ok(requests) => requests,
            Err(error) => return vec![self.not_found(error, needs.program)],
        };
        let mut findings = vec![Finding::ok("request queue", requests.url())];
        let permission = Permission::new(needs.program, "sqs:GetQueueAttributes", requests.name());
        match &self.attributes {
            Some(Ok(attributes)) => {
                findings.push(Finding::ok(permission.what(), "tried"));
                findings.extend(of_requests(requests.url(), attributes, needs));
                if let Some(redrive) = &attributes.redrive {
                    findings.extend(self.of_dead_letters(requests.url(), attributes, redrive));
                }
            }
            Some(Err(error)) => {
                findings.push(permission.of_queue(Err(error.clone())));
            }
            None => findings.push(Finding::fail(permission.what(), "no answer", "look again")),
        }
        findings
    }

    fn not_found(&self, error: &str, program: &'static str) -> Finding {
        let what = "request queue";
        let name = self.request_queue.rsplit('/').next().unwrap_or_default();
        if self.is_denied {
            let mend = format!("allow sqs:GetQueueUrl and sqs:GetQueueAttributes on {name}: `{program} doctor --plan`");
            return Finding::fail(what, format!("denied: {error}"), mend);
        }
        let mend = format!(
            "is --request-queue right, and AWS_REGION? `aws sqs create-queue --queue-name {name}`, with a dead-letter queue: see the \
             README"
        );
        Finding::fail(what, error, mend)
    }

    fn of_dead_letters(&self, requests_url: &str, requests: &QueueAttributes, redrive: &Redrive) -> Vec<Finding> {
        let what = "dead-letter queue";
        match &self.dead_letters {
            Some(Ok((queue, attributes))) => {
                let mut findings = vec![Finding::ok(what, queue.url())];
                findings.extend(dead_letters_fit(queue.url(), attributes, requests));
                findings
            }
            Some(Err(error)) if error.is_denied() => vec![Finding::skip(what, hidden("sqs:GetQueueAttributes"))],
            Some(Err(error)) => {
                let name = redrive.dead_letter_arn.rsplit(':').next().unwrap_or_default();
                let mend = format!(
                    "`aws sqs create-queue --queue-name {name} --attributes MessageRetentionPeriod=1209600`, or name another one in \
                     the RedrivePolicy of {requests_url}"
                );
                vec![Finding::fail(what, error, mend)]
            }
            None => vec![Finding::skip(what, "no answer")],
        }
    }
}

async fn dead_letters(probe: &Probe, arn: &str) -> Result<(ProbedQueue, QueueAttributes), QueueError> {
    let queue = probe.find_by_arn(arn).await?;
    let attributes = queue.attributes().await?;
    Ok((queue, attributes))
}

/// What a setting is found to be that the process may not see.
pub(crate) fn hidden(action: &str) -> String {
    format!("not to be seen: {action} is not allowed here, nor needed for the work; ask with an operator's credentials")
}

/// `aws sqs set-queue-attributes` with one attribute.
fn set(url: &str, attribute: &str, value: impl std::fmt::Display) -> String {
    format!("`aws sqs set-queue-attributes --queue-url {url} --attributes {attribute}={value}`")
}

fn of_requests(url: &str, attributes: &QueueAttributes, needs: Needs) -> Vec<Finding> {
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

fn dead_letters_fit(url: &str, attributes: &QueueAttributes, requests: &QueueAttributes) -> Vec<Finding> {
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

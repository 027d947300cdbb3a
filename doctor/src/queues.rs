//! How the request queue and its dead-letter queue were made, and whether that fits the process's own settings.

mod judgement;

use std::time::Duration;

use aws_config::SdkConfig;
use sqs_rpc::QueueError;
use sqs_rpc::probe::{Probe, ProbedQueue, QueueAttributes, Redrive};
use tokio::time::timeout;

use self::judgement::{dead_letters_fit, of_requests};
use crate::contact::Contact;
use crate::permission::Permission;
use crate::report::{Finding, LIMIT, Section};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// None if there was no answer.
    requests: Result<ProbedQueue, Option<QueueError>>,
    attributes: Option<Result<QueueAttributes, QueueError>>,
    dead_letters: Option<Result<(ProbedQueue, QueueAttributes), QueueError>>,
}

impl Queues {
    /// Looks for the queue of this name or URL, and for the dead-letter queue that it names.
    pub async fn look(aws: &SdkConfig, request_queue: &str) -> Self {
        let probe = Probe::new(aws, Contact::default());
        let requests = match timeout(LIMIT, probe.find(request_queue)).await {
            Ok(found) => found.map_err(Some),
            Err(_) => Err(None),
        };
        let request_queue = request_queue.to_owned();
        let mut queues = Self { request_queue, probe, requests, attributes: None, dead_letters: None };
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
            Err(error) => return vec![self.not_found(error.as_ref(), needs.program)],
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

    fn not_found(&self, error: Option<&QueueError>, program: &'static str) -> Finding {
        const WHAT: &str = "request queue";
        let name = self.request_queue.rsplit('/').next().unwrap_or_default();
        match error {
            Some(error) if error.is_denied() => {
                let mend =
                    format!("allow sqs:GetQueueUrl and sqs:GetQueueAttributes on {name}: `{program} doctor --plan`");
                Finding::fail(WHAT, format!("denied: {error}"), mend)
            }
            Some(error) if error.is_no_such_queue() => {
                let mend = format!(
                    "is --request-queue right, and AWS_REGION? `aws sqs create-queue --queue-name {name}`, with a dead-letter \
                     queue: see the README"
                );
                Finding::fail(WHAT, error, mend)
            }
            Some(error) => Finding::fail(WHAT, error, "see whether SQS is reached, and the credentials, above"),
            None => Finding::fail(WHAT, "no answer", "see whether SQS is reached, above"),
        }
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

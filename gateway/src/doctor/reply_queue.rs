//! What a gateway may do with a reply queue.

use std::time::Duration;

use compute_doctor::permission::Permission;
use compute_doctor::report::LIMIT;
use compute_doctor::{Check, Finding, section};
use sqs_rpc::QueueError;
use sqs_rpc::probe::{Probe, Trial};
use tokio::time::{Instant, sleep, timeout};

use super::PROGRAM;

/// How long SQS may not know a queue that it has just made: a second, says its documentation.
const NEW_QUEUE: Duration = Duration::from_secs(5);
const NEW_QUEUE_PAUSE: Duration = Duration::from_millis(250);

/// Makes a reply queue as a gateway does, uses it, and deletes it.
pub(super) async fn own(probe: &Probe, prefix: &str) -> Vec<Finding> {
    let permission = |action| Permission::new(PROGRAM, action, format!("{prefix}-replies-*"));
    let list = Permission::new(PROGRAM, "sqs:ListQueues", "*");
    let mut findings = vec![list.by(async { probe.try_list(prefix).await.map(|()| Trial::Allowed) }).await];
    let create = permission("sqs:CreateQueue");
    let queue = match timeout(LIMIT, probe.create_reply_queue(prefix)).await {
        Ok(Ok(queue)) => queue,
        Ok(Err(error)) => {
            findings.push(refused(&error, create, permission("sqs:TagQueue")).of_queue(Err(error)));
            return findings;
        }
        Err(_) => {
            findings.push(Finding::fail(create.what(), "no answer", "see whether SQS is reached, above"));
            return findings;
        }
    };
    findings.push(create.of_queue(Ok(Trial::Allowed)));
    let trials = vec![
        known(permission("sqs:TagQueue"), || queue.try_tag()),
        known(permission("sqs:ListQueueTags"), || queue.try_list_tags()),
        known(permission("sqs:ReceiveMessage"), || queue.poll_once()),
        known(permission("sqs:DeleteMessage"), || queue.try_delete_message()),
    ];
    findings.extend(section(trials).await);
    findings.push(permission("sqs:DeleteQueue").by(queue.delete()).await);
    findings
}

/// Which permission SQS wants. A queue is made with a tag, so it may be either; SQS names it.
fn refused(error: &QueueError, create: Permission, tag: Permission) -> Permission {
    if error.to_string().to_ascii_lowercase().contains("sqs:tagqueue") { tag } else { create }
}

/// A check by a trial that is repeated until SQS knows the queue.
fn known<'a, F>(permission: Permission, trial: impl Fn() -> F + Send + 'a) -> Check<'a>
where
    F: Future<Output = Result<Trial, QueueError>> + Send,
{
    permission.by(async move {
        let end = Instant::now() + NEW_QUEUE;
        loop {
            match trial().await {
                Err(error) if error.is_no_such_queue() && Instant::now() < end => sleep(NEW_QUEUE_PAUSE).await,
                tried => return tried,
            }
        }
    })
}

/// Looks at a queue that a gateway may be receiving from at the moment, and takes nothing from it.
pub(super) async fn given(probe: &Probe, name_or_url: String) -> Vec<Finding> {
    let what = "reply queue";
    let name = name_or_url.rsplit('/').next().unwrap_or_default();
    let queue = match timeout(LIMIT, probe.find(&name_or_url)).await {
        Ok(Ok(queue)) => queue,
        Ok(Err(error)) if error.is_denied() => {
            let mend = format!("allow sqs:GetQueueUrl and sqs:GetQueueAttributes on {name}: `{PROGRAM} doctor --plan`");
            return vec![Finding::fail(what, format!("denied: {error}"), mend)];
        }
        Ok(Err(error)) => {
            let mend = format!("`aws sqs create-queue --queue-name {name} --attributes MessageRetentionPeriod=300`");
            return vec![Finding::fail(what, error, mend)];
        }
        Err(_) => return vec![Finding::fail(what, "no answer", "see whether SQS is reached, above")],
    };
    let permission = |action| Permission::new(PROGRAM, action, name);
    let attributes = async { queue.attributes().await.map(|_| Trial::Allowed) };
    let trials = vec![
        permission("sqs:GetQueueAttributes").by(attributes),
        permission("sqs:ListQueueTags").by(queue.try_list_tags()),
        permission("sqs:TagQueue").by(queue.try_tag()),
        permission("sqs:ReceiveMessage").by(queue.try_receive()),
        permission("sqs:DeleteMessage").by(queue.try_delete_message()),
    ];
    let mut findings = vec![Finding::ok(what, queue.url())];
    findings.extend(section(trials).await);
    // Once it has the tag.
    findings.push(permission("sqs:UntagQueue").by(queue.try_untag()).await);
    findings
}

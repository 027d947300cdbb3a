//! `compute-worker doctor`: whether AWS is as a worker with these flags needs it.

use aws_config::SdkConfig;
use compute_doctor::bucket::{LogBucket, Use};
use compute_doctor::permission::Permission;
use compute_doctor::policy::Names;
use compute_doctor::queues::{Needs, Queues};
use compute_doctor::{Report, account, contact, section};
use compute_operations::probe::Folder;
use serde_json::Value;

use crate::config::Config;

const PROGRAM: &str = "compute-worker";

/// What a worker does in the bucket. Whatever the mode of its log, it marks operations that are about to die in `operations/`.
const USES: [(Folder, Use); 4] = [
    (Folder::Operations, Use::Put),
    (Folder::Batches, Use::Put),
    (Folder::Payloads, Use::Get),
    (Folder::Payloads, Use::Put),
];

/// Looks at everything that a worker with these settings needs of AWS.
pub async fn examine(config: &Config, aws: &SdkConfig) -> Report {
    let (account, sqs, s3, queues, bucket) = tokio::join!(
        account::account(aws),
        contact::sqs(aws, &config.request_queue),
        contact::s3(aws, &config.log_bucket),
        Queues::look(aws, &config.request_queue),
        LogBucket::look(aws, &config.log_bucket),
    );
    // A worker cannot know a reply queue that is there. One that is not is enough to see whether it may send to such queues.
    let replies =
        queues.requests().map(|requests| queues.probe().beside(requests, &format!("{}-replies-doctor", config.prefix)));
    let needs = Needs { program: PROGRAM, max_inline_size: config.limits.max_inline_size, max_deadline: None };
    let mut sections = vec![queues.findings(needs)];
    if let (Some(requests), Some(replies)) = (queues.requests(), &replies) {
        let permission = |action| Permission::new(PROGRAM, action, requests.name());
        sections.push(section(vec![
            permission("sqs:ReceiveMessage").by(requests.try_receive()),
            permission("sqs:ChangeMessageVisibility").by(requests.try_change_visibility()),
            permission("sqs:DeleteMessage").by(requests.try_delete_message()),
            Permission::new(PROGRAM, "sqs:SendMessage", format!("{}-replies-*", config.prefix)).by(replies.try_send()),
        ]));
    }
    sections.extend(bucket.findings(PROGRAM, &USES, queues.payload_life()));
    Report::of(sections).await.after([account, sqs, s3])
}

/// The policy of IAM that a worker with these settings needs.
pub fn plan(config: &Config) -> Value {
    let names = Names::new(&config.request_queue, &config.prefix, &config.log_bucket);
    names.policy(include_str!("../../deploy/policies/worker.json"))
}

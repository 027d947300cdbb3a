//! `compute-gateway doctor`: whether AWS and the files of the edge are as a gateway with these flags needs them.

mod certificate;
mod edge;
mod reply_queue;

use std::time::SystemTime;

use aws_config::SdkConfig;
use compute_doctor::bucket::{LogBucket, Use};
use compute_doctor::permission::Permission;
use compute_doctor::policy::Names;
use compute_doctor::queues::{Needs, Queues};
use compute_doctor::{Report, account, contact, section};
use compute_operations::probe::Folder;
use serde_json::Value;

use crate::config::Config;

const PROGRAM: &str = "compute-gateway";

/// What a gateway does in the bucket.
const USES: [(Folder, Use); 8] = [
    (Folder::Operations, Use::Get),
    (Folder::Batches, Use::Get),
    (Folder::Claims, Use::Get),
    (Folder::Claims, Use::Put),
    (Folder::Payloads, Use::Get),
    (Folder::Payloads, Use::Put),
    (Folder::Payloads, Use::Delete),
    (Folder::Payloads, Use::AbortUpload),
];

/// Looks at everything that a gateway with these settings needs: its own files, and AWS.
pub async fn examine(config: &Config, aws: &SdkConfig) -> Report {
    let (account, sqs, s3, queues, bucket) = tokio::join!(
        account::account(aws),
        contact::sqs(aws, &config.request_queue),
        contact::s3(aws, &config.log_bucket),
        Queues::look(aws, &config.request_queue),
        LogBucket::look(aws, &config.log_bucket),
    );
    let needs =
        Needs { program: PROGRAM, max_inline_size: config.max_inline_size, max_deadline: Some(config.max_deadline) };
    let mut sections = vec![queues.findings(needs)];
    if let Some(requests) = queues.requests() {
        let send = Permission::new(PROGRAM, "sqs:SendMessage", requests.name());
        sections.push(section(vec![send.by(requests.try_send())]));
        sections.push(match config.requester().given_reply_queue() {
            None => Box::pin(reply_queue::own(queues.probe(), &config.prefix)),
            Some(given) => Box::pin(reply_queue::given(queues.probe(), given)),
        });
    }
    sections.extend(bucket.findings(PROGRAM, &USES, queues.payload_life()));
    let files = edge::examine(&config.edge, SystemTime::now());
    Report::of(sections).await.after([files, account, sqs, s3])
}

/// The policy of IAM that a gateway with these settings needs.
pub fn plan(config: &Config) -> Value {
    let names = Names::new(&config.request_queue, &config.prefix, &config.log_bucket);
    let mut policy = names.policy(include_str!("../../deploy/policies/gateway.json"));
    if let Some(given) = &config.reply_queue {
        // A gateway that is given its queue makes none, and looks for none.
        let given = given.rsplit('/').next().unwrap_or_default().replace("{instance}", "*");
        let hold = include_str!("../../deploy/policies/gateway-given-reply-queue.json");
        let hold = names.policy(&hold.replace("${Prefix}-replies-*", &given));
        if let (Some(statements), Some(hold)) = (policy["Statement"].as_array_mut(), hold["Statement"].as_array()) {
            statements.retain(|statement| !OF_OWN_QUEUES.iter().any(|sid| statement["Sid"] == *sid));
            statements.extend(hold.iter().cloned());
        }
    }
    policy
}

/// The statements that let a gateway make a reply queue, and find those of dead ones.
const OF_OWN_QUEUES: [&str; 2] = ["ReceiveReplies", "FindReplyQueuesOfDeadGateways"];

#[cfg(test)]
mod tests {
    use super::*;

    fn sids(config: &Config) -> Vec<String> {
        let plan = plan(config);
        let statements = plan["Statement"].as_array().expect("a list").iter();
        statements.map(|statement| statement["Sid"].as_str().expect("a name").to_owned()).collect()
    }

    #[test]
    fn a_gateway_that_is_given_its_reply_queue_needs_not_make_one() {
        let mut config = Config::new("jobs", "logs");
        let own = sids(&config);
        assert!(OF_OWN_QUEUES.iter().all(|sid| own.contains(&(*sid).to_owned())), "{own:?}");

        config.reply_queue = Some("https://sqs.eu-west-1.amazonaws.com/1/compute-replies-{instance}".to_owned());
        let given = sids(&config);
        assert!(given.contains(&"HoldTheGivenReplyQueue".to_owned()), "{given:?}");
        assert!(!OF_OWN_QUEUES.iter().any(|sid| given.contains(&(*sid).to_owned())), "{given:?}");
        let plan = plan(&config).to_string();
        assert!(plan.contains(":compute-replies-*\"") && plan.contains(":jobs\"") && !plan.contains('$'), "{plan}");
    }
}

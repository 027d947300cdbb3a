//! A reply queue that somebody else made, for accounts where a requester may not.

use std::sync::Arc;

use super::super::RequesterConfig;
use super::lease::{Held, Lease, TakeError};
use crate::queue::{Queue, Sqs};
use crate::request::account_and_name;
use crate::settings::{StartError, reply_queue_name_prefix};

/// What the name of the instance takes the place of in the name of a queue.
const INSTANCE: &str = "{instance}";

pub(super) struct GivenQueue {
    sqs: Sqs,
    name_or_url: String,
    lease: Lease,
}

impl GivenQueue {
    pub(super) fn new(sqs: &Sqs, config: &RequesterConfig, given: &str) -> Result<Self, StartError> {
        let instance = queue_name_characters(&config.instance);
        if instance.is_empty() {
            let expected = "a name, for the lease on the given reply queue".to_owned();
            return Err(StartError::Setting { setting: "instance", value: format!("{:?}", config.instance), expected });
        }
        let name_or_url = of_instance(given, &config.instance);
        let name = name_or_url.rsplit_once('/').map_or(&*name_or_url, |(_rest, name)| name);
        let name_prefix = reply_queue_name_prefix(&config.prefix);
        if !name.starts_with(&name_prefix) || name.len() > 80 {
            let expected = format!(
                "a queue whose name starts with {name_prefix}, where workers may reply to, of up to 80 characters"
            );
            return Err(StartError::Setting { setting: "reply_queue", value: name_or_url, expected });
        }
        let lease = Lease::new(instance, config.reply_queue_upkeep, Arc::clone(sqs.clock()));
        Ok(Self { sqs: sqs.clone(), name_or_url, lease })
    }

    pub(super) async fn take(&self) -> Result<Queue, StartError> {
        let error = |source| StartError::Queue { role: "reply", source };
        let queue = self.sqs.queue(&self.name_or_url).await.map_err(error)?;
        if account_and_name(queue.url()).is_none() {
            let expected = "a queue whose URL ends with /<account>/<name>".to_owned();
            return Err(StartError::Setting { setting: "reply_queue", value: queue.url().to_owned(), expected });
        }
        match self.lease.take(&queue).await {
            Ok(()) => Ok(queue),
            Err(TakeError::Queue(source)) => Err(error(source)),
            Err(TakeError::Held(Held { holder, time_left })) => {
                Err(StartError::ReplyQueueInUse { queue: queue.url().to_owned(), holder, time_left })
            }
        }
    }

    pub(super) async fn keep_alive(&self, queue: &Queue) -> String {
        self.lease.keep(queue).await
    }

    pub(super) async fn release(&self, queue: &Queue) {
        match self.lease.release(queue).await {
            Ok(()) => tracing::info!(queue = queue.url(), "gave the reply queue back"),
            Err(error) => tracing::warn!(%error, "the lease on the reply queue stays until it ends"),
        }
    }
}

/// The name or URL of the queue that this instance is given.
pub(in super::super) fn of_instance(given: &str, instance: &str) -> String {
    given.replace(INSTANCE, &queue_name_characters(instance))
}

/// The instance's name with a hyphen for all that a queue's name cannot have.
fn queue_name_characters(instance: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    instance.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;

    fn given(name: &str, instance: &str) -> Result<GivenQueue, String> {
        let sqs = Sqs::new(&SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build());
        let config = RequesterConfig { instance: instance.to_owned(), ..RequesterConfig::new("requests") };
        GivenQueue::new(&sqs, &config, name).map_err(|error| error.to_string())
    }

    #[test]
    fn the_instance_stands_in_the_name_as_a_queue_can_be_named() {
        let queue =
            given("compute-replies-{instance}", "ip-10-0-0-7.eu-central-1.compute.internal").map(|q| q.name_or_url);
        assert_eq!(queue.as_deref(), Ok("compute-replies-ip-10-0-0-7-eu-central-1-compute-internal"));
        let queue = given("https://host/1/compute-replies-{instance}", "a").map(|q| q.name_or_url);
        assert_eq!(queue.as_deref(), Ok("https://host/1/compute-replies-a"));
    }

    #[test]
    fn a_queue_that_workers_may_not_reply_to_or_that_cannot_be_is_refused() {
        for (name, instance) in
            [("other-replies-a", "a"), ("compute-replies-{instance}", &*"a".repeat(65)), ("compute-replies", "")]
        {
            assert!(given(name, instance).is_err(), "{name} {instance}");
        }
    }
}

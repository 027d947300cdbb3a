//! Which queues there are, and how names, URLs and ARNs lead to them.
//!
//! Lock order: the registry's lock before a queue's, never the other way round.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::SqsConfig;
use super::attributes::{QueueAttributes, fifo_not_offered};
use super::error::SqsError;
use super::queue::Queue;
use super::queue_state::QueueState;
use super::tags::{self, Tags};
use crate::chaos::Disorder;

/// The one account there is.
pub(super) const ACCOUNT: &str = "000000000000";

/// All queues by name.
#[derive(Debug)]
pub(super) struct Registry {
    region: String,
    in_flight_limit: usize,
    disorder: Option<Arc<Disorder>>,
    next_id: AtomicU64,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
}

impl Registry {
    pub(super) fn new(config: &SqsConfig, disorder: Option<Arc<Disorder>>) -> Self {
        Self {
            region: config.region.clone(),
            in_flight_limit: config.in_flight_limit,
            disorder,
            next_id: AtomicU64::new(0),
            queues: RwLock::default(),
        }
    }

    /// Creates a queue, or finds the one of that name if its attributes have the values given.
    pub(super) fn create(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        given_tags: Tags,
    ) -> Result<Arc<Queue>, SqsError> {
        check_name(name)?;
        let mut attributes = QueueAttributes::default();
        for (name, value) in given {
            attributes.set(name, value)?;
        }
        let arn = self.arn(name);
        let mut tags = Tags::new();
        tags::add(&mut tags, given_tags)?;
        self.check_dead_letter_target(&arn, &attributes)?;

        let mut queues = self.write();
        if let Some(queue) = queues.get(name) {
            let names = given.keys().map(String::as_str);
            return match queue.with(|state, _| state.attributes.first_difference(&attributes, names)) {
                None => Ok(Arc::clone(queue)),
                Some(attribute) => Err(SqsError::QueueNameExists(attribute.to_owned())),
            };
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let disorder = self.disorder.as_ref().map(|disorder| disorder.of_queue(id));
        let state = QueueState::new(attributes, self.in_flight_limit).with_disorder(disorder);
        let queue = Arc::new(Queue::new(id, name.to_owned(), arn.into(), state, tags));
        queues.insert(name.to_owned(), Arc::clone(&queue));
        Ok(queue)
    }

    /// Takes the queue out and sends home those who wait for its messages.
    pub(super) fn delete(&self, queue: &Queue) {
        let mut queues = self.write();
        if queues.get(&queue.name).is_some_and(|current| current.id == queue.id) {
            queues.remove(&queue.name);
        }
        drop(queues);
        queue.close();
    }

    pub(super) fn by_name(&self, name: &str) -> Result<Arc<Queue>, SqsError> {
        self.read().get(name).cloned().ok_or(SqsError::QueueDoesNotExist)
    }

    /// The queue of a queue URL, by the last segment of its path.
    pub(super) fn by_url(&self, url: Option<&str>) -> Result<Arc<Queue>, SqsError> {
        let url = url.ok_or(SqsError::MissingParameter("QueueUrl"))?;
        match url.rsplit('/').next() {
            None | Some("") => Err(SqsError::InvalidAddress(url.to_owned())),
            Some(name) => self.by_name(name),
        }
    }

    /// The queue of an ARN of this account, in whatever region.
    pub(super) fn by_arn(&self, arn: &str) -> Option<Arc<Queue>> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        let (scheme, _partition, service) = (next()?, next()?, next()?);
        let (_region, account, name) = (next()?, next()?, next()?);
        (scheme == "arn" && service == "sqs" && account == ACCOUNT).then(|| self.by_name(name).ok()).flatten()
    }

    /// All queues in the order of their names.
    pub(super) fn all(&self) -> Vec<Arc<Queue>> {
        self.read().values().cloned().collect()
    }

    /// The queues whose dead letters go to this one, in the order of their names.
    pub(super) fn dead_letter_sources(&self, queue: &Queue) -> Vec<Arc<Queue>> {
        let buries_here = |source: &Arc<Queue>| {
            let policy = source.with(|state, _| state.attributes.redrive_policy.clone());
            policy.is_some_and(|policy| self.by_arn(&policy.target).is_some_and(|target| target.id == queue.id))
        };
        self.all().into_iter().filter(buries_here).collect()
    }

    /// Checks that the redrive policy, if there is one, names a queue that takes dead letters of this one.
    pub(super) fn check_dead_letter_target(
        &self,
        source_arn: &str,
        attributes: &QueueAttributes,
    ) -> Result<(), SqsError> {
        let Some(policy) = &attributes.redrive_policy else { return Ok(()) };
        let refused = |reason: &str| SqsError::parameter("RedrivePolicy", policy.render(), reason);
        let target = self.by_arn(&policy.target).ok_or_else(|| refused("Dead letter target does not exist."))?;
        let allow = target.with(|state, _| state.attributes.redrive_allow_policy.clone());
        if allow.is_none_or(|allow| allow.allows(source_arn)) {
            Ok(())
        } else {
            Err(refused("The dead letter target's RedriveAllowPolicy does not allow this source queue."))
        }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{name}", self.region)
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Queue>>> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_name(name: &str) -> Result<(), SqsError> {
    if name.ends_with(".fifo") {
        return Err(fifo_not_offered());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=80).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    Err(SqsError::parameter("QueueName", name, reason))
}

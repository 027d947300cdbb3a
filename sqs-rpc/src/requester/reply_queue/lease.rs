//! Who owns a given queue.
//!
//! Two tags say it: `sqs-rpc:owner`, which is `<uuid>/<process id>@<instance>`, and `sqs-rpc:lease`, when the lease ends unless
//! it is renewed (Unix milliseconds on SQS's clock). A newcomer may take the queue if
//!
//! - nobody owns it: the owner took its tags away when it ended; or
//! - the lease is over: the owner has been silent for [`dead_after`](super::ReplyQueueUpkeep::dead_after); or
//! - the owner was a process of the same instance, and no such process runs here. So a process that crashed is back at once.
//!   The instance is the host's name, or whatever else tells those apart that may run at the same time. (Processes are looked up
//!   in `/proc`. A process of one's own id is oneself: the first process of a container that was started again.)
//!
//! SQS cannot change a tag on condition, so the owner looks before it renews, and gives way if the queue is another's by now: two
//! that took it in the same moment do not both keep it.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::ReplyQueueUpkeep;
use crate::backoff::{Backoff, jittered};
use crate::clock::{self, SqsClock};
use crate::queue::{Queue, QueueError};

const OWNER: &str = "sqs-rpc:owner";
const LEASE: &str = "sqs-rpc:lease";

/// How long after taking a queue to look whether another took it in the same moment.
const SETTLING: Duration = Duration::from_millis(500);

/// One process, as an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    id: Uuid,
    process: u32,
    instance: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.id, self.process, self.instance)
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(owner: &str) -> Result<Self, ()> {
        let (process, instance) = owner.split_once('@').ok_or(())?;
        let (id, process) = process.split_once('/').ok_or(())?;
        let (id, process) = (Uuid::try_parse(id).map_err(|_| ())?, process.parse().map_err(|_| ())?);
        Ok(Self { id, process, instance: instance.to_owned() })
    }
}

/// A lease that another holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) holder: String,
    pub(super) time_left: Duration,
}

/// Why a queue could not be taken.
#[derive(Debug)]
pub(super) enum TakeError {
    Held(Held),
    Queue(QueueError),
}

impl From<QueueError> for TakeError {
    fn from(error: QueueError) -> Self {
        Self::Queue(error)
    }
}

/// The lease of one process.
pub(super) struct Lease {
    owner: Owner,
    upkeep: ReplyQueueUpkeep,
    clock: Arc<SqsClock>,
}

impl Lease {
    /// `instance` is of the characters that a tag may have.
    pub(super) fn new(instance: String, upkeep: ReplyQueueUpkeep, clock: Arc<SqsClock>) -> Self {
        Self { owner: Owner { id: Uuid::new_v4(), process: std::process::id(), instance }, upkeep, clock }
    }

    pub(super) async fn take(&self, queue: &Queue) -> Result<(), TakeError> {
        self.check_free(&queue.tags().await?)?;
        queue.tag(self.tags()).await?;
        tokio::time::sleep(SETTLING).await;
        match self.other_owner(&queue.tags().await?) {
            None => Ok(()),
            Some(holder) => Err(TakeError::Held(Held { holder, time_left: self.upkeep.dead_after })),
        }
    }

    /// Renews the lease for as long as it is this process's. Returns the name of the one that has it instead.
    pub(super) async fn keep(&self, queue: &Queue) -> String {
        let mut backoff = Backoff::new(self.upkeep.heartbeat / 64, self.upkeep.heartbeat / 8);
        loop {
            tokio::time::sleep(jittered(self.upkeep.heartbeat)).await;
            loop {
                match self.renew(queue).await {
                    Ok(None) => break,
                    Ok(Some(holder)) => return holder,
                    Err(error) => tracing::warn!(%error, "the lease on the reply queue could not be renewed"),
                }
                backoff.pause().await;
            }
            backoff.reset();
        }
    }

    async fn renew(&self, queue: &Queue) -> Result<Option<String>, QueueError> {
        let other = self.other_owner(&queue.tags().await?);
        if other.is_none() {
            queue.tag(self.tags()).await?;
        }
        Ok(other)
    }

    /// Ends the lease, if it is this process's.
    pub(super) async fn release(&self, queue: &Queue) -> Result<(), QueueError> {
        if self.other_owner(&queue.tags().await?).is_none() {
            queue.untag(&[OWNER, LEASE]).await?;
        }
        Ok(())
    }

    fn tags(&self) -> HashMap<String, String> {
        let ends = self.clock.now_ms().saturating_add(i64::try_from(self.upkeep.dead_after.as_millis()).unwrap_or(0));
        HashMap::from([(OWNER.to_owned(), self.owner.to_string()), (LEASE.to_owned(), ends.to_string())])
    }

    fn other_owner(&self, tags: &HashMap<String, String>) -> Option<String> {
        tags.get(OWNER).filter(|owner| **owner != self.owner.to_string()).cloned()
    }

    fn check_free(&self, tags: &HashMap<String, String>) -> Result<(), TakeError> {
        match held(tags, &self.owner, self.clock.now_ms(), is_running) {
            None => Ok(()),
            Some(held) => Err(TakeError::Held(held)),
        }
    }
}

/// The lease that keeps `newcomer` off a queue with these tags.
fn held(
    tags: &HashMap<String, String>,
    newcomer: &Owner,
    now_ms: i64,
    is_running: impl Fn(u32) -> bool,
) -> Option<Held> {
    let holder = tags.get(OWNER)?;
    // Tags that nobody can read hold nobody off: they have no end.
    let ends: i64 = tags.get(LEASE)?.parse().ok()?;
    let time_left = clock::between(now_ms, ends);
    let was_here =
        Owner::from_str(holder).is_ok_and(|owner| owner.instance == newcomer.instance && !is_running(owner.process));
    (!time_left.is_zero() && !was_here).then(|| Held { holder: holder.clone(), time_left })
}

/// Whether a process other than this one runs under this id, as far as `/proc` tells.
fn is_running(process: u32) -> bool {
    process != std::process::id() && Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(instance: &str, process: u32) -> Owner {
        Owner { id: Uuid::new_v4(), process, instance: instance.to_owned() }
    }

    fn tags(owner: &Owner, ends: i64) -> HashMap<String, String> {
        HashMap::from([(OWNER.to_owned(), owner.to_string()), (LEASE.to_owned(), ends.to_string())])
    }

    #[test]
    fn a_lease_holds_others_off_until_it_ends() {
        let (holder, newcomer) = (owner("host-a", 7), owner("host-b", 7));
        let held_at = |now| held(&tags(&holder, 60_000), &newcomer, now, |_| false);
        let expected = Held { holder: holder.to_string(), time_left: Duration::from_secs(10) };
        assert_eq!(held_at(50_000), Some(expected));
        assert_eq!(held_at(60_000), None);
        assert_eq!(held(&HashMap::new(), &newcomer, 50_000, |_| false), None);
    }

    #[test]
    fn the_same_instance_is_held_off_only_by_a_process_that_runs() {
        let (holder, newcomer) = (owner("host-a", 7), owner("host-a", 8));
        let tags = tags(&holder, 60_000);
        assert_eq!(held(&tags, &newcomer, 0, |_| false), None);
        assert!(held(&tags, &newcomer, 0, |process| process == 7).is_some());
    }

    #[test]
    fn only_other_processes_run() {
        assert!(!is_running(std::process::id()));
        assert!(!is_running(u32::MAX));
        #[cfg(target_os = "linux")]
        assert!(is_running(std::os::unix::process::parent_id()));
    }

    #[test]
    fn an_owner_is_read_as_it_was_written() {
        let written = owner("ip-10-0-0-7", 4711);
        assert_eq!(written.to_string().parse(), Ok(written));
        for other in ["", "somebody", "a/b@c", "4711@host"] {
            assert_eq!(Owner::from_str(other), Err(()));
        }
    }
}

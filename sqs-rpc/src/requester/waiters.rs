//! The table of waiters: which calls wait for a reply.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use super::admission::{Admission, Refusal};
use super::call::CallError;
use crate::queue::BatchFill;
use crate::reply::IncomingReply;

/// How many ended calls are remembered, to tell a late or duplicate reply from one that belongs to nobody.
const REMEMBERED: usize = 16_384;

/// What a [`Requester`](crate::Requester) has counted since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequesterStats {
    /// Replies handed to the call that waited for them.
    pub replies: u64,
    /// Replies to calls that had ended without one.
    pub late: u64,
    /// Further replies to calls that had one.
    pub duplicate: u64,
    /// Replies to calls that this process does not know (any more).
    pub unknown: u64,
    /// Replies whose digest is not that of the request of the same id.
    pub mismatched: u64,
    /// Messages on the reply queue that are no replies.
    pub malformed: u64,
    /// Calls refused because too many waited, or too many of their tenant.
    pub refused: u64,
    /// Calls refused because they would have waited longer than they could.
    pub overloaded: u64,
    /// Calls refused because no worker was heard from.
    pub no_worker: u64,
    /// How often the reply queue was lost: somebody deleted it, or took it over.
    pub reply_queue_lost: u64,
    /// Reply queues of dead requesters that this one deleted.
    pub reply_queues_swept: u64,
    /// How full the requests to SQS were.
    pub batches: BatchFill,
}

#[derive(Debug)]
pub(crate) struct Waiters {
    limits: Limits,
    /// A std mutex, held for a few map operations and never across an await.
    table: Mutex<Table>,
    /// Told each time the table becomes empty.
    empty: Notify,
}

/// How many calls may wait at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) all: usize,
    pub(crate) per_tenant: usize,
}

#[derive(Debug)]
struct Table {
    waiting: HashMap<Uuid, Entry>,
    /// How many of those are each tenant's; only tenants that wait are in it.
    of_tenant: HashMap<String, usize>,
    /// `None`: every call is let in that there is room for.
    admission: Option<Admission>,
    ended: Ended,
    refuses_new: bool,
    stats: RequesterStats,
}

#[derive(Debug)]
struct Entry {
    digest: String,
    tenant: Option<String>,
    /// Boxed, so that the place of a call that waits is small.
    reply: oneshot::Sender<Box<IncomingReply>>,
}

/// How a call that is remembered ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Replied,
    GaveUp,
}

/// The last calls that ended, oldest first.
#[derive(Debug, Default)]
struct Ended {
    endings: HashMap<Uuid, Ending>,
    order: VecDeque<Uuid>,
}

impl Ended {
    fn remember(&mut self, id: Uuid, ending: Ending) {
        if self.endings.insert(id, ending).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.endings.remove(&oldest);
        }
    }
}

impl Table {
    /// Takes a call out.
    fn take(&mut self, id: &Uuid) -> Option<Entry> {
        let entry = self.waiting.remove(id)?;
        if let Some(tenant) = &entry.tenant
            && let Some(count) = self.of_tenant.get_mut(tenant)
        {
            *count -= 1;
            if *count == 0 {
                self.of_tenant.remove(tenant);
            }
        }
        Some(entry)
    }

    /// Whether there is room for a call, and a point in letting it in.
    fn admit(&mut self, limits: Limits, tenant: Option<&str>, deadline: Instant) -> Result<(), CallError> {
        let of_tenant = tenant.and_then(|tenant| self.of_tenant.get(tenant)).copied().unwrap_or(0);
        if self.waiting.len() >= limits.all {
            self.stats.refused += 1;
            return Err(CallError::TooManyInFlight { limit: limits.all });
        }
        if of_tenant >= limits.per_tenant {
            self.stats.refused += 1;
            return Err(CallError::TooManyOfTenant { limit: limits.per_tenant });
        }
        let (now, waiting) = (Instant::now(), self.waiting.len());
        let Some(admission) = &mut self.admission else { return Ok(()) };
        admission.admit(now, waiting, deadline.saturating_duration_since(now)).map_err(|refusal| match refusal {
            Refusal::Overloaded { wait, retry_after } => {
                self.stats.overloaded += 1;
                CallError::Overloaded { wait, retry_after }
            }
            Refusal::NoWorker { unanswered } => {
                self.stats.no_worker += 1;
                CallError::NoWorker { unanswered }
            }
        })
    }
}

/// A call's place in the table. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Waiter {
    id: Uuid,
    reply: oneshot::Receiver<Box<IncomingReply>>,
    waiters: Arc<Waiters>,
}

impl Waiter {
    pub(crate) async fn reply(&mut self) -> Result<Box<IncomingReply>, CallError> {
        // The sender goes without a word only when `fail_all` drops it.
        (&mut self.reply).await.map_err(|_| CallError::ShuttingDown)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut table = self.waiters.lock();
        if table.take(&self.id).is_some() {
            table.ended.remember(self.id, Ending::GaveUp);
        }
        self.waiters.tell_if_empty(&table);
    }
}

impl Waiters {
    /// A table for this many calls. `no_worker_after` turns admission by expected wait on.
    pub(crate) fn new(limits: Limits, no_worker_after: Option<Duration>) -> Self {
        let table = Table {
            waiting: HashMap::new(),
            of_tenant: HashMap::new(),
            admission: no_worker_after.map(Admission::new),
            ended: Ended::default(),
            refuses_new: false,
            stats: RequesterStats::default(),
        };
        Self { limits, table: Mutex::new(table), empty: Notify::new() }
    }

    /// Gives a call a place in the table, if it may have one.
    pub(crate) fn register(
        self: &Arc<Self>,
        id: Uuid,
        digest: &str,
        tenant: Option<&str>,
        deadline: Instant,
    ) -> Result<Waiter, CallError> {
        let mut table = self.lock();
        if table.refuses_new {
            return Err(CallError::ShuttingDown);
        }
        if table.waiting.contains_key(&id) {
            return Err(CallError::DuplicateId);
        }
        table.admit(self.limits, tenant, deadline)?;
        let (sender, reply) = oneshot::channel();
        let tenant = tenant.map(str::to_owned);
        if let Some(tenant) = &tenant {
            *table.of_tenant.entry(tenant.clone()).or_default() += 1;
        }
        table.waiting.insert(id, Entry { digest: digest.to_owned(), tenant, reply: sender });
        Ok(Waiter { id, reply, waiters: self.clone() })
    }

    /// Hands a reply to the call that waits for it, or counts why there is none. False: no call of this id is known here.
    pub(crate) fn deliver(&self, reply: IncomingReply) -> bool {
        let mut table = self.lock();
        let id = reply.id;
        if let Some(admission) = &mut table.admission {
            admission.replied(Instant::now(), reply.queue_wait());
        }
        let Some(entry) = table.waiting.get(&id) else {
            let ending = table.ended.endings.get(&id).copied();
            match ending {
                Some(Ending::Replied) => table.stats.duplicate += 1,
                Some(Ending::GaveUp) => table.stats.late += 1,
                None => table.stats.unknown += 1,
            }
            tracing::debug!(%id, "a reply that no call waits for");
            return ending.is_some();
        };
        if entry.digest != reply.digest {
            table.stats.mismatched += 1;
            tracing::warn!(%id, "a reply to another request of the same id");
            return true;
        }
        if let Some(entry) = table.take(&id) {
            // A call that ends in this very moment does not take it: then it is late.
            match entry.reply.send(Box::new(reply)) {
                Ok(()) => {
                    table.stats.replies += 1;
                    table.ended.remember(id, Ending::Replied);
                }
                Err(_) => {
                    table.stats.late += 1;
                    table.ended.remember(id, Ending::GaveUp);
                }
            }
        }
        self.tell_if_empty(&table);
        true
    }

    pub(crate) fn count_malformed(&self) {
        self.lock().stats.malformed += 1;
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(crate) fn stats(&self) -> RequesterStats {
        self.lock().stats
    }

    pub(crate) fn refuse_new(&self) {
        self.lock().refuses_new = true;
    }

    /// Returns when no call waits.
    pub(crate) async fn emptied(&self) {
        loop {
            // Before the look, so that a change between look and wait is not missed.
            let told = self.empty.notified();
            if self.lock().waiting.is_empty() {
                return;
            }
            told.await;
        }
    }

    /// Ends all calls that wait with [`CallError::ShuttingDown`].
    pub(crate) fn fail_all(&self) {
        let mut table = self.lock();
        let waiting = std::mem::take(&mut table.waiting);
        table.of_tenant.clear();
        for id in waiting.into_keys() {
            table.ended.remember(id, Ending::GaveUp);
        }
        self.tell_if_empty(&table);
    }

    fn tell_if_empty(&self, table: &Table) {
        if table.waiting.is_empty() {
            self.empty.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no code panics while it holds the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::ReplyTiming;

    fn reply(id: Uuid, digest: &str) -> IncomingReply {
        IncomingReply {
            id,
            digest: digest.to_owned(),
            worker: None,
            timing: ReplyTiming::default(),
            sent: None,
            received: None,
            payload_in_s3: None,
            outcome: Ok("{}".to_owned()),
        }
    }

    fn table(limit: usize) -> Arc<Waiters> {
        Arc::new(Waiters::new(Limits { all: limit, per_tenant: limit }, None))
    }

    fn register(waiters: &Arc<Waiters>, id: Uuid) -> Result<Waiter, CallError> {
        waiters.register(id, "digest", None, Instant::now())
    }

    #[tokio::test]
    async fn a_reply_reaches_its_waiter_and_only_the_first_one_does() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        let mut waiter = register(&waiters, id).expect("room");
        waiters.deliver(reply(id, "digest"));
        waiters.deliver(reply(id, "digest"));

        assert_eq!(waiter.reply().await.expect("a reply").id, id);
        assert_eq!(waiters.in_flight(), 0);
        assert_eq!(waiters.stats(), RequesterStats { replies: 1, duplicate: 1, ..Default::default() });
    }

    #[tokio::test]
    async fn a_reply_to_another_request_of_the_same_id_does_not_end_the_wait() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        let _waiter = register(&waiters, id).expect("room");
        waiters.deliver(reply(id, "another digest"));

        assert_eq!(waiters.in_flight(), 1);
        assert_eq!(waiters.stats(), RequesterStats { mismatched: 1, ..Default::default() });
    }

    #[test]
    fn a_reply_after_the_wait_is_late_and_one_to_nobody_is_unknown() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        drop(register(&waiters, id).expect("room"));
        waiters.deliver(reply(id, "digest"));
        waiters.deliver(reply(Uuid::now_v7(), "digest"));

        assert_eq!(waiters.in_flight(), 0);
        assert_eq!(waiters.stats(), RequesterStats { late: 1, unknown: 1, ..Default::default() });
    }

    #[test]
    fn the_table_is_bounded_and_an_id_waits_once() {
        let (waiters, id) = (table(2), Uuid::now_v7());
        let _first = register(&waiters, id).expect("room");
        assert!(matches!(register(&waiters, id), Err(CallError::DuplicateId)));
        let _second = register(&waiters, Uuid::now_v7()).expect("room");
        assert!(matches!(register(&waiters, Uuid::now_v7()), Err(CallError::TooManyInFlight { limit: 2 })));
        assert_eq!(waiters.stats().refused, 1);
    }

    #[test]
    fn a_tenant_has_no_more_than_its_share_and_gets_it_back() {
        let waiters = Arc::new(Waiters::new(Limits { all: 10, per_tenant: 1 }, None));
        let call = |tenant| waiters.register(Uuid::now_v7(), "digest", Some(tenant), Instant::now());
        let first = call("a").expect("room");
        assert!(matches!(call("a"), Err(CallError::TooManyOfTenant { limit: 1 })));
        let _other = call("b").expect("another tenant's share");
        drop(first);
        let again = call("a").expect("room again");
        waiters.deliver(reply(again.id, "digest"));
        drop(call("a").expect("room after a reply"));
        assert_eq!(waiters.lock().of_tenant.len(), 1, "only b waits");
    }

    #[tokio::test]
    async fn at_the_end_all_waiters_are_told_and_new_ones_refused() {
        let waiters = table(10);
        let mut waiter = register(&waiters, Uuid::now_v7()).expect("room");
        waiters.refuse_new();
        assert!(matches!(register(&waiters, Uuid::now_v7()), Err(CallError::ShuttingDown)));

        waiters.fail_all();
        waiters.emptied().await;
        assert!(matches!(waiter.reply().await, Err(CallError::ShuttingDown)));
    }

    #[test]
    fn memory_of_ended_calls_is_bounded() {
        let waiters = table(10);
        for _ in 0..REMEMBERED + 10 {
            drop(register(&waiters, Uuid::now_v7()).expect("room"));
        }
        let table = waiters.lock();
        assert_eq!((table.ended.order.len(), table.ended.endings.len()), (REMEMBERED, REMEMBERED));
    }
}

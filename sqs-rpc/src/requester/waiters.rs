//! The table of waiters: which calls wait for a reply.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use super::call::CallError;
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
    /// Calls refused because too many waited.
    pub refused: u64,
}

#[derive(Debug)]
pub(crate) struct Waiters {
    limit: usize,
    /// A std mutex, held for a few map operations and never across an await.
    table: Mutex<Table>,
    /// Told each time the table becomes empty.
    empty: Notify,
}

#[derive(Debug, Default)]
struct Table {
    waiting: HashMap<Uuid, Entry>,
    ended: Ended,
    refuses_new: bool,
    stats: RequesterStats,
}

#[derive(Debug)]
struct Entry {
    digest: String,
    reply: oneshot::Sender<IncomingReply>,
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

/// A call's place in the table. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Waiter {
    id: Uuid,
    reply: oneshot::Receiver<IncomingReply>,
    waiters: Arc<Waiters>,
}

impl Waiter {
    pub(crate) async fn reply(&mut self) -> Result<IncomingReply, CallError> {
        // The sender goes without a word only when `fail_all` drops it.
        (&mut self.reply).await.map_err(|_| CallError::ShuttingDown)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut table = self.waiters.lock();
        if table.waiting.remove(&self.id).is_some() {
            table.ended.remember(self.id, Ending::GaveUp);
        }
        self.waiters.tell_if_empty(&table);
    }
}

impl Waiters {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, table: Mutex::default(), empty: Notify::new() }
    }

    pub(crate) fn register(self: &Arc<Self>, id: Uuid, digest: &str) -> Result<Waiter, CallError> {
        let mut table = self.lock();
        if table.refuses_new {
            return Err(CallError::ShuttingDown);
        }
        if table.waiting.len() >= self.limit {
            table.stats.refused += 1;
            return Err(CallError::TooManyInFlight { limit: self.limit });
        }
        if table.waiting.contains_key(&id) {
            return Err(CallError::DuplicateId);
        }
        let (sender, reply) = oneshot::channel();
        table.waiting.insert(id, Entry { digest: digest.to_owned(), reply: sender });
        Ok(Waiter { id, reply, waiters: self.clone() })
    }

    /// Hands a reply to the call that waits for it, or counts why there is none.
    pub(crate) fn deliver(&self, reply: IncomingReply) {
        let mut table = self.lock();
        let id = reply.id;
        let Some(entry) = table.waiting.get(&id) else {
            match table.ended.endings.get(&id) {
                Some(Ending::Replied) => table.stats.duplicate += 1,
                Some(Ending::GaveUp) => table.stats.late += 1,
                None => table.stats.unknown += 1,
            }
            tracing::debug!(%id, "a reply that no call waits for");
            return;
        };
        if entry.digest != reply.digest {
            table.stats.mismatched += 1;
            tracing::warn!(%id, "a reply to another request of the same id");
            return;
        }
        if let Some(entry) = table.waiting.remove(&id) {
            // A call that ends in this very moment does not take it: then it is late.
            match entry.reply.send(reply) {
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
            outcome: Ok("{}".to_owned()),
        }
    }

    fn table(limit: usize) -> Arc<Waiters> {
        Arc::new(Waiters::new(limit))
    }

    #[tokio::test]
    async fn a_reply_reaches_its_waiter_and_only_the_first_one_does() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        let mut waiter = waiters.register(id, "digest").expect("room");
        waiters.deliver(reply(id, "digest"));
        waiters.deliver(reply(id, "digest"));

        assert_eq!(waiter.reply().await.expect("a reply").id, id);
        assert_eq!(waiters.in_flight(), 0);
        assert_eq!(waiters.stats(), RequesterStats { replies: 1, duplicate: 1, ..Default::default() });
    }

    #[tokio::test]
    async fn a_reply_to_another_request_of_the_same_id_does_not_end_the_wait() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        let _waiter = waiters.register(id, "digest").expect("room");
        waiters.deliver(reply(id, "another digest"));

        assert_eq!(waiters.in_flight(), 1);
        assert_eq!(waiters.stats(), RequesterStats { mismatched: 1, ..Default::default() });
    }

    #[test]
    fn a_reply_after_the_wait_is_late_and_one_to_nobody_is_unknown() {
        let (waiters, id) = (table(10), Uuid::now_v7());
        drop(waiters.register(id, "digest").expect("room"));
        waiters.deliver(reply(id, "digest"));
        waiters.deliver(reply(Uuid::now_v7(), "digest"));

        assert_eq!(waiters.in_flight(), 0);
        assert_eq!(waiters.stats(), RequesterStats { late: 1, unknown: 1, ..Default::default() });
    }

    #[test]
    fn the_table_is_bounded_and_an_id_waits_once() {
        let (waiters, id) = (table(2), Uuid::now_v7());
        let _first = waiters.register(id, "digest").expect("room");
        assert!(matches!(waiters.register(id, "digest"), Err(CallError::DuplicateId)));
        let _second = waiters.register(Uuid::now_v7(), "digest").expect("room");
        assert!(matches!(waiters.register(Uuid::now_v7(), "digest"), Err(CallError::TooManyInFlight { limit: 2 })));
        assert_eq!(waiters.stats().refused, 1);
    }

    #[tokio::test]
    async fn at_the_end_all_waiters_are_told_and_new_ones_refused() {
        let waiters = table(10);
        let mut waiter = waiters.register(Uuid::now_v7(), "digest").expect("room");
        waiters.refuse_new();
        assert!(matches!(waiters.register(Uuid::now_v7(), "digest"), Err(CallError::ShuttingDown)));

        waiters.fail_all();
        waiters.emptied().await;
        assert!(matches!(waiter.reply().await, Err(CallError::ShuttingDown)));
    }

    #[test]
    fn memory_of_ended_calls_is_bounded() {
        let waiters = table(10);
        for _ in 0..REMEMBERED + 10 {
            drop(waiters.register(Uuid::now_v7(), "digest").expect("room"));
        }
        let table = waiters.lock();
        assert_eq!((table.ended.order.len(), table.ended.endings.len()), (REMEMBERED, REMEMBERED));
    }
}

//! The answers that this gateway gave, kept until they are readable in the log.
//!
//! A worker replies before it logs, and may log in batches: so the caller can ask for an operation that it has the answer of,
//! and the log does not know it yet. The gateway that gave the answer does.
//!
//! What is kept is bounded in age and in bytes. An answer takes a lock for a few map operations, nothing more, and makes at
//! most as much room as it takes, but for two further answers that are too old: so the table shrinks again as well. Without
//! traffic it stays as it is, within its bound, and what is too old is not told any more.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use compute_proto::v1;
use prost::Message as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::digest::Digest;

/// How long an answer is kept: much longer than a worker waits to fill a batch.
const MAX_AGE: Duration = Duration::from_secs(60);

/// How many answers that are too old go with each that comes.
const AGED_AT_ONCE: usize = 2;

/// The bytes of an answer beside those on the heap: its places in the map, which is up to half empty, and in the queue.
const FIXED_BYTES: usize = 2 * size_of::<(Uuid, Entry)>() + 2 * size_of::<(Uuid, Instant)>();

/// An answer, for those who repeat the call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// What is known of the operation; what the id, the tenant and the digest tell is left out.
    pub(crate) operation: v1::Operation,
    /// The digest of its request.
    pub(crate) digest: Digest,
}

/// The answers kept, and who waits for one.
#[derive(Debug)]
pub(crate) struct Answers {
    max_bytes: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By the id alone. Two tenants may choose the same one: then the later answer is kept.
    kept: HashMap<Uuid, Entry>,
    /// In the order in which they came. An answer that was replaced has another time in `kept`.
    order: VecDeque<(Uuid, Instant)>,
    bytes: usize,
    /// Who waits here for an answer to come.
    waiting: HashMap<Uuid, Waiting>,
}

#[derive(Debug)]
struct Entry {
    tenant: Option<Box<str>>,
    digest: Digest,
    /// The operation as Protocol Buffers: a small part of its size as a struct.
    operation: Box<[u8]>,
    since: Instant,
}

#[derive(Debug)]
struct Waiting {
    watches: usize,
    notify: Arc<Notify>,
}

impl Entry {
    fn bytes(&self) -> usize {
        FIXED_BYTES + self.operation.len() + self.tenant.as_deref().map_or(0, str::len)
    }
}

impl Table {
    fn remove_oldest(&mut self) {
        let Some((id, since)) = self.order.pop_front() else { return };
        if self.kept.get(&id).is_some_and(|entry| entry.since == since) {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(entry) = self.kept.remove(&id) {
            self.bytes -= entry.bytes();
        }
    }
}

impl Answers {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, table: Mutex::default() }
    }

    /// Keeps an answer, and wakes who waits for it.
    pub(crate) fn keep(&self, id: Uuid, tenant: Option<&str>, answer: &Answer) {
        let (operation, since) = (answer.operation.encode_to_vec().into_boxed_slice(), Instant::now());
        let entry = Entry { tenant: tenant.map(Box::from), digest: answer.digest, operation, since };
        let bytes = entry.bytes();
        let mut table = self.lock();
        for _ in 0..AGED_AT_ONCE {
            let is_aged = table.order.front().is_some_and(|(_, since)| since.elapsed() > MAX_AGE);
            if is_aged {
                table.remove_oldest();
            }
        }
        table.remove(id);
        while !table.order.is_empty() && table.bytes + bytes > self.max_bytes {
            table.remove_oldest();
        }
        if bytes <= self.max_bytes {
            table.bytes += bytes;
            table.order.push_back((id, since));
            table.kept.insert(id, entry);
        }
        if let Some(waiting) = table.waiting.get(&id) {
            waiting.notify.notify_waiters();
        }
    }

    /// The answer that this tenant was given, if it is kept.
    pub(crate) fn get(&self, id: Uuid, tenant: Option<&str>) -> Option<Answer> {
        let (operation, digest) = {
            let table = self.lock();
            let entry = table.kept.get(&id)?;
            let is_told = entry.tenant.as_deref() == tenant && entry.since.elapsed() <= MAX_AGE;
            is_told.then(|| (entry.operation.clone(), entry.digest))?
        };
        let operation = v1::Operation::decode(&*operation).ok()?;
        Some(Answer { operation, digest })
    }

    /// Watches for the answer to an operation, whoever's it is.
    pub(crate) fn watch(&self, id: Uuid) -> Watch<'_> {
        let mut table = self.lock();
        let new = || Waiting { watches: 0, notify: Arc::default() };
        let waiting = table.waiting.entry(id).or_insert_with(new);
        waiting.watches += 1;
        Watch { answers: self, id, notify: waiting.notify.clone() }
    }

    /// How many answers are kept, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let table = self.lock();
        (table.kept.len(), table.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("no code panics while it holds the lock")
    }
}

/// Somebody who waits for an answer.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    answers: &'a Answers,
    id: Uuid,
    notify: Arc<Notify>,
}

impl Watch<'_> {
    /// Done when the answer is kept after this was called, polled or not.
    pub(crate) fn answered(&self) -> impl Future<Output = ()> + Send {
        self.notify.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut table = self.answers.lock();
        if let Some(waiting) = table.waiting.get_mut(&self.id) {
            waiting.watches -= 1;
            if waiting.watches == 0 {
                table.waiting.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn answer(worker: &str) -> Answer {
        let operation = v1::Operation { worker: worker.to_owned(), done: true, ..Default::default() };
        Answer { operation, digest: Digest::of(worker.as_bytes()) }
    }

    fn ids(count: usize) -> Vec<Uuid> {
        (0..count).map(|_| Uuid::now_v7()).collect()
    }

    #[tokio::test]
    async fn an_answer_is_told_to_its_tenant_alone() {
        let (answers, id) = (Answers::new(1 << 20), Uuid::now_v7());
        answers.keep(id, Some("acme"), &answer("w"));
        assert_eq!(answers.get(id, Some("acme")), Some(answer("w")));
        assert_eq!((answers.get(id, None), answers.get(id, Some("other"))), (None, None));
        assert_eq!(answers.get(Uuid::now_v7(), Some("acme")), None);
    }

    #[tokio::test]
    async fn the_oldest_answers_make_room_and_the_bytes_stay_within_the_bound() {
        let (one, ids) = (FIXED_BYTES + answer("w").operation.encoded_len(), ids(100));
        let answers = Answers::new(10 * one);
        for id in &ids {
            answers.keep(*id, None, &answer("w"));
            assert!(answers.size().1 <= 10 * one);
        }
        let kept: Vec<_> = ids.iter().filter(|id| answers.get(**id, None).is_some()).collect();
        assert_eq!(kept, ids[90..].iter().collect::<Vec<_>>());
        // One that needs all the room gets it, one that needs more is not kept.
        answers.keep(ids[0], None, &answer(&"w".repeat(9 * one)));
        assert_eq!(answers.size().0, 1);
        answers.keep(ids[1], None, &answer(&"w".repeat(10 * one)));
        assert_eq!(answers.size(), (0, 0));
        Answers::new(0).keep(ids[0], None, &answer("w"));
    }

    #[tokio::test]
    async fn a_later_answer_takes_the_place_of_one_of_the_same_id() {
        let (answers, id) = (Answers::new(1 << 20), Uuid::now_v7());
        answers.keep(id, None, &answer("first"));
        let first = answers.size();
        answers.keep(id, None, &answer("again"));
        assert_eq!((answers.size(), answers.get(id, None)), (first, Some(answer("again"))));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_forgotten_after_a_minute_and_its_room_is_given_back() {
        let (answers, ids) = (Answers::new(1 << 20), ids(10));
        for id in &ids {
            answers.keep(*id, None, &answer("w"));
        }
        // The same id again: its first place in the queue is not to take the second answer along.
        tokio::time::advance(MAX_AGE).await;
        answers.keep(ids[0], None, &answer("again"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(answers.get(ids[9], None), None);
        for id in self::ids(10) {
            answers.keep(id, None, &answer("w"));
        }
        assert_eq!((answers.size().0, answers.get(ids[0], None)), (11, Some(answer("again"))));
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_its_answer_and_leaves_nothing() {
        let (answers, id) = (Answers::new(1 << 20), Uuid::now_v7());
        {
            let (first, second) = (answers.watch(id), answers.watch(id));
            let (first, second, late) = (first.answered(), second.answered(), answers.watch(id));
            answers.keep(Uuid::now_v7(), None, &answer("another"));
            assert_eq!(first.now_or_never(), None);
            answers.keep(id, None, &answer("w"));
            assert_eq!((second.now_or_never(), late.answered().now_or_never()), (Some(()), None));
        }
        assert!(answers.lock().waiting.is_empty());
    }
}

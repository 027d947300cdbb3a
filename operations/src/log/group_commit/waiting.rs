//! The records that wait for a PUT, and whose turn it is.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::time::Instant;

use super::{BatchLimits, Entry};

/// How many bytes of records a batch has at most, uncompressed. One record may have more.
const MAX_BYTES: usize = 4 << 20;

/// Records of one tenant.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) tenant: Option<String>,
    pub(super) entries: Vec<Entry>,
    bytes: usize,
    due: Instant,
}

/// All records that wait.
#[derive(Debug)]
pub(super) struct Waiting {
    limits: BatchLimits,
    is_hurried: bool,
    /// Those with no room for another record, the oldest first.
    full: VecDeque<Batch>,
    /// One batch a tenant, by the order they were begun in, which is that in which they are due.
    filling: BTreeMap<u64, Batch>,
    by_tenant: HashMap<Option<String>, u64>,
    begun: u64,
    /// In all batches together.
    records: usize,
}

impl Waiting {
    pub(super) fn new(limits: BatchLimits) -> Self {
        let (full, filling, by_tenant) = Default::default();
        Self { limits, is_hurried: false, full, filling, by_tenant, begun: 0, records: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Makes everything due at once, also what is added later.
    pub(super) fn hurry(&mut self) {
        self.is_hurried = true;
    }

    pub(super) fn add(&mut self, entry: Entry, now: Instant) {
        let size = entry.line.json.len() + 1;
        if let Some(&number) = self.by_tenant.get(&entry.tenant)
            && self.filling.get(&number).is_some_and(|batch| batch.bytes + size > MAX_BYTES)
        {
            let full = self.remove(number);
            self.full.extend(full);
        }
        let begun = &mut self.begun;
        let number = *self.by_tenant.entry(entry.tenant.clone()).or_insert_with(|| {
            *begun += 1;
            *begun
        });
        let due = now + self.limits.flush_interval;
        let new = || Batch { tenant: entry.tenant.clone(), entries: Vec::new(), bytes: 0, due };
        let batch = self.filling.entry(number).or_insert_with(new);
        batch.bytes += size;
        batch.entries.push(entry);
        self.records += 1;
    }

    /// Takes the batch whose turn it is: one that is full, or else the oldest if it has waited long enough, or else the one
    /// with the most records if too many wait.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Batch> {
        let batch = match self.full.pop_front() {
            Some(full) => full,
            None => {
                let (&oldest, batch) = self.filling.first_key_value()?;
                if self.is_hurried || batch.due <= now {
                    self.remove(oldest)?
                } else if self.records >= self.limits.max_records {
                    let (&fullest, _) = self.filling.iter().max_by_key(|(_, batch)| batch.entries.len())?;
                    self.remove(fullest)?
                } else {
                    return None;
                }
            }
        };
        self.records -= batch.entries.len();
        Some(batch)
    }

    /// When the next batch has waited long enough.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.filling.first_key_value().map(|(_, batch)| batch.due)
    }

    fn remove(&mut self, number: u64) -> Option<Batch> {
        let batch = self.filling.remove(&number)?;
        self.by_tenant.remove(&batch.tenant);
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::log::batch::Line;

    const INTERVAL: Duration = Duration::from_secs(1);

    fn waiting(max_records: usize) -> Waiting {
        Waiting::new(BatchLimits { flush_interval: INTERVAL, max_records })
    }

    fn entry(tenant: &str, bytes: usize) -> Entry {
        let line = Line { id: Uuid::now_v7(), json: vec![b'x'; bytes].into() };
        Entry { tenant: Some(tenant.to_owned()), line, span: tracing::Span::none(), done: oneshot::channel().0 }
    }

    fn sizes(waiting: &mut Waiting, now: Instant) -> Vec<(String, usize)> {
        let due = std::iter::from_fn(|| waiting.take_due(now));
        due.map(|batch| (batch.tenant.unwrap_or_default(), batch.entries.len())).collect()
    }

    #[test]
    fn a_record_waits_for_others_until_the_oldest_has_waited_for_the_interval() {
        let (mut waiting, start) = (waiting(100), Instant::now());
        waiting.add(entry("a", 10), start);
        waiting.add(entry("b", 10), start + INTERVAL / 2);
        waiting.add(entry("a", 10), start + INTERVAL / 2);
        assert_eq!(waiting.next_due(), Some(start + INTERVAL));
        assert_eq!(sizes(&mut waiting, start + INTERVAL - Duration::from_millis(1)), []);
        assert_eq!(sizes(&mut waiting, start + INTERVAL), [("a".to_owned(), 2)], "a batch is of one tenant");
        assert_eq!(sizes(&mut waiting, start + INTERVAL * 2), [("b".to_owned(), 1)]);
        assert!(waiting.is_empty() && waiting.next_due().is_none());
    }

    #[test]
    fn when_too_many_wait_the_largest_batch_goes_at_once() {
        let (mut waiting, start) = (waiting(5), Instant::now());
        for tenant in ["a", "b", "b", "c"] {
            waiting.add(entry(tenant, 10), start);
        }
        assert_eq!(sizes(&mut waiting, start), []);
        waiting.add(entry("c", 10), start);
        waiting.add(entry("c", 10), start);
        assert_eq!(sizes(&mut waiting, start), [("c".to_owned(), 3)], "the others are few again");
    }

    #[test]
    fn a_batch_of_four_mebibytes_is_full() {
        let (mut waiting, start) = (waiting(100), Instant::now());
        for _ in 0..5 {
            waiting.add(entry("a", MAX_BYTES / 2 - 1), start);
        }
        waiting.add(entry("b", MAX_BYTES * 2), start);
        waiting.add(entry("b", 1), start);
        let expected = [("a", 2), ("a", 2), ("b", 1)].map(|(tenant, records)| (tenant.to_owned(), records));
        assert_eq!(sizes(&mut waiting, start), expected);
        waiting.hurry();
        assert_eq!(sizes(&mut waiting, start).len(), 2, "in a hurry nothing waits");
        assert!(waiting.is_empty());
    }
}

//! Writes records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use compute_process::histogram::{Buckets, Histogram};
use uuid::Uuid;

use crate::bucket::{Bucket, Content, Created};
use crate::key;
use crate::log::LogError;
use crate::log::clock::{self, DAY, LOOK_AHEAD, SPREAD};
use crate::log::group_commit::{BatchLimits, GroupCommit};
use crate::record::Record;

/// How records are put into the bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogMode {
    /// Each in an object of its own: one PUT an operation, readable at once.
    #[default]
    Object,
    /// Many in one compressed object: at full load 0.004 PUTs an operation, readable after the flush interval.
    Batch,
}

/// Writes the records of operations. Clones write together.
#[derive(Debug, Clone)]
pub struct LogWriter {
    bucket: Bucket,
    /// None: each record gets an object of its own.
    batches: Option<GroupCommit>,
    counters: Arc<Counters>,
}

/// What a [`LogWriter`] has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Records that are durable.
    pub records: u64,
    /// Batches that hold some of them.
    pub batches: u64,
    /// PUTs that were tried, not counting those that the SDK repeats by itself.
    pub puts: u64,
}

/// The records of a batch: from one, which batches are not for, to the most that a worker with the largest settings commits at
/// once; by default a full one has 258.
const BATCH_SIZES: [f64; 9] = [1.0, 3.0, 10.0, 30.0, 100.0, 250.0, 500.0, 1_000.0, 5_000.0];

#[derive(Debug)]
pub(super) struct Counters {
    records: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) puts: AtomicU64,
    pub(super) batch_sizes: Histogram,
}

impl Default for Counters {
    fn default() -> Self {
        let [records, batches, puts] = Default::default();
        Self { records, batches, puts, batch_sizes: Histogram::new(&BATCH_SIZES) }
    }
}

impl LogWriter {
    /// Writes each record to an object of its own.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, batches: None, counters: Arc::default() }
    }

    /// Writes many records to one object. To be called on a Tokio runtime, on which batches are put.
    pub fn batching(bucket: Bucket, limits: BatchLimits) -> Self {
        let counters = Arc::default();
        let batches = GroupCommit::start(bucket.clone(), limits, Arc::clone(&counters));
        Self { bucket, batches: Some(batches), counters }
    }

    /// The bucket it writes to.
    pub fn bucket(&self) -> &str {
        self.bucket.name()
    }

    /// What was done so far.
    pub fn stats(&self) -> LogStats {
        let Counters { records, batches, puts, .. } = &*self.counters;
        let [records, batches, puts] = [records, batches, puts].map(|counter| counter.load(Ordering::Relaxed));
        LogStats { records, batches, puts }
    }

    /// How many records batches had.
    pub fn batch_sizes(&self) -> Buckets {
        self.counters.batch_sizes.buckets()
    }

    /// Writes a record, and returns when it is durable. If there is one of the operation already, an earlier delivery of the
    /// same request has written the same: that one stays, and readers see it.
    ///
    /// # Errors
    ///
    /// See [`LogError`]. With batches an error is that of all records of the batch.
    pub async fn write(&self, record: &Record) -> Result<(), LogError> {
        match &self.batches {
            Some(batches) if is_for_a_batch(record.id) => {
                key::check(record.tenant.as_deref(), record.id)?;
                batches.commit(record).await?;
            }
            _ => {
                let key = key::record(record.tenant.as_deref(), record.id)?;
                if self.create(&key, record).await? == Created::Existed {
                    tracing::debug!(key, "logged before");
                }
            }
        }
        self.counters.records.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Has no record wait for others from now on: for a stop.
    pub fn flush_at_once(&self) {
        if let Some(batches) = &self.batches {
            batches.hurry();
        }
    }

    /// Writes the mark of an operation that is about to be worked for the last time, see [`Record::dead_mark`]: always an
    /// object of its own, whatever the mode. Readers show it as long as there is no record of the operation.
    ///
    /// # Errors
    ///
    /// See [`LogError`].
    pub async fn mark_dead(&self, mark: &Record) -> Result<(), LogError> {
        self.create(&key::dead_mark(mark.tenant.as_deref(), mark.id)?, mark).await?;
        Ok(())
    }

    async fn create(&self, key: &str, record: &Record) -> Result<Created, LogError> {
        self.counters.puts.fetch_add(1, Ordering::Relaxed);
        Ok(self.bucket.create(key, Content::JSON, record.to_json().into()).await?)
    }
}

/// Whether those who look for the operation among the batches would find it there. A day's margin is for clocks, and for the
/// time until the batch is put. An id far ahead of the clock would carry all others of its batch away from where they are
/// looked for.
fn is_for_a_batch(id: Uuid) -> bool {
    let now = clock::unix_ms();
    key::milliseconds(id).is_ok_and(|made| made <= now + SPREAD && made + LOOK_AHEAD >= now + DAY)
}

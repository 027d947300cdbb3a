//! Commits the records of many operations with one PUT.
//!
//! A record waits for others of its tenant until the oldest of them has waited for the flush interval, until there are 4 MiB
//! of them, or until so many wait, of all tenants together, that the worker would otherwise soon stop receiving. While as many
//! PUTs are under way as may be, batches go on filling.

mod waiting;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use self::waiting::{Batch, Waiting};
use crate::bucket::{Bucket, Created};
use crate::key::{self, BatchName};
use crate::log::LogError;
use crate::log::batch::{self, Line};
use crate::log::clock::{self, PUT_TIME};
use crate::log::writer::Counters;
use crate::record::Record;

/// How many PUTs are under way at most, whatever the number of tenants.
const PUTS_AT_ONCE: usize = 16;

/// How many names are tried for a batch. One that is taken is that of the batch itself, whose PUT was answered with an error
/// though it had succeeded; the next millisecond is free.
const NAMES: u32 = 5;

/// When records that wait for others are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// How long the oldest record of a batch waits at most. A record is found in the log so much later.
    pub flush_interval: Duration,
    /// How many records wait at most, of all tenants together: at least 1.
    pub max_records: usize,
}

impl BatchLimits {
    /// For a worker that keeps at most `unsettled` operations which are not logged and deleted yet.
    ///
    /// A quarter of them fills a batch: one batch fills while another is put and the messages of a third are deleted, and the
    /// worker never waits for the flush interval. By default, with 1,032 operations, that makes 258 records a batch: less than
    /// 0.004 PUTs an operation, if they are of one tenant.
    pub fn new(flush_interval: Duration, unsettled: usize) -> Self {
        Self { flush_interval, max_records: (unsettled / 4).max(1) }
    }
}

/// Hands records to the task that commits them. That task ends with the last clone.
#[derive(Debug, Clone)]
pub(super) struct GroupCommit {
    commands: mpsc::UnboundedSender<Command>,
}

#[derive(Debug)]
enum Command {
    Add(Entry),
    /// From now on nothing waits for others.
    Hurry,
}

/// A record that waits.
#[derive(Debug)]
struct Entry {
    tenant: Option<String>,
    line: Line,
    /// The span that it was written in, which lasts until it is durable.
    span: Span,
    done: oneshot::Sender<Result<(), LogError>>,
}

impl GroupCommit {
    /// Starts the task, on the runtime this is called on.
    pub(super) fn start(bucket: Bucket, limits: BatchLimits, counters: Arc<Counters>) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        tokio::spawn(dispatch(bucket, limits, counters, received));
        Self { commands }
    }

    /// Returns when the batch that holds the record is durable.
    pub(super) async fn commit(&self, record: &Record) -> Result<(), LogError> {
        let (done, result) = oneshot::channel();
        let line = Line { id: record.id, json: record.to_json().into() };
        let entry = Entry { tenant: record.tenant.clone(), line, span: Span::current(), done };
        self.commands.send(Command::Add(entry)).map_err(|_| LogError::Ended)?;
        result.await.unwrap_or(Err(LogError::Ended))
    }

    /// Has nothing wait for others from now on.
    pub(super) fn hurry(&self) {
        // If the task has ended nothing waits.
        let _ = self.commands.send(Command::Hurry);
    }
}

async fn dispatch(
    bucket: Bucket,
    limits: BatchLimits,
    counters: Arc<Counters>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let mut waiting = Waiting::new(limits);
    let mut puts = JoinSet::new();
    let mut is_open = true;
    while is_open || !waiting.is_empty() || !puts.is_empty() {
        while puts.len() < PUTS_AT_ONCE
            && let Some(batch) = waiting.take_due(Instant::now())
        {
            puts.spawn(commit(bucket.clone(), batch, counters.clone()));
        }
        let next_due = waiting.next_due().filter(|_| puts.len() < PUTS_AT_ONCE);
        tokio::select! {
            command = commands.recv(), if is_open => match command {
                Some(Command::Add(entry)) => waiting.add(entry, Instant::now()),
                Some(Command::Hurry) => waiting.hurry(),
                None => {
                    is_open = false;
                    waiting.hurry();
                }
            },
            // The waiters of one that panicked have learned it already.
            Some(_) = puts.join_next(), if !puts.is_empty() => {}
            () = tokio::time::sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {}
        }
    }
}

/// Commits a batch, and tells those who wait for it.
async fn commit(bucket: Bucket, batch: Batch, counters: Arc<Counters>) {
    // It belongs to many traces, so it is a child of none.
    let span = tracing::trace_span!(parent: None, "log batch", otel.kind = "internal", records = batch.entries.len());
    for entry in &batch.entries {
        span.follows_from(&entry.span);
    }
    let (lines, waiters): (Vec<_>, Vec<_>) = batch.entries.into_iter().map(|entry| (entry.line, entry.done)).unzip();
    let result = put(&bucket, batch.tenant.as_deref(), lines, &counters).instrument(span).await;
    for waiter in waiters {
        // One that has left in the meantime does not matter: its message comes again.
        let _ = waiter.send(result.clone());
    }
}

async fn put(bucket: &Bucket, tenant: Option<&str>, mut lines: Vec<Line>, counters: &Counters) -> Result<(), LogError> {
    lines.sort_by_key(|line| line.id);
    // Two deliveries of one request.
    lines.dedup_by_key(|line| line.id);
    let id = |line: Option<&Line>| line.map_or(Uuid::nil(), |line| line.id);
    let (smallest, largest) = (id(lines.first()), id(lines.last()));
    let (newest, size) = (key::milliseconds(largest)?, lines.len());
    let content = batch::encode(lines).await;
    let (mut key, mut committed) = (String::new(), 0);
    for _ in 0..NAMES {
        let now = clock::unix_ms();
        committed = now.max(newest).max(committed + 1);
        key = BatchName::new(committed, smallest, largest).key(tenant)?;
        counters.puts.fetch_add(1, Ordering::Relaxed);
        let created = bucket.create(&key, batch::CONTENT, content.clone()).await?;
        // Readers do not look for it any more where it stands if that took too long.
        if created == Created::New && clock::unix_ms() <= now + PUT_TIME {
            counters.batches.fetch_add(1, Ordering::Relaxed);
            counters.batch_sizes.observe(size as f64);
            return Ok(());
        }
    }
    Err(LogError::Content { key, reason: "there was one of its name, or writing it took too long".to_owned() })
}

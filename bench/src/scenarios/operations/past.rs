//! A log of operations that never were, as workers would have written it over some days.
//!
//! Batches are written by the documented form of their names and content, with no code of the system's, since only so can they
//! be of days that are over.

use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use compute_operations::Bucket;
use compute_operations::log::LogWriter;
use compute_operations::record::{LogValues, Operation, Record, Times};
use compute_proto::COMPUTE_METHOD;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::BoxError;
use crate::question::Question;
use crate::store::Store;
use crate::system::{LOG_BUCKET, System};

/// How many workers have written at the same time: their batches overlap.
const WRITERS: usize = 4;

/// How long operations come one after the other, before there are none for a while: the flush interval of a worker.
const BURST_MS: u64 = 1_000;

/// One of so many records is repeated in the next burst, as after a redelivery.
const REPEATED: u64 = 100;

/// The first number of the 13 digits that count down in the name of a batch.
const COUNTDOWN: u64 = 9_999_999_999_999;

/// How many objects are written at once.
const WRITES_AT_ONCE: usize = 64;

/// How the past was logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// One object an operation
    Object,
    /// Many operations an object
    Batch,
    /// Both, at the same time: one of four workers writes one object an operation
    Mixed,
}

/// What the past is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) records: u64,
    pub(super) batches: u64,
    pub(super) days: u64,
    pub(super) seed: u64,
}

/// The operations of the past: the number of each one's question, by id.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) operations: BTreeMap<Uuid, u64>,
    /// When the first operation was made, in Unix milliseconds.
    pub(super) start: u64,
    /// When the last one was made, or a little later.
    pub(super) end: u64,
    /// How many objects have been written.
    pub(super) objects: usize,
}

/// What a worker has written in one burst.
#[derive(Debug, Default)]
struct Share(Vec<(Uuid, u64)>);

impl Layout {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Batch => "batch",
            Self::Mixed => "mixed",
        }
    }

    fn is_batched(self, writer: usize) -> bool {
        match self {
            Self::Object => false,
            Self::Batch => true,
            Self::Mixed => writer > 0,
        }
    }
}

impl Past {
    /// Writes a past that ends a minute ago.
    pub(super) async fn write(system: &System, layout: Layout, shape: Shape) -> Result<Self, BoxError> {
        let (writer, store) =
            (LogWriter::new(Bucket::open(&system.aws(), LOG_BUCKET).await?), Store::new(&system.aws(), LOG_BUCKET));
        let (mut past, shares) = Self::make(shape);
        let (mut records, mut batches) = (Vec::new(), Vec::new());
        for (number, share) in shares.into_iter().enumerate() {
            if layout.is_batched(number % WRITERS) { batches.push(share) } else { records.extend(share.0) }
        }
        past.objects = batches.len() + records.len();
        tracing::info!(records = records.len(), batches = batches.len(), "writing the past");
        let writes = records.into_iter().map(|(id, number)| {
            let writer = writer.clone();
            async move { Ok::<_, BoxError>(writer.write(&record(id, number, shape.seed)).await?) }
        });
        stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
        let puts = batches.into_iter().filter(|share| !share.0.is_empty()).map(|share| {
            let store = store.clone();
            async move { store.put(&share.key()?, share.content(shape.seed)?).await }
        });
        stream::iter(puts).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
        Ok(past)
    }

    /// Ids in bursts, spread over the days, and what each writer has of each burst.
    fn make(shape: Shape) -> (Self, Vec<Share>) {
        let mut random = StdRng::seed_from_u64(shape.seed);
        let now = u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default() * 1000;
        let end = now - 60_000;
        let start = end - shape.days * 86_400_000;
        let bursts = (shape.batches / WRITERS as u64).max(1);
        let mut past = Self { start, end, ..Self::default() };
        let (mut shares, mut repeated) = (Vec::new(), Vec::new());
        for burst in 0..bursts {
            let begin = start + (end - BURST_MS - start) * burst / bursts.max(2);
            let mut of_writers: [Share; WRITERS] = Default::default();
            for again in std::mem::take(&mut repeated) {
                of_writers[random.random_range(0..WRITERS)].0.push(again);
            }
            for number in shape.records * burst / bursts..shape.records * (burst + 1) / bursts {
                let ms = begin + random.random_range(0..BURST_MS);
                let id = uuid::Builder::from_unix_timestamp_millis(ms, &random.random()).into_uuid();
                past.operations.insert(id, number);
                of_writers[random.random_range(0..WRITERS)].0.push((id, number));
                if number.is_multiple_of(REPEATED) {
                    repeated.push((id, number));
                }
            }
            for share in &mut of_writers {
                share.0.sort_unstable();
            }
            shares.extend(of_writers);
        }
        (past, shares)
    }

    /// The operations of a day, `YYYY-MM-DD`, or all, the newest first.
    pub(super) fn newest_first(&self, day: Option<&str>) -> Vec<Uuid> {
        let is_wanted = |id: &Uuid| day.is_none_or(|day| day_of(milliseconds(*id)) == day);
        self.operations.keys().rev().copied().filter(is_wanted).collect()
    }

    /// Every day that has operations.
    pub(super) fn days(&self) -> Vec<String> {
        let mut days: Vec<_> = self.operations.keys().map(|&id| day_of(milliseconds(id))).collect();
        days.dedup();
        days
    }
}

impl Share {
    /// `batches/tenant=-/dt=<day of the commit>/<countdown of the commit>-<smallest id>-<largest id>.ndjson.gz`
    fn key(&self) -> Result<String, BoxError> {
        let (Some((smallest, _)), Some((largest, _))) = (self.0.first(), self.0.last()) else {
            return Err("a batch without records".into());
        };
        // A little after the last operation, by the time that a batch waits and its PUT takes; another one for each batch.
        let commit = milliseconds(*largest) + 20 + u64::from(largest.as_bytes()[15]);
        let (day, left) = (day_of(commit), COUNTDOWN - commit);
        Ok(format!("batches/tenant=-/dt={day}/{left:013}-{}-{}.ndjson.gz", smallest.simple(), largest.simple()))
    }

    fn content(&self, seed: u64) -> Result<Bytes, BoxError> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        for &(id, number) in &self.0 {
            writeln!(gzip, "{}", record(id, number, seed).to_json())?;
        }
        Ok(gzip.finish()?.into())
    }
}

/// The Unix milliseconds in a UUIDv7.
pub(super) fn milliseconds(id: Uuid) -> u64 {
    id.as_u64_pair().0 >> 16
}

/// The day in UTC, `YYYY-MM-DD`.
pub(super) fn day_of(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).map(|time| time.date().to_string()).unwrap_or_default()
}

/// What a worker would have logged.
fn record(id: Uuid, number: u64, seed: u64) -> Record {
    let question = Question::new(seed, number);
    let sent = i64::try_from(milliseconds(id)).unwrap_or_default() + 1;
    let operation = Operation {
        id,
        tenant: None,
        method: COMPUTE_METHOD.to_owned(),
        times: Times {
            sent: Some(sent),
            first_received: Some(sent + 2),
            started: Some(sent + 2),
            finished: Some(sent + 3),
        },
        worker: "past".to_owned(),
        digest: format!("{number:064x}"),
    };
    Record::succeeded(operation, &question.request().values, question.answer(), LogValues::All)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { records: 3_000, batches: 40, days: 3, seed: 1 };

    #[test]
    fn every_operation_is_in_a_share_and_some_are_in_two() {
        let (past, shares) = Past::make(SHAPE);
        assert_eq!((past.operations.len(), shares.len()), (3_000, 40));
        let mut written: Vec<_> = shares.iter().flat_map(|share| &share.0).map(|(id, _)| *id).collect();
        // Those of the last burst have no next one to be repeated in.
        assert_eq!(written.len(), 3_000 + 27);
        written.sort_unstable();
        written.dedup();
        assert!(written.iter().eq(past.operations.keys()));
    }

    #[test]
    fn the_past_fills_its_days_and_no_other() {
        let (past, _) = Past::make(SHAPE);
        let ids = past.newest_first(None);
        assert!(ids.is_sorted_by(|one, next| one > next));
        assert!(ids.iter().all(|&id| (past.start..past.end).contains(&milliseconds(id))));
        let days = past.days();
        assert!((3..=4).contains(&days.len()), "{days:?}");
        assert_eq!(days.iter().map(|day| past.newest_first(Some(day)).len()).sum::<usize>(), ids.len());
    }

    #[test]
    fn the_names_of_batches_are_those_that_are_documented() {
        let ids = ["0197a1c2-d3e4-7f56-8123-456789abcd00", "0197a1c2-d3e5-7f56-8123-456789abcd01"];
        let share = Share(ids.map(|id| (Uuid::parse_str(id).expect("a UUID"), 1)).into());
        assert_eq!(
            share.key().expect("it has records"),
            "batches/tenant=-/dt=2025-06-24/8249234410501-0197a1c2d3e47f568123456789abcd00-0197a1c2d3e57f568123456789abcd01.ndjson.gz"
        );
    }
}

//! How calls are made to come: at a rate that does not care for the answers, or as fast as so many callers get them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::tally::SharedTally;

/// The wait for calls under way at the end of a load. They end by their deadline; this is a bound on the scenario.
const STRAGGLERS: Duration = Duration::from_secs(1_200);

/// Starts calls at a fixed rate until `end`, however long earlier ones take (an open loop), then waits for those under way.
/// Each is told its number and when it was due: a generator that falls behind makes its calls late, and their times include
/// that, so that a slow system cannot hide behind a slow load.
pub(crate) async fn at_rate<F>(per_second: f64, end: impl Future<Output = ()>, call: impl Fn(u64, Instant) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (calls, start, mut end) = (TaskTracker::new(), Instant::now(), pin!(end));
    for number in 0.. {
        let due = start + Duration::from_secs_f64(number as f64 / per_second);
        tokio::select! {
            biased;
            () = &mut end => break,
            () = tokio::time::sleep_until(due) => {}
        }
        calls.spawn(call(number, due));
    }
    finish(&calls).await;
}

/// Has `callers` make `count` calls, each one after the other (a closed loop).
pub(crate) async fn by_callers<F>(callers: u64, count: u64, call: impl Fn(u64) -> F + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (next, call, tasks) = (Arc::new(AtomicU64::new(0)), Arc::new(call), TaskTracker::new());
    for _ in 0..callers.min(count) {
        let (next, call) = (next.clone(), call.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                call(number).await;
            }
        });
    }
    finish(&tasks).await;
}

async fn finish(tasks: &TaskTracker) {
    tasks.close();
    if tokio::time::timeout(STRAGGLERS, tasks.wait()).await.is_err() {
        tracing::error!(calls = tasks.len(), "calls have not ended");
    }
}

/// Runs `work` while telling every few seconds how many calls have ended.
pub(crate) async fn with_progress<T>(what: &str, tally: &SharedTally, work: impl Future<Output = T>) -> T {
    const INTERVAL: Duration = Duration::from_secs(5);
    let progress = async {
        let mut last = 0;
        loop {
            tokio::time::sleep(INTERVAL).await;
            let ended = tally.ended();
            tracing::info!(ended, per_second = (ended - last) / INTERVAL.as_secs(), "{what}");
            last = ended;
        }
    };
    tokio::select! {
        result = work => result,
        () = progress => unreachable!("it never ends"),
    }
}

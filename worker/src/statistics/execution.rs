//! With which instructions and on how many threads statistics are computed.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use super::Kernel;

/// Fewest values that a further thread is started for: some hundred microseconds of work for some ten to start it.
const MIN_PART: usize = 1 << 18;

/// How to compute. It makes no difference to the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execution {
    /// The version of the inner loop.
    pub kernel: Kernel,
    /// Most threads to work on one list, the caller's among them. Lists below some 500,000 values are worked by the caller's alone.
    pub threads: NonZero<usize>,
}

impl Execution {
    /// The best kernel of this machine, on all its processors.
    pub fn best() -> Self {
        static BEST: LazyLock<Execution> = LazyLock::new(|| Execution {
            kernel: Kernel::best(),
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        });
        *BEST
    }

    /// Does the work for each of some parts of the values, which make up the whole, at the same time.
    pub(super) fn in_parts<T: Send>(self, values: &[i64], work: impl Fn(&[i64]) -> T + Sync) -> Vec<T> {
        let parts = self.threads.get().min(values.len() / MIN_PART).max(1);
        if parts == 1 {
            return vec![work(values)];
        }
        let mut parts = values.chunks(values.len().div_ceil(parts));
        let first = parts.next().unwrap_or_default();
        thread::scope(|scope| {
            let work = &work;
            // A thread that cannot be started is one less to work.
            let others: Vec<_> = parts
                .map(|part| thread::Builder::new().spawn_scoped(scope, move || work(part)).map_err(|_| part))
                .collect();
            let mut done = vec![work(first)];
            done.extend(others.into_iter().map(|other| match other {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                Err(part) => work(part),
            }));
            done
        })
    }
}

impl Default for Execution {
    fn default() -> Self {
        Self::best()
    }
}

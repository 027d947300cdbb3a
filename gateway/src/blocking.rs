//! When JSON is to be written and read off the threads that serve all calls.

use compute_process::blocking::off_thread;

/// JSON of so many bytes. Below, it takes well under a millisecond, and a hop to another thread is not worth it.
pub(crate) const LARGE: usize = 64 * 1024;

/// Does the work here, or on a thread for blocking work.
pub(crate) async fn off_thread_if<T: Send + 'static>(is_large: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if is_large { off_thread(work).await } else { work() }
}

//! Work that takes long enough to be in the way of other calls.

use std::panic::resume_unwind;

/// JSON from this size on, in bytes, is written and read off the threads that serve all calls. Below, that takes well under a
/// millisecond, and a hop to another thread is not worth it.
pub(crate) const LARGE: usize = 64 * 1024;

/// Does the work here, or on a thread for blocking work.
pub(crate) async fn off_thread_if<T: Send + 'static>(is_large: bool, work: impl FnOnce() -> T + Send + 'static) -> T {
    if !is_large {
        return work();
    }
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is going down, and this task with it.
            Err(_cancelled) => std::future::pending().await,
        },
    }
}

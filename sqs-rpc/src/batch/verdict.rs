//! What became of an entry, for the one who submitted it.
//!
//! A call is told by its reply that its request was sent, and only has to learn when it could not be. To wake its task for the
//! good news, once a call, would cost more than the sending itself. So this is no `oneshot`: whoever wants to hear of failures
//! alone is not woken by a success.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::SubmitError;
use crate::queue::QueueError;

type Outcome = Result<(), SubmitError>;

#[derive(Debug, Default)]
struct Shared {
    outcome: OnceLock<Outcome>,
    waker: AtomicWaker,
    /// Success is not told.
    only_failures: AtomicBool,
}

/// The side that gives the verdict. Dropped without one, it says that nothing was done because of a shutdown.
#[derive(Debug)]
pub(super) struct Verdict(Arc<Shared>);

/// What becomes of an entry that was submitted. It holds nothing of the entry. Dropping it before the entry is sent takes that
/// back.
#[derive(Debug)]
pub(crate) struct Submitted(Arc<Shared>);

pub(super) fn channel() -> (Verdict, Submitted) {
    let shared = Arc::<Shared>::default();
    (Verdict(shared.clone()), Submitted(shared))
}

impl Verdict {
    /// Whether the one who submitted the entry has left.
    pub(super) fn is_unwanted(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(super) fn give(self, result: Result<(), QueueError>) {
        self.0.settle(result.map_err(SubmitError::Queue));
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        self.0.settle(Err(SubmitError::Closed));
    }
}

impl Shared {
    /// The first outcome counts.
    fn settle(&self, outcome: Outcome) {
        let is_told = outcome.is_err() || !self.only_failures.load(Ordering::Relaxed);
        if self.outcome.set(outcome).is_ok() && is_told {
            self.waker.wake();
        }
    }
}

impl Submitted {
    /// Returns only if the entry fails.
    pub(crate) async fn failure(self) -> SubmitError {
        self.0.only_failures.store(true, Ordering::Relaxed);
        match self.await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }
}

impl Future for Submitted {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.0.waker.register(cx.waker());
        // Looked at after that, so that an outcome of this moment is either seen here or wakes.
        self.0.outcome.get().map_or(Poll::Pending, |outcome| Poll::Ready(outcome.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls a future before and after something is done. How often that woke it, and what it then says.
    fn woken<F: Future>(future: F, act: impl FnOnce()) -> (u32, Poll<F::Output>) {
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        let (mut cx, mut future) = (Context::from_waker(&waker), pin!(future));
        assert!(future.as_mut().poll(&mut cx).is_pending());
        act();
        (wakes.0.load(Ordering::Relaxed), future.poll(&mut cx))
    }

    #[test]
    fn who_waits_for_the_outcome_is_woken_by_it() {
        let (verdict, submitted) = channel();
        assert!(matches!(woken(submitted, || verdict.give(Ok(()))), (1, Poll::Ready(Ok(())))));
        let (verdict, submitted) = channel();
        assert!(matches!(woken(submitted, || drop(verdict)), (1, Poll::Ready(Err(SubmitError::Closed)))));
    }

    #[test]
    fn who_waits_for_a_failure_is_woken_by_nothing_else() {
        let (verdict, submitted) = channel();
        assert!(matches!(woken(submitted.failure(), || verdict.give(Ok(()))), (0, Poll::Pending)));
        let (verdict, submitted) = channel();
        assert!(matches!(woken(submitted.failure(), || drop(verdict)), (1, Poll::Ready(SubmitError::Closed))));
    }

    #[test]
    fn a_verdict_is_unwanted_when_the_one_who_submitted_has_left() {
        let (verdict, submitted) = channel();
        assert!(!verdict.is_unwanted());
        drop(submitted);
        assert!(verdict.is_unwanted());
    }
}

//! Whether the process wants traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a process is ready for. It goes from one state to the next and never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is not up yet.
    Starting,
    /// It takes work.
    Ready,
    /// It finishes the work it has and takes no more.
    Draining,
}

impl State {
    const ALL: [Self; 3] = [Self::Starting, Self::Ready, Self::Draining];

    /// The name of the state as `/readyz` answers it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// A handle on the state of the process: set by the process, read by its ports. Clones share the state.
///
/// It speaks of this process alone. An outage of something the process depends on does not change it: that would make a
/// load balancer take all instances out at once.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

impl Readiness {
    /// A process that is starting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on to `state`. Going back is ignored: a process that drains stays that way even if its start finishes late.
    pub fn set(&self, state: State) {
        self.0.fetch_max(state as u8, Ordering::AcqRel);
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        let state = usize::from(self.0.load(Ordering::Acquire));
        State::ALL.get(state).copied().unwrap_or(State::Draining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_passed_on_to_clones_and_never_go_back() {
        let readiness = Readiness::new();
        let seen = readiness.clone();
        assert_eq!(seen.state(), State::Starting);
        readiness.set(State::Draining);
        assert_eq!(seen.state(), State::Draining);
        readiness.set(State::Ready);
        assert_eq!(seen.state(), State::Draining);
    }
}

//! Whether the process wants traffic.

use tokio::sync::watch;

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
#[derive(Debug, Clone)]
pub struct Readiness(watch::Sender<State>);

impl Default for Readiness {
    fn default() -> Self {
        Self(watch::Sender::new(State::Starting))
    }
}

impl Readiness {
    /// A process that is starting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on to `state`. Going back is ignored: a process that drains stays that way even if its start finishes late.
    pub fn set(&self, state: State) {
        self.0.send_if_modified(|now| {
            let forward = *now < state;
            *now = state.max(*now);
            forward
        });
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> State {
        *self.0.borrow()
    }

    /// Waits until the process has come to `state`, or past it.
    pub async fn reached(&self, state: State) {
        let reached = self.0.subscribe().wait_for(|now| *now >= state).await.is_ok();
        debug_assert!(reached, "the sender lives as long as this handle");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_state_is_told_when_it_is_reached_or_passed() {
        let readiness = Readiness::new();
        let waiting = tokio::spawn({
            let readiness = readiness.clone();
            async move { readiness.reached(State::Ready).await }
        });
        readiness.set(State::Draining);
        waiting.await.expect("it was told");
    }

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

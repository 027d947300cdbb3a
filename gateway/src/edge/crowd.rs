//! Room for connections: so many, and those that wait for nothing make room for new ones.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The connections of a port, of which there may be so many.
///
/// To open connections and leave them costs an attacker little, and a server that has no room left would be shut for everybody.
/// So a new connection that finds no room takes that of the one that has been without a call for the longest time. Connections
/// with calls keep theirs.
#[derive(Debug)]
pub(crate) struct Crowd {
    max: usize,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    taken: HashSet<u64>,
    /// Places without a call, those that have been so for the longest time first.
    idle: BTreeMap<u64, (u64, CancellationToken)>,
}

/// Whether there is room.
pub(crate) enum Entered {
    Free(Place),
    /// The place of another connection, which ends.
    InPlaceOfAnother(Place),
    Full,
}

impl Crowd {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max, places: Mutex::default() })
    }

    /// Takes a place for a new connection. It has no call at first.
    pub(crate) fn enter(self: &Arc<Self>) -> Entered {
        let mut places = self.places();
        let is_full = places.taken.len() >= self.max;
        if is_full {
            let Some((_, (longest_idle, end))) = places.idle.pop_first() else { return Entered::Full };
            places.taken.remove(&longest_idle);
            end.cancel();
        }
        places.next += 1;
        let number = places.next;
        places.taken.insert(number);
        let given_away = CancellationToken::new();
        places.idle.insert(number, (number, given_away.clone()));
        let state = Mutex::new(Work::Idle { turn: number, since: Instant::now() });
        let place = Place { crowd: self.clone(), number, given_away, state };
        if is_full { Entered::InPlaceOfAnother(place) } else { Entered::Free(place) }
    }

    /// How many places are taken.
    pub(crate) fn size(&self) -> usize {
        self.places().taken.len()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a connection, until it is dropped or given away.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    number: u64,
    given_away: CancellationToken,
    state: Mutex<Work>,
}

/// What a connection has to do.
#[derive(Debug, Clone, Copy)]
enum Work {
    Calls(usize),
    Idle { turn: u64, since: Instant },
}

impl Place {
    /// Done when the place was given to another connection.
    pub(crate) async fn given_away(&self) {
        self.given_away.cancelled().await;
    }

    /// Done when the connection has been without a call for so long.
    pub(crate) async fn idle_for(&self, limit: Duration) {
        loop {
            let since = match *self.state() {
                Work::Calls(_) => Instant::now(),
                Work::Idle { since, .. } => since,
            };
            let left = limit.saturating_sub(since.elapsed());
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(*self.state(), Work::Idle { .. })
    }

    /// The connection has a call more, until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        *state = match *state {
            Work::Calls(calls) => Work::Calls(calls + 1),
            Work::Idle { turn, .. } => {
                self.crowd.places().idle.remove(&turn);
                Work::Calls(1)
            }
        };
        Busy(self.clone())
    }

    fn end(&self) {
        let mut state = self.state();
        *state = match *state {
            Work::Calls(calls @ 2..) => Work::Calls(calls - 1),
            Work::Calls(_) | Work::Idle { .. } => {
                let mut places = self.crowd.places();
                places.next += 1;
                let turn = places.next;
                if places.taken.contains(&self.number) {
                    places.idle.insert(turn, (self.number, self.given_away.clone()));
                }
                Work::Idle { turn, since: Instant::now() }
            }
        };
    }

    fn state(&self) -> MutexGuard<'_, Work> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let state = *self.state();
        let mut places = self.crowd.places();
        places.taken.remove(&self.number);
        if let Work::Idle { turn, .. } = state {
            places.idle.remove(&turn);
        }
    }
}

/// A call of a connection.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(crowd: &Arc<Crowd>) -> Arc<Place> {
        match crowd.enter() {
            Entered::Free(place) | Entered::InPlaceOfAnother(place) => Arc::new(place),
            Entered::Full => panic!("full"),
        }
    }

    #[test]
    fn a_new_connection_takes_the_place_of_the_one_that_has_been_idle_for_the_longest_time() {
        let crowd = Crowd::new(3);
        let [first, second, third] = [enter(&crowd), enter(&crowd), enter(&crowd)];
        drop(first.begin());
        let busy = second.begin();
        let fourth = enter(&crowd);
        assert!(third.given_away.is_cancelled() && !first.given_away.is_cancelled());
        let fifth = enter(&crowd);
        assert!(first.given_away.is_cancelled());
        let _busy_too = (fourth.begin(), fifth.begin());
        assert!(matches!(crowd.enter(), Entered::Full), "those with calls keep their places");
        drop(busy);
        let _sixth = enter(&crowd);
        assert!(second.given_away.is_cancelled());
        assert_eq!(crowd.size(), 3);
        drop((first, second, third));
        assert_eq!(crowd.size(), 3, "who has given its place away leaves none");
    }

    #[test]
    fn a_connection_is_idle_when_its_last_call_ends() {
        let crowd = Crowd::new(1);
        let place = enter(&crowd);
        let calls = [place.begin(), place.begin()];
        assert!(!place.is_idle());
        let [one, other] = calls;
        drop(one);
        assert!(!place.is_idle() && matches!(crowd.enter(), Entered::Full));
        drop(other);
        assert!(place.is_idle());
        drop(place);
        assert_eq!(crowd.size(), 0);
        assert!(crowd.places().idle.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_without_a_call_counts_from_the_end_of_the_last() {
        const SECOND: Duration = Duration::from_secs(1);
        let crowd = Crowd::new(1);
        let (place, start) = (enter(&crowd), Instant::now());
        let call = place.begin();
        tokio::spawn(async move {
            sleep(25 * SECOND).await;
            drop(call);
        });
        place.idle_for(10 * SECOND).await;
        assert_eq!(start.elapsed(), 35 * SECOND);
    }
}

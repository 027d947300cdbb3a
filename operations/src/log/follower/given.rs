//! Which operations were given already.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

/// How many are remembered.
const MAX_GIVEN: usize = 100_000;

/// What is said of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Finished,
    DeadMark,
}

/// The operations that were given last.
#[derive(Debug, Default)]
pub(super) struct Given {
    given: HashSet<(Uuid, Kind)>,
    in_order: VecDeque<(Uuid, Kind)>,
}

impl Given {
    /// Notes an operation; false if it need not be given any more.
    pub(super) fn insert(&mut self, id: Uuid, kind: Kind) -> bool {
        // A record says more than a mark: there is nothing to say after it.
        if self.given.contains(&(id, Kind::Finished)) || !self.given.insert((id, kind)) {
            return false;
        }
        self.in_order.push_back((id, kind));
        if self.in_order.len() > MAX_GIVEN
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.given.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::{DeadMark, Finished};
    use super::*;

    #[test]
    fn an_operation_is_given_once_and_its_mark_only_before_it() {
        let [finished, marked, late] = [1, 2, 3].map(Uuid::from_u128);
        let mut given = Given::default();
        assert!(given.insert(finished, Finished));
        assert!(!given.insert(finished, Finished) && !given.insert(finished, DeadMark));
        assert!(given.insert(marked, DeadMark) && !given.insert(marked, DeadMark));
        assert!(given.insert(late, DeadMark) && given.insert(late, Finished));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut given = Given::default();
        for id in 0..=MAX_GIVEN as u128 {
            assert!(given.insert(Uuid::from_u128(id), Finished));
        }
        assert_eq!((given.given.len(), given.in_order.len()), (MAX_GIVEN, MAX_GIVEN));
        assert!(given.insert(Uuid::from_u128(0), Finished), "forgotten");
        assert!(!given.insert(Uuid::from_u128(2), Finished), "remembered");
    }
}

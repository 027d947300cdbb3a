//! Which objects were seen already, and which of them are still to be read.

use std::collections::{BTreeSet, VecDeque};

/// An object, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The time in it, in Unix milliseconds.
    pub(super) ms: u64,
    pub(super) key: String,
}

/// The names from a horizon on, but no more than a bound.
#[derive(Debug)]
pub(super) struct Names {
    horizon: u64,
    most: usize,
    seen: BTreeSet<Name>,
    /// Seen, but not read yet: the oldest first, of each call of [`add`](Self::add).
    unread: VecDeque<Name>,
}

impl Names {
    /// None, so far, from this Unix millisecond on; they will be `most` at most.
    pub(super) fn new(horizon: u64, most: usize) -> Self {
        Self { horizon, most, seen: BTreeSet::new(), unread: VecDeque::new() }
    }

    /// The Unix millisecond before which nothing is looked for any more.
    pub(super) fn horizon(&self) -> u64 {
        self.horizon
    }

    /// Adds what was found, again or for the first time. False: there were too many, and the oldest are passed over.
    pub(super) fn add(&mut self, mut found: Vec<Name>) -> bool {
        found.retain(|name| name.ms >= self.horizon && !self.seen.contains(name));
        found.sort_unstable();
        self.seen.extend(found.iter().cloned());
        self.unread.extend(found);
        let too_many = self.seen.len().saturating_sub(self.most);
        if let Some(last) = too_many.checked_sub(1).and_then(|last| self.seen.iter().nth(last)) {
            self.forget_before(last.ms + 1);
        }
        // Names that are read are forgotten here without a loss.
        let unread = self.unread.len();
        self.unread.retain(|name| name.ms >= self.horizon || too_many == 0);
        self.unread.len() == unread
    }

    /// Looks for nothing older than this any more. What is still to be read is read.
    pub(super) fn forget_before(&mut self, ms: u64) {
        self.horizon = self.horizon.max(ms);
        self.seen = self.seen.split_off(&Name { ms: self.horizon, key: String::new() });
    }

    /// Passes over what is older than this, and is still to be read.
    pub(super) fn skip_before(&mut self, ms: u64) {
        self.unread.retain(|name| name.ms >= ms);
    }

    /// What is to be read next, so many at most.
    pub(super) fn unread(&self, most: usize) -> impl Iterator<Item = &Name> {
        self.unread.iter().take(most)
    }

    /// Notes that so many of them are read.
    pub(super) fn note_read(&mut self, read: usize) {
        self.unread.drain(..read.min(self.unread.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(times: &[u64]) -> Vec<Name> {
        times.iter().map(|&ms| Name { ms, key: format!("key-{ms}") }).collect()
    }

    fn read(names: &mut Names) -> Vec<u64> {
        let read: Vec<_> = names.unread(usize::MAX).map(|name| name.ms).collect();
        names.note_read(read.len());
        read
    }

    #[test]
    fn each_name_is_read_once_and_late_ones_too() {
        let mut names_seen = Names::new(10, 100);
        assert!(names_seen.add(names(&[30, 9, 20])));
        assert_eq!(read(&mut names_seen), [20, 30]);
        assert!(names_seen.add(names(&[40, 30, 20, 10])));
        assert_eq!(read(&mut names_seen), [10, 40]);
        names_seen.forget_before(30);
        assert!(names_seen.add(names(&[40, 35, 30, 29])));
        assert_eq!(read(&mut names_seen), [35]);
    }

    #[test]
    fn of_too_many_names_the_newest_are_kept_and_it_is_told() {
        let mut names_seen = Names::new(0, 3);
        assert!(!names_seen.add(names(&[5, 4, 3, 2, 1])));
        assert_eq!((read(&mut names_seen), names_seen.seen.len(), names_seen.horizon()), (vec![3, 4, 5], 3, 3));
        // Those that were read make room without a word.
        assert!(names_seen.add(names(&[7, 6, 5, 4, 3])));
        assert_eq!((read(&mut names_seen), names_seen.seen.len(), names_seen.horizon()), (vec![6, 7], 3, 5));
    }

    #[test]
    fn what_is_not_read_in_time_is_bounded_too() {
        let mut names_seen = Names::new(0, 3);
        for ms in 1..=3 {
            assert!(names_seen.add(names(&[ms])));
        }
        assert!(!names_seen.add(names(&[4])));
        assert_eq!(read(&mut names_seen), [2, 3, 4]);
    }

    #[test]
    fn what_is_found_and_not_read_outlives_the_window() {
        let mut names_seen = Names::new(0, 100);
        names_seen.add(names(&[1, 2, 3]));
        names_seen.forget_before(100);
        names_seen.skip_before(2);
        assert_eq!(read(&mut names_seen), [2, 3]);
    }
}

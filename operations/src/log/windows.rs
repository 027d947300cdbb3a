//! Where to look for the batch of one operation: windows of commit time, from the time in the id on.

use crate::key;
use crate::log::clock::{DAY, LOOK_AHEAD, SPREAD};

/// The width of the first window, in milliseconds. Most operations are committed within seconds.
const FIRST: u64 = 100 * 1000;

/// How much wider the next window is than the last.
const GROWTH: u64 = 10;

/// A time in which batches were committed: Unix milliseconds from `first` to `last`, both included, of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Window {
    /// Whether it is a day.
    pub(super) fn is_a_day(self) -> bool {
        self.first.is_multiple_of(DAY) && self.last - self.first == DAY - 1
    }
}

/// Windows in the order of time, without gaps, as far as an operation can have been committed.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    next: u64,
    end: u64,
    now: u64,
    width: u64,
}

impl Windows {
    /// Windows for an operation whose id is of the millisecond `made`, from `from` on, at the time `now`.
    pub(super) fn new(made: u64, from: u64, now: u64) -> Self {
        let end = (now.max(made) + SPREAD).min(made + LOOK_AHEAD);
        Self { next: from.max(made), end, now, width: FIRST }
    }
}

impl Iterator for Windows {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let first = self.next;
        if first > self.end {
            return None;
        }
        let day_end = first - first % DAY + DAY - 1;
        let mut last = first + self.width - 1;
        // What lies in the future is as good as empty, and costs no request of its own.
        if last >= self.now {
            last = self.end;
        }
        // A day is looked at as a whole when so much is to be seen of it anyway: what is listed of it is kept.
        if first.is_multiple_of(DAY) && self.width >= DAY {
            last = day_end;
        } else {
            last = last.min(self.end).min(day_end);
        }
        self.next = last + 1;
        self.width = (self.width * GROWTH).min(DAY);
        Some(Window { first, last })
    }
}

/// The digits that all names of a window start with, and the name after which it begins in a listing.
pub(super) fn bounds(window: Window) -> Option<(String, String)> {
    let (oldest, newest) = (key::countdown(window.first)?, key::countdown(window.last)?);
    let shared = oldest.bytes().zip(newest.bytes()).take_while(|(a, b)| a == b).count();
    Some((newest[..shared].to_owned(), newest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_fresh_operation_takes_one_window() {
        let made = NOW - 5_000;
        let windows: Vec<_> = Windows::new(made, made, NOW).collect();
        assert_eq!(windows, [Window { first: made, last: NOW + SPREAD }]);
    }

    #[test]
    fn windows_grow_to_days() {
        let made = NOW - 3 * DAY;
        let widths: Vec<_> = Windows::new(made, made, NOW).map(|window| window.last - window.first + 1).collect();
        assert_eq!(widths[..3], [FIRST, FIRST * 10, FIRST * 100]);
        assert_eq!(widths[4..6], [DAY, DAY]);
    }

    proptest! {
        #[test]
        fn windows_leave_no_gap_and_stay_within_a_day(age in -3 * 3_600_000..40 * 86_400_000_i64, done in 0..86_400_000_u64) {
            let made = NOW.checked_add_signed(-age).expect("after 1970");
            let from = made + done;
            let windows: Vec<_> = Windows::new(made, from, NOW).collect();
            let end = (NOW.max(made) + SPREAD).min(made + LOOK_AHEAD);
            if from <= end {
                prop_assert_eq!(windows[0].first, from);
                // A day that is looked at as a whole may end a little later.
                prop_assert!(windows.last().is_some_and(|window| (end..end + DAY).contains(&window.last)));
            }
            prop_assert!(windows.len() < 32);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].last + 1, pair[1].first);
            }
            for window in windows {
                prop_assert_eq!(window.first / DAY, window.last / DAY);
                let (prefix, after) = bounds(window).expect("in range");
                for ms in [window.first, window.last] {
                    let name = key::countdown(ms).expect("in range") + "-";
                    prop_assert!(name.starts_with(&prefix) && name > after);
                }
            }
        }
    }
}

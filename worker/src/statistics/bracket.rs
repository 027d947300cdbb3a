//! Brackets: intervals of values in which certain order statistics lie.

/// An open interval: the values above `low` and below `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bracket {
    pub(super) low: i64,
    pub(super) high: i64,
}

impl Bracket {
    /// All values but the two that are its ends.
    pub(super) const WIDEST: Self = Self { low: i64::MIN, high: i64::MAX };
}

/// How a list lies about a bracket: what must be known to tell whether a rank lies within.
///
/// Values equal to an end are counted and not kept. So a value that is most of the list costs no memory, wherever it lies.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Number of values below `low`.
    pub(super) below_low: u64,
    /// Number of values above `low`.
    pub(super) above_low: u64,
    /// Number of values above `high`.
    pub(super) above_high: u64,
    /// The values inside, in any order.
    pub(super) inside: Kept,
}

/// Where a rank was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It has this value, an end of the bracket.
    Value(i64),
    /// It is that of this rank among the values inside.
    Inside(usize),
    /// The bracket missed it.
    Elsewhere,
}

impl Split {
    /// Makes room for so many values inside.
    pub(super) fn with_room(room: usize) -> Self {
        Self { inside: Kept { buffer: vec![0; room], len: 0 }, ..Self::default() }
    }

    /// Adds that of another part of the list.
    pub(super) fn merge(&mut self, other: &Self) {
        self.below_low += other.below_low;
        self.above_low += other.above_low;
        self.above_high += other.above_high;
        let kept = other.inside.as_slice();
        self.inside.room(kept.len())[..kept.len()].copy_from_slice(kept);
        self.inside.len += kept.len();
    }

    /// Where the value of the rank lies in a list of `count` values about the bracket.
    pub(super) fn find(&self, rank: usize, bracket: Bracket, count: usize) -> Found {
        let rank = rank as u64;
        let through_low = count as u64 - self.above_low;
        let through_inside = through_low + self.inside.len as u64;
        if rank < self.below_low || rank >= count as u64 - self.above_high {
            Found::Elsewhere
        } else if rank < through_low {
            Found::Value(bracket.low)
        } else if rank >= through_inside {
            Found::Value(bracket.high)
        } else {
            Found::Inside((rank - through_low) as usize)
        }
    }
}

/// Values that a pass keeps. They are written into room made before, without asking for each whether there is some.
#[derive(Debug, Default)]
pub(super) struct Kept {
    buffer: Vec<i64>,
    len: usize,
}

impl Kept {
    /// At least so much room behind the values kept so far.
    pub(super) fn room(&mut self, room: usize) -> &mut [i64] {
        let wanted = self.len + room;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted.max(2 * self.buffer.len()), 0);
        }
        &mut self.buffer[self.len..]
    }

    /// Keeps the first so many values written into the room.
    pub(super) fn keep(&mut self, count: usize) {
        self.len += count;
    }

    pub(super) fn as_slice(&self) -> &[i64] {
        &self.buffer[..self.len]
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [i64] {
        &mut self.buffer[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_is_inside_or_an_end_or_elsewhere() {
        // 1 2 2 5 6 7 7 9 about 2 and 7
        let mut split = Split { below_low: 1, above_low: 5, above_high: 1, ..Split::default() };
        split.inside.room(2)[..2].copy_from_slice(&[6, 5]);
        split.inside.keep(2);
        let found: Vec<_> = (0..8).map(|rank| split.find(rank, Bracket { low: 2, high: 7 }, 8)).collect();
        let [low, high] = [2, 7].map(Found::Value);
        let [first, second] = [0, 1].map(Found::Inside);
        assert_eq!(found, [Found::Elsewhere, low, low, first, second, high, high, Found::Elsewhere]);
    }

    #[test]
    fn what_parts_keep_is_kept_together() {
        let mut split = Split::with_room(1);
        for values in [[1, 2], [3, 4]] {
            let mut part = Split { above_low: 2, ..Split::default() };
            part.inside.room(2)[..2].copy_from_slice(&values);
            part.inside.keep(2);
            split.merge(&part);
        }
        assert_eq!((split.above_low, split.inside.as_slice()), (4, &[1, 2, 3, 4][..]));
    }
}

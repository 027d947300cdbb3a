//! Brackets from a sample.

use std::ops::Range;

use super::bracket::Bracket;

/// Lists of at most so many values are bracketed as a whole: to look at a sample first would save nothing.
pub(super) const WHOLE: usize = 1 << 14;

/// A bracket for neighbouring ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) bracket: Bracket,
    /// Which of the ranks are expected inside, by their index.
    pub(super) ranks: Range<usize>,
    /// How many values are expected inside.
    pub(super) inside: usize,
}

/// Brackets that hold the ranks of a list, each but for bad luck: `deviations` tells how many standard deviations of it are
/// allowed for. `ranks` ascend; neighbours share a bracket unless it would hold more than an eighth of the list and than twice what
/// each takes.
///
/// A sorted sample tells about where a rank lies (Floyd and Rivest, "Expected time bounds for selection", CACM 18, 1975). With
/// s values sampled out of n, each out of a stretch of its own, the number of those below the value of rank r has the mean
/// s r/n and at most the variance of the binomial distribution, s r/n (1 - r/n). Values that are equal do no harm: a bracket is
/// open, so what lies inside is never more than what the sample has between its ends suggests.
///
/// `random` picks the values. When nobody can foresee it, no list is a bad one.
pub(super) fn guesses(values: &[i64], ranks: &[usize], deviations: f64, random: Random) -> Vec<Guess> {
    let count = values.len();
    if count <= WHOLE {
        return vec![Guess { bracket: Bracket::WIDEST, ranks: 0..ranks.len(), inside: count }];
    }
    let sample = sorted_sample(values, ranks.len(), random);
    let scale = sample.len() as f64 / count as f64;

    let most = sample.len() / 8;
    let beyond = sample.len() as isize;
    let mut stretches: Vec<(Range<isize>, Range<usize>)> = Vec::new();
    for (index, &rank) in ranks.iter().enumerate() {
        let mean = rank as f64 * scale;
        let deviation = (mean * (1.0 - rank as f64 / count as f64)).sqrt();
        // One more at each end: the sample has one value for a whole stretch of ranks.
        let margin = deviations * deviation + 2.0;
        // An end that lies beyond the sample stands for all values there.
        let stretch = ((mean - margin).floor() as isize).max(-1)..((mean + margin).ceil() as isize).min(beyond);
        match stretches.last_mut() {
            Some((last, ranks)) if stretch.end - last.start <= most.max(2 * stretch.len()) as isize => {
                last.end = stretch.end.max(last.end);
                ranks.end = index + 1;
            }
            _ => stretches.push((stretch, index..index + 1)),
        }
    }
    let at = |index: isize, end| usize::try_from(index).ok().and_then(|i| sample.get(i)).copied().unwrap_or(end);
    stretches
        .into_iter()
        .map(|(stretch, ranks)| Guess {
            bracket: Bracket { low: at(stretch.start, i64::MIN), high: at(stretch.end, i64::MAX) },
            ranks,
            inside: ((stretch.len() as f64 / scale) as usize).min(count),
        })
        .collect()
}

/// One value out of each of many stretches of the same length.
fn sorted_sample(values: &[i64], ranks: usize, mut random: Random) -> Vec<i64> {
    // A larger sample costs time itself and saves values in brackets, of which there are about n / sqrt(s) for each rank. The
    // sum is least where s is proportional to the power 2/3 of n; the factor is measured. Ranks come in pairs of neighbours.
    let size = (values.len() as f64 * ranks.div_ceil(2) as f64).cbrt().powi(2) / 2.0;
    let stretch = (values.len() as f64 / size).max(8.0) as usize;
    let mut sample: Vec<i64> = values.chunks(stretch).map(|stretch| stretch[random.below(stretch.len())]).collect();
    sample.sort_unstable();
    sample
}

/// Random numbers that only have to be spread: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::hard_lists::hard_lists;
    use super::*;

    const COUNT: usize = 4 * WHOLE;

    fn median_guess(values: &[i64]) -> Guess {
        let ranks = [values.len() / 2 - 1, values.len() / 2];
        let mut guesses = guesses(values, &ranks, 4.0, Random(7));
        assert_eq!(guesses.len(), 1);
        guesses.remove(0)
    }

    #[test]
    fn a_short_list_is_bracketed_as_a_whole() {
        let expected = Guess { bracket: Bracket::WIDEST, ranks: 0..2, inside: WHOLE };
        assert_eq!(median_guess(&vec![1; WHOLE]), expected);
    }

    #[test]
    fn a_bracket_of_the_median_keeps_little_of_any_list() {
        for (name, values) in hard_lists(COUNT) {
            let Guess { bracket: Bracket { low, high }, .. } = median_guess(&values);
            let inside = values.iter().filter(|&&value| low < value && value < high).count();
            assert!(inside < COUNT / 4, "{name}: {inside}");
        }
    }

    #[test]
    fn brackets_hold_the_median_of_most_lists_and_all_values_when_they_must() {
        let missed = |deviations: f64| {
            let seeds = 0..200;
            let (_, values) = hard_lists(COUNT).pop().expect("some");
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let rank = COUNT / 2;
            let brackets = seeds.map(|seed| guesses(&values, &[rank], deviations, Random(seed))[0].bracket);
            brackets.filter(|&Bracket { low, high }| sorted[rank] < low || sorted[rank] > high).count()
        };
        assert_eq!(missed(4.0), 0);
        assert!(missed(0.1) > 20, "luck should decide");

        let everything = Guess { bracket: Bracket::WIDEST, ranks: 0..1, inside: COUNT };
        for deviations in [100.0, 1e9, f64::INFINITY] {
            assert_eq!(guesses(&[0; COUNT], &[COUNT / 2], deviations, Random(1))[0], everything);
        }
    }

    #[test]
    fn neighbours_share_a_bracket_and_those_far_apart_do_not() {
        let (_, values) = hard_lists(COUNT).pop().expect("some");
        let ranks = [COUNT / 10, COUNT / 10 + 1, COUNT / 2, COUNT / 2 + 1];
        let shared: Vec<_> = guesses(&values, &ranks, 4.0, Random(1)).into_iter().map(|guess| guess.ranks).collect();
        assert_eq!(shared, [0..2, 2..4]);
    }
}

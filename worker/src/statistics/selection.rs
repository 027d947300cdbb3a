//! Several order statistics at once, without sorting what lies between them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use super::Execution;
use super::bracket::{Found, Split};
use super::kernel::BLOCK;
use super::sample::{Guess, Random, WHOLE, guesses};
use super::scan::scan;
use super::totals::Totals;

/// Standard deviations of luck that a first guess allows for. One in some 16,000 misses, which costs a further pass.
const DEVIATIONS: f64 = 4.0;

/// Values of a list by their ranks, counted from 0 in the sorted list.
pub(super) type OrderStatistics = BTreeMap<usize, i64>;

/// The value of each rank, of which there must be at least one, all below the number of values; and the totals of the list.
///
/// As a rule this takes one pass, in which the totals are formed and the values near the ranks are kept, and the same again among
/// those. A sample tells what is near. Time is linear in the number of values; of these an eighth is kept at most, so many
/// ranks far from each other take some passes more.
pub(super) fn totals_and_order(
    values: &[i64],
    mut ranks: Vec<usize>,
    execution: Execution,
) -> (Totals, OrderStatistics) {
    ranks.sort_unstable();
    ranks.dedup();
    if values.len() <= BLOCK {
        // Nothing to divide, and nothing to guess.
        return (execution.kernel.totals(values), select_in_place(&mut values.to_vec(), &ranks));
    }
    let mut totals = Totals::NONE;
    let found = select(values, ranks, DEVIATIONS, Some(&mut totals), execution);
    (totals, found)
}

/// The value of each rank, which ascend. The first guess allows for so many standard deviations of luck, the next for more; the
/// first pass forms the totals.
fn select(
    values: &[i64],
    ranks: Vec<usize>,
    mut deviations: f64,
    mut totals: Option<&mut Totals>,
    execution: Execution,
) -> OrderStatistics {
    let mut found = OrderStatistics::new();
    let mut missing = ranks;
    while !missing.is_empty() {
        let guesses = guesses(values, &missing, deviations, unforeseen());
        for pass in passes(&guesses, values.len()) {
            let splits = scan(values, pass, totals.take(), execution);
            for (guess, split) in pass.iter().zip(splits) {
                look_up(&missing[guess.ranks.clone()], guess, split, values.len(), execution, &mut found);
            }
        }
        missing.retain(|rank| !found.contains_key(rank));
        // In the end brackets hold everything.
        deviations *= 2.0;
    }
    found
}

/// Divides the guesses so that no pass keeps more than an eighth of the values, unless a single one does.
fn passes(guesses: &[Guess], count: usize) -> impl Iterator<Item = &[Guess]> {
    let most = (count / 8).max(WHOLE);
    let mut kept = 0;
    guesses.chunk_by(move |guess, next| {
        kept += guess.inside;
        let fits = kept + next.inside <= most;
        if !fits {
            kept = 0;
        }
        fits
    })
}

/// Adds to `found` those of the ranks that the guess was right about.
fn look_up(
    ranks: &[usize],
    guess: &Guess,
    mut split: Split,
    count: usize,
    execution: Execution,
    found: &mut OrderStatistics,
) {
    // Those inside, and their ranks there.
    let mut inside = Vec::new();
    for &rank in ranks {
        match split.find(rank, guess.bracket, count) {
            Found::Value(value) => drop(found.insert(rank, value)),
            Found::Inside(rank_inside) => inside.push((rank, rank_inside)),
            Found::Elsewhere => {}
        }
    }
    if inside.is_empty() {
        return;
    }
    let ranks_inside = inside.iter().map(|&(_, rank)| rank).collect();
    let values = split.inside.as_mut_slice();
    // A bracket that left little out is not tried again.
    let values = if values.len() > WHOLE && values.len() < count / 2 {
        select(values, ranks_inside, DEVIATIONS, None, execution)
    } else {
        select_in_place(values, &ranks_inside)
    };
    found.extend(inside.iter().map(|(rank, rank_inside)| (*rank, values[rank_inside])));
}

/// The value of each rank, which ascend; rearranges the values.
///
/// Selects the middle rank and goes on in the two parts it leaves: O(n log k) comparisons for k ranks in the worst case
/// (multiple selection; Chambers, "Partial sorting", CACM 14, 1971). The selection itself is the standard library's.
fn select_in_place(values: &mut [i64], ranks: &[usize]) -> OrderStatistics {
    fn select_from(start: usize, values: &mut [i64], ranks: &[usize], found: &mut OrderStatistics) {
        let middle = ranks.len() / 2;
        let Some(&rank) = ranks.get(middle) else { return };
        let (below, value, above) = values.select_nth_unstable(rank - start);
        found.insert(rank, *value);
        select_from(start, below, &ranks[..middle], found);
        select_from(rank + 1, above, &ranks[middle + 1..], found);
    }
    let mut found = OrderStatistics::new();
    select_from(0, values, ranks, &mut found);
    found
}

/// A seed that who sends a list cannot know.
fn unforeseen() -> Random {
    Random(RandomState::new().hash_one(()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::hard_lists::hard_lists;
    use super::*;

    const COUNT: usize = 3 * WHOLE + 5;

    fn some_ranks() -> Vec<usize> {
        let hundredths = (1..100).map(|percent| percent * COUNT / 100);
        hundredths.chain([0, 1, COUNT / 2 + 1, COUNT - 2, COUNT - 1]).collect()
    }

    #[test]
    fn every_rank_of_a_hard_list_has_the_value_that_sorting_puts_there() {
        for (name, values) in hard_lists(COUNT) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            for ranks in [vec![COUNT / 2], vec![0, COUNT / 2, COUNT / 2 + 1, COUNT - 1], some_ranks()] {
                let (totals, found) = totals_and_order(&values, ranks.clone(), Execution::best());
                assert_eq!((totals.min, totals.max), (sorted[0], sorted[COUNT - 1]), "{name}");
                for rank in ranks {
                    assert_eq!(found[&rank], sorted[rank], "{name}, rank {rank}");
                }
            }
        }
    }

    #[test]
    fn a_guess_that_misses_is_made_again_with_more_room() {
        for (name, values) in hard_lists(COUNT) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let mut ranks = some_ranks();
            ranks.sort_unstable();
            ranks.dedup();
            let mut totals = Totals::NONE;
            // So little that most guesses miss.
            let found = select(&values, ranks.clone(), 1e-3, Some(&mut totals), Execution::best());
            assert_eq!(totals.count, COUNT as u64, "{name}: totals are formed once");
            assert!(ranks.iter().all(|rank| found[rank] == sorted[*rank]), "{name}");
        }
    }

    #[test]
    fn no_pass_keeps_more_than_an_eighth_of_a_long_list() {
        let count = 64 * WHOLE;
        let inside = [count / 16, count / 32, count / 16, count / 9, count / 2, 1, 1];
        let guess = |inside| Guess { bracket: super::super::bracket::Bracket::WIDEST, ranks: 0..1, inside };
        let guesses = inside.map(guess);
        let sizes: Vec<_> = passes(&guesses, count).map(<[_]>::len).collect();
        assert_eq!(sizes, [2, 1, 1, 1, 2]);
    }

    proptest! {
        #[test]
        fn what_is_selected_for_a_rank_is_what_sorting_puts_there(
            values in vec(prop_oneof![any::<i64>(), 0..5_i64], 1..200),
            ranks in vec(any::<Index>(), 1..50),
        ) {
            let ranks: Vec<_> = ranks.into_iter().map(|rank| rank.index(values.len())).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let (_, found) = totals_and_order(&values, ranks.clone(), Execution::best());
            for rank in ranks {
                prop_assert_eq!(found[&rank], sorted[rank]);
            }
        }
    }
}

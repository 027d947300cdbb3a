//! Several order statistics at once, without sorting what lies between them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};

use super::Execution;
use super::bracket::{Found, Split};
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
    let mut totals = Totals::NONE;
    let found = select(values, ranks, Some(&mut totals), execution);
    (totals, found)
}

/// The value of each rank, which ascend. The first pass forms the totals.
fn select(values: &[i64], ranks: Vec<usize>, mut totals: Option<&mut Totals>, execution: Execution) -> OrderStatistics {
    let mut found = OrderStatistics::new();
    let mut missing = ranks;
    let mut deviations = DEVIATIONS;
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
        select(values, ranks_inside, None, execution)
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

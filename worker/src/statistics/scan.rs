//! Passes over the values.

use super::Execution;
use super::bracket::Split;
use super::kernel::{self, Kernel, SLACK};
use super::sample::Guess;
use super::totals::Totals;

/// Splits a list about brackets, in one pass, and adds it to its totals if they are wanted.
pub(super) fn scan(values: &[i64], guesses: &[Guess], totals: Option<&mut Totals>, execution: Execution) -> Vec<Split> {
    let with_totals = totals.is_some();
    let parts =
        execution.in_parts(values, |part| scan_part(part, values.len(), guesses, with_totals, execution.kernel));
    let mut parts = parts.into_iter();
    let (mut all_totals, mut splits) = parts.next().unwrap_or((Totals::NONE, Vec::new()));
    for (part_totals, part_splits) in parts {
        all_totals.merge(&part_totals);
        for (split, part) in splits.iter_mut().zip(&part_splits) {
            split.merge(part);
        }
    }
    if let Some(totals) = totals {
        *totals = all_totals;
    }
    splits
}

/// The same for a part of a list of `count` values.
fn scan_part(part: &[i64], count: usize, guesses: &[Guess], with_totals: bool, kernel: Kernel) -> (Totals, Vec<Split>) {
    let mut totals = Totals::NONE;
    // A quarter more than expected, so that it rarely has to grow, and what the last block may need.
    let room = |expected: usize| (expected + expected / 4) * part.len() / count + kernel::BLOCK.min(part.len()) + SLACK;
    let mut splits: Vec<_> = guesses.iter().map(|guess| Split::with_room(room(guess.inside))).collect();
    for block in part.chunks(kernel::BLOCK) {
        if with_totals {
            totals.merge(&kernel.totals(block));
        }
        for (split, guess) in splits.iter_mut().zip(guesses) {
            kernel.split(block, guess.bracket, split);
        }
    }
    (totals, splits)
}

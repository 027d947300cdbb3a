//! Several order statistics at once, without sorting what lies between them.

/// Rearranges `values` so that at each of the ranks, counted from 0, stands what would stand there in the sorted list.
///
/// Selects the middle rank and goes on in the two parts it leaves: O(n log k) comparisons for k ranks in the worst case
/// (multiple selection; Chambers, "Partial sorting", CACM 14, 1971). The selection itself is the standard library's.
///
/// # Panics
///
/// If a rank is not below the number of values.
pub(super) fn select(values: &mut [i64], mut ranks: Vec<usize>) {
    ranks.sort_unstable();
    ranks.dedup();
    select_sorted(values, &ranks, 0);
}

/// `values` is the part of the list from rank `start` on, `ranks` those that lie in it.
fn select_sorted(values: &mut [i64], ranks: &[usize], start: usize) {
    let middle = ranks.len() / 2;
    let Some(&rank) = ranks.get(middle) else { return };
    let (below, _, above) = values.select_nth_unstable(rank - start);
    select_sorted(below, &ranks[..middle], start);
    select_sorted(above, &ranks[middle + 1..], rank + 1);
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    proptest! {
        #[test]
        fn what_stands_at_a_selected_rank_is_what_sorting_puts_there(
            values in vec(prop_oneof![any::<i64>(), 0..5_i64], 1..200),
            ranks in vec(any::<Index>(), 0..50),
        ) {
            let ranks: Vec<_> = ranks.into_iter().map(|rank| rank.index(values.len())).collect();
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let mut selected = values;
            select(&mut selected, ranks.clone());
            for rank in ranks {
                prop_assert_eq!(selected[rank], sorted[rank]);
            }
            selected.sort_unstable();
            prop_assert_eq!(selected, sorted);
        }
    }
}

//! Histograms over bins of the same width with exact edges.

use std::ops::RangeInclusive;

use compute_proto::v1;

use super::Execution;
use super::kernel::{self, Kernel};
use super::rational::nearest_double;

/// Counters for each bin.
const LANES: usize = 4;

/// Sorts the values into at least one bin, all of the same width, between the smallest value and the largest, which `range`
/// names.
///
/// A value v lies in bin floor((v - min) x bins / (max - min)), the largest value in the last. When all values are equal, the
/// bins reach from v - 0.5 to v + 0.5, as NumPy's do. No value is compared with a rounded edge.
pub(super) fn histogram(values: &[i64], range: RangeInclusive<i64>, bins: u32, execution: Execution) -> v1::Histogram {
    let (min, max) = range.into_inner();
    let width = max.abs_diff(min);
    let counts = if width == 0 {
        let mut counts = vec![0; bins as usize];
        counts[bins as usize / 2] = values.len() as u64;
        counts
    } else {
        let bins = Bins::new(min, width, bins);
        let parts = execution.in_parts(values, |part| bins.count(part, execution.kernel));
        parts
            .into_iter()
            .reduce(|mut counts, part| {
                add(&mut counts, &part);
                counts
            })
            .unwrap_or_default()
    };
    v1::Histogram { edges: (0..=bins).map(|index| edge(index, min, width, bins)).collect(), counts }
}

/// The lower edge of the bin of that index, rounded once: min + index x width / bins.
fn edge(index: u32, min: i64, width: u64, bins: u32) -> f64 {
    let (min, index, bins) = (i128::from(min), i128::from(index), i128::from(bins));
    let (numerator, denominator) = match width {
        0 => ((2 * min - 1) * bins + 2 * index, 2 * bins),
        width => (min * bins + index * i128::from(width), bins),
    };
    nearest_double(&numerator.into(), &denominator.unsigned_abs().into())
}

/// How the values of a list lie to the bins.
struct Bins {
    min: i64,
    /// The least distance from the smallest value that lies in each bin, and an end that no distance but the largest number
    /// reaches. Comparing with these is exact and needs no division for each value.
    starts: Vec<u64>,
    /// Bins by distance, rounded.
    scale: f64,
}

impl Bins {
    fn new(min: i64, width: u64, bins: u32) -> Self {
        let start = |index| {
            let start = (u128::from(index) * u128::from(width)).div_ceil(u128::from(bins));
            u64::try_from(start).unwrap_or(width)
        };
        let starts = (0..bins).map(start).chain([u64::MAX]).collect();
        Self { min, starts, scale: f64::from(bins) / width as f64 }
    }

    /// The number of values in each bin.
    fn count(&self, values: &[i64], kernel: Kernel) -> Vec<u64> {
        // Equal values one after the other would wait for each other at one counter.
        let mut counts = vec![[0; LANES]; self.starts.len()];
        let mut guesses = [0; kernel::BLOCK];
        for block in values.chunks(kernel::BLOCK) {
            kernel.scale(block, self.min, self.scale, &mut guesses);
            count_block(block, &guesses, self.min, &self.starts, &mut counts);
        }
        let mut counts: Vec<u64> = counts.into_iter().map(|lanes| lanes.into_iter().sum()).collect();
        // Only the largest value may have reached the end, and it lies in the last bin.
        let largest = counts.pop().unwrap_or(0);
        if let Some(last) = counts.last_mut() {
            *last += largest;
        }
        counts
    }
}

/// Counts each value in its bin. Its distance, scaled and rounded to the nearest number, is the guess, and the bin is that or the
/// one before: the errors of scaling are far less than the half that would make it another.
fn count_block(block: &[i64], guesses: &[u32], min: i64, starts: &[u64], counts: &mut [[u64; LANES]]) {
    let mut count = |lane: usize, value: i64, guess: u32| {
        let guess = guess as usize;
        let distance = value.wrapping_sub(min).cast_unsigned();
        counts[guess - usize::from(distance < starts[guess])][lane] += 1;
    };
    let (values, rest) = block.as_chunks::<LANES>();
    let (guesses, _) = guesses.as_chunks::<LANES>();
    for (values, guesses) in values.iter().zip(guesses) {
        for lane in 0..LANES {
            count(lane, values[lane], guesses[lane]);
        }
    }
    for (&value, &guess) in rest.iter().zip(guesses.get(values.len()).into_iter().flatten()) {
        count(0, value, guess);
    }
}

fn add(counts: &mut [u64], others: &[u64]) {
    counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i64], bins: u32) -> v1::Histogram {
        let (min, max) = (values.iter().min(), values.iter().max());
        histogram(values, *min.expect("some")..=*max.expect("some"), bins, Execution::best())
    }

    #[test]
    fn the_largest_value_lies_in_the_last_bin_and_an_inner_edge_in_the_upper_one() {
        let histogram = of(&[0, 1, 2, 3, 4], 4);
        assert_eq!(histogram.edges, [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(histogram.counts, [1, 1, 1, 2]);
    }

    #[test]
    fn equal_values_lie_in_the_middle_of_a_range_of_width_1() {
        let histogram = of(&[7, 7, 7], 4);
        assert_eq!(histogram.edges, [6.5, 6.75, 7.0, 7.25, 7.5]);
        assert_eq!(histogram.counts, [0, 0, 3, 0]);
        assert_eq!(of(&[-3], 1), v1::Histogram { edges: vec![-3.5, -2.5], counts: vec![1] });
        assert_eq!(of(&[-3], 3).counts, [0, 1, 0]);
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        let histogram = of(&[i64::MIN, -1, 0, i64::MAX], 2);
        assert_eq!(histogram.edges, [i64::MIN as f64, -0.5, i64::MAX as f64]);
        assert_eq!(histogram.counts, [2, 2]);
    }

    #[test]
    fn values_next_to_an_edge_lie_where_exact_arithmetic_puts_them() {
        // In doubles 49 x (2 / 98) is less than 1 ...
        assert_eq!(of(&[0, 49, 98], 2).counts, [1, 2]);
        // ... and this distance reaches the edge above it.
        let distance = 53_817_818_247_065_342;
        let max = i64::MIN.wrapping_add_unsigned(13_454_454_561_766_335_522);
        let histogram = of(&[i64::MIN, i64::MIN + distance, max], 1000);
        assert_eq!(histogram.counts[..5], [1, 0, 0, 1, 0]);
    }

    proptest! {
        #[test]
        fn every_value_lies_in_the_bin_of_the_definition(
            values in vec(prop_oneof![any::<i64>(), -20..20_i64], 1..100),
            near in any::<i64>(),
            narrow in any::<bool>(),
            bins in 1..=1000_u32,
        ) {
            // Values close together, far from zero, are where rounded edges would go wrong.
            let values: Vec<_> =
                values.into_iter().map(|v| if narrow { near.saturating_add(v % 1000) } else { v }).collect();
            let histogram = of(&values, bins);
            let min = i128::from(*values.iter().min().expect("some"));
            let width = i128::from(*values.iter().max().expect("some")) - min;
            prop_assume!(width > 0);
            let mut expected = vec![0; bins as usize];
            for &value in &values {
                let bin = (i128::from(value) - min) * i128::from(bins) / width;
                expected[bin.min(i128::from(bins) - 1) as usize] += 1;
            }
            prop_assert_eq!(histogram.counts, expected);
            prop_assert!(histogram.edges.is_sorted());
        }
    }
}

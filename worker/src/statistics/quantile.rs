//! Quantiles by linear interpolation: definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American
//! Statistician 50 (1996).

use num_bigint::{BigInt, BigUint};

use super::rational::{nearest_double, nearest_ratio};

/// An exact position in a sorted list of n values: probability x (n - 1), counted from 0.
#[derive(Debug)]
pub(super) struct Position {
    /// The whole part: the rank of the neighbour below.
    below: usize,
    /// The rank of the neighbour above, the same at the end of the list.
    above: usize,
    /// The fraction's numerator. Its denominator is 2^shift.
    fraction: u128,
    shift: u32,
}

impl Position {
    /// The position for a probability from 0 to 1 in a list of `count` values, at least 1.
    pub(super) fn of(probability: f64, count: usize) -> Self {
        let (significand, shift) = decompose(probability);
        let last = count.saturating_sub(1);
        // 53 bits times 64: no overflow.
        let position = u128::from(significand) * last as u128;
        let whole = position.checked_shr(shift).unwrap_or(0);
        // `whole` is not 0 only if the shift is below 128, and then shifting it back loses nothing.
        let fraction = position - whole.checked_shl(shift).unwrap_or(0);
        // At most `last` for a probability of at most 1.
        let below = usize::try_from(whole).unwrap_or(last).min(last);
        Self { below, above: (below + 1).min(last), fraction, shift }
    }

    /// The ranks of both neighbours.
    pub(super) fn ranks(&self) -> [usize; 2] {
        [self.below, self.above]
    }

    /// The value there, interpolated between a and b exactly, a + fraction x (b - a), and rounded once. `at` gives what the
    /// sorted list holds at one of the ranks.
    pub(super) fn interpolate(&self, at: impl Fn(usize) -> i64) -> f64 {
        let (a, b) = (at(self.below), at(self.above));
        let difference = i128::from(b) - i128::from(a);
        // In lowest terms, where a half is 1 / 2^1.
        let common = self.fraction.trailing_zeros().min(self.shift);
        let (fraction, shift) = (self.fraction >> common.min(127), self.shift - common);
        if let (Ok(fraction), 0..=32) = (u32::try_from(fraction), shift) {
            // 64 bits and 32, and 33 bits times 65: no overflow.
            return nearest_ratio((i128::from(a) << shift) + i128::from(fraction) * difference, 1 << shift);
        }
        let numerator = (BigInt::from(a) << self.shift) + BigInt::from(self.fraction) * difference;
        nearest_double(&numerator, &(BigUint::from(1_u8) << self.shift))
    }
}

/// A probability as the exact fraction significand / 2^shift, which every double from 0 to 1 is.
fn decompose(probability: f64) -> (u64, u32) {
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = probability.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = (bits >> FRACTION_BITS) as u32 & 0x7ff;
    // 1 is 2^52 / 2^52 and has the exponent field 1023. Subnormal doubles have no implicit bit and the field 0 for 1.
    let significand = if exponent == 0 { fraction } else { fraction | 1 << FRACTION_BITS };
    (significand, (1023 + FRACTION_BITS).saturating_sub(exponent.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(probability: f64, sorted: &[i64]) -> f64 {
        Position::of(probability, sorted.len()).interpolate(|rank| sorted[rank])
    }

    #[test]
    fn a_probability_is_an_exact_fraction() {
        assert_eq!(decompose(1.0), (1 << 52, 52));
        assert_eq!(decompose(0.5), (1 << 52, 53));
        assert_eq!(decompose(0.1), (0x0019_9999_9999_999a, 56));
        assert_eq!(decompose(0.0).0, 0);
        assert_eq!(decompose(-0.0).0, 0);
        assert_eq!(decompose(f64::from_bits(1)), (1, 1074));
        assert_eq!(decompose(f64::MIN_POSITIVE), (1 << 52, 1074));
    }

    #[test]
    fn ends_and_middle_are_values_of_the_list() {
        let sorted = [-7, 0, 3, 4, i64::MAX];
        assert_eq!(quantile(0.0, &sorted), -7.0);
        assert_eq!(quantile(0.5, &sorted), 3.0);
        assert_eq!(quantile(0.75, &sorted), 4.0);
        assert_eq!(quantile(1.0, &sorted), i64::MAX as f64);
        assert_eq!(quantile(0.3, &[42]), 42.0);
    }

    #[test]
    fn a_probability_is_the_double_and_not_the_decimal_it_was_written_as() {
        // The double 0.1 is 0.1000000000000000055…
        assert_eq!(quantile(0.1, &[0, 10]), 1.0);
        assert_eq!(quantile(0.9, &[2, 4, 5, 35, 2452]), 1_485.200_000_000_000_3);
    }

    #[test]
    fn the_smallest_probability_still_counts() {
        let least = f64::from_bits(1);
        assert_eq!(quantile(least, &[0, 1]), least);
        assert_eq!(quantile(least, &[0, 3, 4]), f64::from_bits(6));
        // A tie between two doubles that the smallest step beyond decides.
        let tie = (1 << 53) + 1;
        assert_eq!(quantile(0.0, &[tie, tie + 1]), (1_i64 << 53) as f64);
        assert_eq!(quantile(least, &[tie, tie + 1]), ((1_i64 << 53) + 2) as f64);
    }

    #[test]
    fn the_widest_gap_does_not_overflow() {
        assert_eq!(quantile(0.5, &[i64::MIN, i64::MAX]), -0.5);
        assert_eq!(quantile(f64::EPSILON, &[i64::MIN, i64::MAX]), -9_223_372_036_854_771_712.0);
    }
}

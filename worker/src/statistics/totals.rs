//! What one pass over the values gives: extremes and exact sums.

use num_bigint::{BigInt, BigUint};

use super::rational::{nearest_double, nearest_ratio};

/// 2^63, what every value is moved by.
const OFFSET: u128 = 1 << 63;

/// The value v moved to v + 2^63, so that it is not negative.
pub(super) const fn offset(value: i64) -> u64 {
    (value ^ i64::MIN).cast_unsigned()
}

/// Number, extremes and exact sums of a list.
///
/// The sums are those of v + 2^63: unsigned numbers have one kind of product and one kind of carry. The variance does not
/// depend on where zero is, and the sum is moved back at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) count: u64,
    /// Means nothing without any values, and so does `max`.
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) sum: u128,
    pub(super) squares: Sum192,
}

impl Totals {
    /// Those of no values.
    pub(super) const NONE: Self = Self { count: 0, min: i64::MAX, max: i64::MIN, sum: 0, squares: Sum192::ZERO };

    /// Adds one value.
    pub(super) fn add(&mut self, value: i64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let moved = u128::from(offset(value));
        self.sum += moved;
        self.squares.add(moved * moved);
    }

    /// Adds those of another part of the list.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares.merge(other.squares);
    }

    /// The sum of the values.
    pub(super) fn sum(&self) -> i128 {
        // Fewer than 2^64 numbers of 64 bits: it fits, whatever wraps on the way.
        self.sum.wrapping_sub(OFFSET.wrapping_mul(self.count.into())).cast_signed()
    }

    /// The arithmetic mean.
    pub(super) fn mean(&self) -> f64 {
        nearest_ratio(self.sum(), self.count.into())
    }

    /// The population variance: with n values, sum S and sum of squares Q it is Q/n - (S/n)^2 = (n Q - S^2) / n^2. The first
    /// form is notorious for cancellation; here nothing is rounded before the division.
    pub(super) fn variance(&self) -> f64 {
        let count = u128::from(self.count);
        // n^2 times the variance, which is at most a quarter of the square of the range.
        let bound =
            count.checked_mul(self.max.abs_diff(self.min).into()).and_then(|product| product.checked_mul(product));
        if let (Some(_), Some(square)) = (bound, count.checked_mul(count)) {
            // So it has at most 126 bits, whatever wraps on the way.
            let numerator = self.squares.low.wrapping_mul(count).wrapping_sub(self.sum.wrapping_mul(self.sum));
            return nearest_ratio(numerator.cast_signed(), square);
        }
        let sum = BigInt::from(self.sum);
        let numerator = BigInt::from(BigUint::from(self.squares) * self.count) - &sum * &sum;
        nearest_double(&numerator, &BigUint::from(self.count).pow(2))
    }
}

/// A sum of up to 2^64 unsigned numbers of 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum192 {
    low: u128,
    high: u64,
}

impl Sum192 {
    const ZERO: Self = Self { low: 0, high: 0 };

    /// The sum of numbers that each stand for themselves times 2^shift, with shifts below 128. It must have at most 192 bits.
    #[cfg(any(target_arch = "x86_64", test))]
    pub(super) fn of_shifted<const N: usize>(parts: [(u128, u32); N]) -> Self {
        let mut sum = Self::ZERO;
        for (part, shift) in parts {
            let high = part.checked_shr(u128::BITS - shift).unwrap_or(0);
            sum.merge(Self { low: part << shift, high: high as u64 });
        }
        sum
    }

    pub(super) fn add(&mut self, number: u128) {
        let (low, carried) = self.low.overflowing_add(number);
        self.low = low;
        self.high += u64::from(carried);
    }

    fn merge(&mut self, other: Self) {
        self.add(other.low);
        self.high += other.high;
    }
}

impl From<Sum192> for BigUint {
    fn from(sum: Sum192) -> Self {
        (Self::from(sum.high) << u128::BITS) + sum.low
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i64]) -> Totals {
        let mut totals = Totals::NONE;
        values.iter().for_each(|&value| totals.add(value));
        totals
    }

    #[test]
    fn sums_of_the_largest_squares_are_carried() {
        let totals = of(&[i64::MAX; 5]);
        assert_eq!(BigUint::from(totals.squares), BigUint::from(u64::MAX).pow(2) * 5_u8);
        assert_eq!(totals.sum(), i128::from(i64::MAX) * 5);
    }

    #[test]
    fn a_shifted_part_may_reach_beyond_128_bits() {
        let sum = Sum192::of_shifted([(1 << 80, 104), (3, 0), (u128::MAX, 60)]);
        let expected = (BigUint::from(1_u8) << 184) + 3_u8 + (BigUint::from(u128::MAX) << 60);
        assert_eq!(BigUint::from(sum), expected);
    }

    proptest! {
        #[test]
        fn totals_of_parts_add_up(values in vec(any::<i64>(), 0..50), at in any::<prop::sample::Index>()) {
            let (front, back) = values.split_at(at.index(values.len() + 1));
            let mut merged = of(front);
            merged.merge(&of(back));
            prop_assert_eq!(&merged, &of(&values));
            prop_assert_eq!(merged.sum(), values.iter().map(|&value| i128::from(value)).sum::<i128>());
        }

        #[test]
        fn the_variance_of_values_near_each_other_is_that_of_big_integers(
            values in vec(any::<i64>(), 1..50), bits in 0..63_u32, moved in any::<i64>(),
        ) {
            let values: Vec<_> = values.iter().map(|value| (value >> bits).saturating_add(moved)).collect();
            let totals = of(&values);
            let (sum, count) = (BigInt::from(totals.sum), totals.count);
            let numerator = BigInt::from(BigUint::from(totals.squares) * count) - &sum * &sum;
            prop_assert_eq!(totals.variance(), nearest_double(&numerator, &BigUint::from(count).pow(2)));
        }
    }
}

//! What one pass over the values gives: extremes and exact sums.

use num_bigint::{BigInt, BigUint};

use super::nearest_double;

/// Number, extremes and sums of a list that is not empty.
#[derive(Debug)]
pub(super) struct Totals {
    count: u64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) sum: i128,
    sum_of_squares: BigUint,
}

impl Totals {
    /// One pass over the values. Without any, the extremes mean nothing.
    pub(super) fn of(values: &[i64]) -> Self {
        let (mut min, mut max, mut sum) = (i64::MAX, i64::MIN, 0_i128);
        // A square takes up to 127 bits and leaves no room to add in 128. So its halves are summed apart.
        let (mut low, mut high) = (0_u128, 0_u128);
        for &value in values {
            min = min.min(value);
            max = max.max(value);
            sum += i128::from(value);
            let magnitude = u128::from(value.unsigned_abs());
            let square = magnitude * magnitude;
            low += square & u128::from(u64::MAX);
            high += square >> 64;
        }
        let sum_of_squares = (BigUint::from(high) << 64) + low;
        Self { count: values.len() as u64, min, max, sum, sum_of_squares }
    }

    /// The arithmetic mean.
    pub(super) fn mean(&self) -> f64 {
        nearest_double(&self.sum.into(), &self.count.into())
    }

    /// The population variance: with n values, sum S and sum of squares Q it is Q/n - (S/n)^2 = (n Q - S^2) / n^2. The first
    /// form is notorious for cancellation; here nothing is rounded before the division.
    pub(super) fn variance(&self) -> f64 {
        let sum = BigInt::from(self.sum);
        let numerator = BigInt::from(&self.sum_of_squares * self.count) - &sum * &sum;
        nearest_double(&numerator, &BigUint::from(self.count).pow(2))
    }
}

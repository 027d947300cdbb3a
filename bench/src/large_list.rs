//! Long lists of random integers and the one right answer to them, with no code of the worker's.

use compute_proto::v1::Statistics;
use num_bigint::{BigInt, Sign};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Integers from the whole range of 64 bits, all equally likely.
pub(crate) fn random(seed: u64, count: usize) -> Vec<i64> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|_| random.random()).collect()
}

/// The right answer: exact sums in as many bits as they need, fractions rounded once at the end.
pub(crate) fn answer(values: &[i64]) -> Statistics {
    let (Some(&min), Some(&max)) = (values.iter().min(), values.iter().max()) else { return Statistics::default() };
    let n = BigInt::from(values.len());
    let sum: i128 = values.iter().map(|&value| i128::from(value)).sum();
    let exact_sum = BigInt::from(sum);
    let variance = quotient(&(&n * sum_of_squares(values) - &exact_sum * &exact_sum), &(&n * &n));
    Statistics {
        count: values.len() as u64,
        min,
        max,
        median: median(values),
        mean: quotient(&exact_sum, &n),
        sum: sum.to_string(),
        variance,
        std_dev: variance.sqrt(),
        ..Default::default()
    }
}

fn sum_of_squares(values: &[i64]) -> BigInt {
    // A square has up to 126 bits. The halves are summed apart: each sum has 64 bits of room.
    let (mut high, mut low) = (0_u128, 0_u128);
    for value in values {
        let magnitude = u128::from(value.unsigned_abs());
        let square = magnitude * magnitude;
        high += square >> 64;
        low += square & u128::from(u64::MAX);
    }
    BigInt::from(high) * (BigInt::from(1) << 64) + low
}

fn median(values: &[i64]) -> f64 {
    let (mut values, middle, is_even) = (values.to_vec(), values.len() / 2, values.len().is_multiple_of(2));
    let (below, &mut upper, _) = values.select_nth_unstable(middle);
    let lower = below.iter().max().copied().filter(|_| is_even).unwrap_or(upper);
    // `as` rounds to the nearest double, ties to even; halving is exact.
    (i128::from(lower) + i128::from(upper)) as f64 / 2.0
}

/// The double that is nearest to a fraction, ties to even. Its magnitude lies where doubles have all their bits.
fn quotient(numerator: &BigInt, denominator: &BigInt) -> f64 {
    /// Bits of a quotient that are looked at: eleven more than a double has, and whether anything follows them.
    const BITS: u64 = 64;
    let (sign, numerator) = (numerator.sign(), numerator.magnitude());
    let denominator = denominator.magnitude();
    let up = (BITS + 1 + denominator.bits()).saturating_sub(numerator.bits());
    let scaled = numerator << up;
    let whole = &scaled / denominator;
    let down = whole.bits().saturating_sub(BITS);
    let top = &whole >> down;
    let is_exact = (&top << down) * denominator == scaled;
    let bits = u64::try_from(top).unwrap_or(u64::MAX) | u64::from(!is_exact);
    let magnitude = bits as f64 * 2_f64.powi(exponent(down) - exponent(up));
    if sign == Sign::Minus { -magnitude } else { magnitude }
}

fn exponent(bits: u64) -> i32 {
    i32::try_from(bits).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use compute_proto::v1::ComputeRequest;

    use super::*;

    #[test]
    fn the_oracle_knows_the_answer_of_the_readme() {
        let answer = answer(&[4, 5, 2, 35, 2452]);
        assert_eq!((answer.min, answer.max, answer.count, answer.sum.as_str()), (2, 2452, 5, "2498"));
        assert_eq!((answer.median, answer.mean), (5.0, 499.6));
        assert_eq!((answer.variance, answer.std_dev), (953_114.64, 976.275_903_625_609_3));
    }

    #[test]
    fn fractions_are_rounded_once_and_ties_to_even() {
        let quotient = |numerator: i128, denominator: i128| quotient(&numerator.into(), &denominator.into());
        assert_eq!((quotient(1, 3), quotient(-1, 3), quotient(0, 7)), (1.0 / 3.0, -1.0 / 3.0, 0.0));
        let even = (1_i128 << 53) + 1;
        assert_eq!(quotient(even, 1), (1_u64 << 53) as f64, "a tie goes to the even neighbour");
        assert_eq!(quotient(even * 1000 + 1, 1000), ((1_u64 << 53) + 2) as f64, "a little more is no tie");
    }

    #[test]
    fn the_oracle_agrees_with_the_worker_on_lists_of_every_length() {
        for count in (1..200).chain([10_000, 10_001]) {
            let values = random(count as u64, count);
            let request = ComputeRequest { values: values.clone(), ..Default::default() };
            let computed = compute_worker::statistics::compute(&request).expect("a valid request");
            assert_eq!(computed, answer(&values), "{count} values");
        }
        for values in [vec![i64::MIN; 3], vec![i64::MAX; 4], vec![i64::MIN, i64::MAX], vec![0]] {
            let request = ComputeRequest { values: values.clone(), ..Default::default() };
            assert_eq!(compute_worker::statistics::compute(&request).expect("valid"), answer(&values), "{values:?}");
        }
    }
}

//! Rounding a fraction once.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of the fraction field of a double (IEEE 754 binary64). Between 2^e and 2^(e + 1) doubles are 2^(e - 52) apart.
const FRACTION_BITS: i64 = f64::MANTISSA_DIGITS as i64 - 1;

/// The exponent of the smallest positive double, 2^-1074. Nowhere are doubles closer together.
const MIN_SPACING: i64 = f64::MIN_EXP as i64 - 1 - FRACTION_BITS;

/// The exponent of the widest distance between neighbouring doubles, 2^971.
const MAX_SPACING: i64 = f64::MAX_EXP as i64 - 1 - FRACTION_BITS;

/// The same as [`nearest_double`], of machine integers: most lists are short and of small numbers, and do without big integers.
pub(super) fn nearest_ratio(numerator: i128, denominator: u128) -> f64 {
    /// Up to here every integer is a double, and the processor's division rounds the quotient of two doubles once.
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    if numerator.unsigned_abs() <= EXACT && denominator <= EXACT {
        return numerator as f64 / denominator as f64;
    }
    nearest_double(&numerator.into(), &denominator.into())
}

/// The double nearest to `numerator / denominator`, the one with the even significand when two are equally near
/// (roundTiesToEven, IEEE 754-2019, section 4.3.1). Zero is positive; beyond the largest double follows infinity.
///
/// The fraction need not be in lowest terms; the denominator must not be 0.
///
/// Divides so that the quotient has as many bits as a double holds there, hence counts multiples of the distance between
/// neighbouring doubles, and decides by the remainder. Subnormal results differ only in the distance, so they are not rounded
/// twice.
pub(super) fn nearest_double(numerator: &BigInt, denominator: &BigUint) -> f64 {
    let magnitude = numerator.magnitude();
    if numerator.sign() == Sign::NoSign {
        return 0.0;
    }

    let spacing = (floor_log2(magnitude, denominator) - FRACTION_BITS).max(MIN_SPACING);
    if spacing > MAX_SPACING {
        return if numerator.sign() == Sign::Minus { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let (dividend, divisor) = scale(magnitude, denominator, -spacing);
    let quotient = &dividend / &divisor;
    let remainder = dividend - &quotient * &divisor;
    let mut multiple = u64::try_from(quotient).expect("the spacing was chosen for a quotient below 2^53");
    multiple += match (remainder << 1_u32).cmp(&divisor) {
        Ordering::Less => 0,
        Ordering::Equal => multiple & 1,
        Ordering::Greater => 1,
    };

    // Both factors are doubles and so is their product, by construction: nothing is rounded here. (At the upper end the
    // product may be infinite, which is what rounding up from there means.)
    let result = multiple as f64 * power_of_two(spacing);
    if numerator.sign() == Sign::Minus { -result } else { result }
}

/// The largest e with 2^e <= numerator / denominator, both positive.
fn floor_log2(numerator: &BigUint, denominator: &BigUint) -> i64 {
    // The numbers of bits leave two candidates.
    let upper = bits(numerator) - bits(denominator);
    let (dividend, divisor) = scale(numerator, denominator, -upper);
    if dividend >= divisor { upper } else { upper - 1 }
}

fn bits(number: &BigUint) -> i64 {
    i64::try_from(number.bits()).expect("a number of 2^63 bits does not fit into memory")
}

/// Numerator and denominator of the fraction times 2^exponent.
fn scale(numerator: &BigUint, denominator: &BigUint, exponent: i64) -> (BigUint, BigUint) {
    let shift = exponent.unsigned_abs();
    if exponent < 0 { (numerator.clone(), denominator << shift) } else { (numerator << shift, denominator.clone()) }
}

/// 2^exponent, for an exponent from `MIN_SPACING` to `MAX_SPACING`.
fn power_of_two(exponent: i64) -> f64 {
    let bits = if exponent < f64::MIN_EXP as i64 - 1 {
        // Subnormal: the bit's place counts.
        1 << (exponent - MIN_SPACING)
    } else {
        ((exponent + f64::MAX_EXP as i64 - 1) as u64) << FRACTION_BITS
    };
    f64::from_bits(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nearest(numerator: impl Into<BigInt>, denominator: impl Into<BigUint>) -> f64 {
        nearest_double(&numerator.into(), &denominator.into())
    }

    fn two_to_the(exponent: u32) -> BigInt {
        BigInt::from(1) << exponent
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour() {
        let odd_half = (1_i64 << 53) + 1;
        assert_eq!(nearest(odd_half, 1_u8), (1_i64 << 53) as f64);
        assert_eq!(nearest(odd_half + 2, 1_u8), ((1_i64 << 53) + 4) as f64);
        assert_eq!(nearest(-odd_half, 1_u8), -((1_i64 << 53) as f64));
        // The least bit beyond the tie decides it.
        let beyond: BigInt = BigInt::from(odd_half) * two_to_the(200) + 1;
        assert_eq!(nearest(beyond, two_to_the(200).magnitude().clone()), ((1_i64 << 53) + 2) as f64);
    }

    #[test]
    fn rounding_up_may_carry_into_the_next_power_of_two() {
        assert_eq!(nearest((1_i64 << 54) - 1, 1_u8), (1_i64 << 54) as f64);
        assert_eq!(nearest((1_i64 << 54) - 1, 1_u64 << 54), 1.0);
    }

    #[test]
    fn the_smallest_doubles_are_rounded_once() {
        let least = f64::from_bits(1);
        assert_eq!(nearest(1, two_to_the(1074).magnitude().clone()), least);
        assert_eq!(nearest(1, two_to_the(1075).magnitude().clone()), 0.0);
        assert_eq!(nearest(3, two_to_the(1076).magnitude().clone()), least);
        assert_eq!(nearest(3, two_to_the(1075).magnitude().clone()), f64::from_bits(2));
        assert_eq!(nearest(1, two_to_the(100_000).magnitude().clone()), 0.0);
        assert_eq!(nearest(1, two_to_the(1022).magnitude().clone()), f64::MIN_POSITIVE);
    }

    #[test]
    fn beyond_the_largest_double_follows_infinity() {
        let largest = two_to_the(1024) - two_to_the(971);
        assert_eq!(nearest(largest.clone(), 1_u8), f64::MAX);
        assert_eq!(nearest(&largest + two_to_the(970) - 1, 1_u8), f64::MAX);
        assert_eq!(nearest(&largest + two_to_the(970), 1_u8), f64::INFINITY);
        assert_eq!(nearest(-two_to_the(5000), 1_u8), f64::NEG_INFINITY);
    }

    #[test]
    fn zero_is_positive() {
        assert_eq!(nearest(0, 7_u8).to_bits(), 0.0_f64.to_bits());
    }

    proptest! {
        // Division and conversion in hardware round correctly, so they are the oracle wherever operands are doubles.
        #[test]
        fn agrees_with_division_in_hardware(n in -(1_i64 << 53)..=1 << 53, d in 1..=1_u64 << 53) {
            prop_assert_eq!(nearest(n, d), n as f64 / d as f64);
        }

        #[test]
        fn agrees_with_division_of_doubles_of_any_exponent(
            n in 1..1_u64 << 53, d in 1..1_u64 << 53, shift in 0..1000_u32, down in any::<bool>(),
        ) {
            // The larger operand stays a double: 53 bits and 970 zeros at most.
            let power = f64::from_bits(u64::from(shift.min(970) + 1023) << 52);
            let shifted = |x: u64| BigUint::from(x) << shift.min(970);
            if down {
                prop_assert_eq!(nearest(n, shifted(d)), n as f64 / (d as f64 * power));
            } else {
                prop_assert_eq!(nearest(shifted(n), d), n as f64 * power / d as f64);
            }
        }

        #[test]
        fn machine_integers_are_divided_like_big_ones(n in any::<i128>(), d in 1..=u128::MAX, n_bits in 0..127_u32, d_bits in 0..127_u32) {
            let (n, d) = (n >> n_bits, (d >> d_bits).max(1));
            prop_assert_eq!(nearest_ratio(n, d).to_bits(), nearest(n, d).to_bits());
        }

        #[test]
        fn agrees_with_conversion_of_integers(n in any::<i128>(), shift in 0..127) {
            prop_assert_eq!(nearest(n >> shift, 1_u8), (n >> shift) as f64);
        }

        #[test]
        fn does_not_depend_on_lowest_terms(n in any::<i128>(), d in 1..=u128::MAX, factor in 1..=u64::MAX) {
            prop_assert_eq!(nearest(n, d), nearest(BigInt::from(n) * factor, BigUint::from(d) * factor));
        }
    }
}

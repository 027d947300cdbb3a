//! The inner loops over the values, in one version for each set of instructions, of which the best is picked at run time.
//!
//! All versions give the same: sums are exact, so it does not matter in which order and in how many lanes they are formed.
//!
//! Totals and splits have a loop each, over a block that the first brings into the cache. One loop for both needs more registers
//! than AVX2 has, which took half as long again; with AVX-512 it saved an eighth.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::fmt;
use std::str::FromStr;

use super::bracket::{Bracket, Split};
use super::totals::Totals;

/// Most values of one call: they stay in the first-level cache from one call to the next, and sums of so many 52-bit numbers hold
/// in 64 bits.
pub(super) const BLOCK: usize = 4096;

/// Values that may be written beyond those kept: a whole vector is stored however few of it count.
pub(super) const SLACK: usize = 8;

/// A version of the inner loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Plain Rust, for every machine.
    Portable,
    /// AVX2: four values at once.
    Avx2,
    /// AVX-512 with its 52-bit products (IFMA): eight values at once.
    Avx512,
}

impl Kernel {
    /// Those that this machine can run, the best last.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Avx2, Self::Avx512].into_iter().filter(|kernel| kernel.is_available()).collect()
    }

    /// The best that this machine can run.
    pub fn best() -> Self {
        [Self::Avx512, Self::Avx2].into_iter().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The totals of at most [`BLOCK`] values. What this machine cannot run is left to the portable version, here and below.
    pub(super) fn totals(self, block: &[i64]) -> Totals {
        debug_assert!(block.len() <= BLOCK);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if self.is_available() => avx512::totals(block),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if self.is_available() => avx2::totals(block),
            _ => portable::totals(block),
        }
    }

    /// Adds at most [`BLOCK`] values to the split of a list about a bracket.
    pub(super) fn split(self, block: &[i64], bracket: Bracket, split: &mut Split) {
        debug_assert!(block.len() <= BLOCK);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if self.is_available() => avx512::split(block, bracket, split),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if self.is_available() => avx2::split(block, bracket, split),
            _ => portable::split(block, bracket, split),
        }
    }

    /// Scales the distances of at most [`BLOCK`] values from `min`, of which none is below, and rounds them to the nearest integer.
    pub(super) fn scale(self, block: &[i64], min: i64, scale: f64, scaled: &mut [u32; BLOCK]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if self.is_available() => avx512::scale(block, min, scale, scaled),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if self.is_available() => avx2::scale(block, min, scale, scaled),
            _ => portable::scale(block, min, scale, scaled),
        }
    }
}

/// A name that no kernel of this machine has.
#[derive(Debug, thiserror::Error)]
#[error("this machine has no kernel {name:?}, only {available}")]
pub struct UnknownKernel {
    name: String,
    available: String,
}

impl FromStr for Kernel {
    type Err = UnknownKernel;

    /// A kernel of this machine by its name.
    fn from_str(name: &str) -> Result<Self, UnknownKernel> {
        let available = Self::available();
        available.iter().copied().find(|kernel| kernel.to_string() == name).ok_or_else(|| UnknownKernel {
            name: name.to_owned(),
            available: available.iter().map(Self::to_string).collect::<Vec<_>>().join(", "),
        })
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

/// The sum of numbers of which the lanes hold the sum modulo 2^64 and that of what is above their lowest `shift` bits. What lies
/// below them adds up to less than 2^64, so the two decide it.
#[cfg(target_arch = "x86_64")]
fn exact_total<const LANES: usize>(wrapped: [u64; LANES], upper: [u64; LANES], shift: u32) -> u128 {
    let lower = wrapped.into_iter().zip(upper).map(|(wrapped, upper)| wrapped.wrapping_sub(upper << shift));
    lower.map(u128::from).sum::<u128>() + (total(upper) << shift)
}

/// The sum of all lanes.
#[cfg(target_arch = "x86_64")]
fn total<const LANES: usize>(lanes: [u64; LANES]) -> u128 {
    lanes.into_iter().map(u128::from).sum()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn totals(block: &[i64]) -> Totals {
        let mut totals = Totals::NONE;
        block.iter().for_each(|&value| totals.add(value));
        totals
    }

    /// Spread, crowded, and at the ends.
    fn value() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -3..=3_i64, Just(i64::MIN), Just(i64::MAX)]
    }

    #[test]
    fn the_best_kernel_is_one_of_this_machine_and_the_portable_one_always_is() {
        assert_eq!(Kernel::available().last(), Some(&Kernel::best()));
        assert_eq!(Kernel::available().first(), Some(&Kernel::Portable));
    }

    #[test]
    fn no_lane_overflows_in_a_whole_block() {
        for value in [i64::MIN, i64::MAX, -1, 0, i64::MIN + ((1 << 52) - 1), 0xffff_ffff] {
            for kernel in Kernel::available() {
                assert_eq!(kernel.totals(&[value; BLOCK]), totals(&[value; BLOCK]), "{kernel}, {value}");
            }
        }
    }

    #[test]
    fn a_kernel_of_this_machine_is_known_by_its_name() {
        for kernel in Kernel::available() {
            assert_eq!(kernel.to_string().parse::<Kernel>().expect("known"), kernel);
        }
        let unknown = "mmx".parse::<Kernel>().expect_err("no such kernel").to_string();
        assert!(unknown.starts_with("this machine has no kernel \"mmx\", only portable"), "{unknown}");
    }

    #[test]
    fn every_kernel_runs_or_is_replaced() {
        for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
            assert_eq!(kernel.totals(&[1, 2, 3]).max, 3);
        }
    }

    proptest! {
        #[test]
        fn totals_are_those_of_adding_value_by_value(block in vec(value(), 0..100)) {
            for kernel in Kernel::available() {
                prop_assert_eq!(kernel.totals(&block), totals(&block), "{}", kernel);
            }
        }

        #[test]
        fn a_split_counts_and_keeps_what_it_says(
            blocks in vec(vec(value(), 0..100), 1..4),
            low in value(),
            high in value(),
        ) {
            let (low, high) = (low.min(high), low.max(high));
            let values = blocks.concat();
            let count = |counts: fn(i64, i64) -> bool, end| values.iter().filter(|&&v| counts(v, end)).count() as u64;
            for kernel in Kernel::available() {
                let mut split = Split::default();
                blocks.iter().for_each(|block| kernel.split(block, Bracket { low, high }, &mut split));
                prop_assert_eq!(split.below_low, count(|v, end| v < end, low), "{}", kernel);
                prop_assert_eq!(split.above_low, count(|v, end| v > end, low), "{}", kernel);
                prop_assert_eq!(split.above_high, count(|v, end| v > end, high), "{}", kernel);
                let inside: Vec<_> = values.iter().copied().filter(|&v| low < v && v < high).collect();
                prop_assert_eq!(split.inside.as_mut_slice(), inside, "{}", kernel);
            }
        }

        #[test]
        fn scaled_distances_are_the_nearest_integers(block in vec(value(), 1..100), bins in 1..=u32::MAX) {
            let min = *block.iter().min().expect("some");
            let width = block.iter().max().expect("some").abs_diff(min).max(1);
            for kernel in Kernel::available() {
                let mut scaled = [0; BLOCK];
                kernel.scale(&block, min, f64::from(bins) / width as f64, &mut scaled);
                for (&value, scaled) in block.iter().zip(scaled) {
                    // Twice the error, times the width: at most the width, but for what rounding in doubles adds.
                    let exact = 2 * u128::from(value.abs_diff(min)) * u128::from(bins);
                    let error = exact.abs_diff(2 * u128::from(scaled) * u128::from(width));
                    prop_assert!(error <= u128::from(width) + (exact >> 50), "{kernel}: {value} became {scaled}");
                }
            }
        }
    }
}

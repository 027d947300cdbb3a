//! The inner loop over the values, in one version for each set of instructions, of which the best is picked at run time.
//!
//! All versions give the same: sums are exact, so it does not matter in which order and in how many lanes they are formed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::fmt;

use super::bracket::{Bracket, Split};
use super::totals::Totals;

/// Most values of one call of the inner loop: they stay in the first-level cache from one bracket to the next, and sums of so
/// many 52-bit numbers hold in 64 bits.
pub(super) const BLOCK: usize = 4096;

/// Values that may be written beyond those kept: a whole vector is stored however few of it count.
const SLACK: usize = 8;

/// A version of the inner loop.
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

    /// Adds at most [`BLOCK`] values to what is known of the list: to its split about a bracket and, if wanted, to its totals.
    ///
    /// What this machine cannot run is left to the portable version.
    pub(super) fn add(self, block: &[i64], bracket: Bracket, split: &mut Split, totals: Option<&mut Totals>) {
        debug_assert!(block.len() <= BLOCK);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if self.is_available() => avx512::add(block, bracket, split, totals),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if self.is_available() => avx2::add(block, bracket, split, totals),
            _ => portable::add(block, bracket, split, totals),
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

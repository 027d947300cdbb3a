//! The inner loops in plain Rust.

use super::{BLOCK, Bracket, Split, Totals};

pub(super) fn totals(block: &[i64]) -> Totals {
    let mut totals = Totals::NONE;
    for &value in block {
        totals.add(value);
    }
    totals
}

pub(super) fn split(block: &[i64], Bracket { low, high }: Bracket, split: &mut Split) {
    let (mut below_low, mut above_low, mut above_high) = (0, 0, 0);
    let room = split.inside.room(block.len() + 1);
    let mut kept = 0;
    for &value in block {
        below_low += u64::from(value < low);
        above_low += u64::from(value > low);
        above_high += u64::from(value > high);
        // Written always and kept if it counts: nobody can predict the branch that this saves.
        room[kept] = value;
        kept += usize::from((value > low) & (value < high));
    }
    split.below_low += below_low;
    split.above_low += above_low;
    split.above_high += above_high;
    split.inside.keep(kept);
}

/// Compiled into other versions too, with their instructions.
#[inline(always)]
pub(super) fn scale(block: &[i64], min: i64, scale: f64, scaled: &mut [u32; BLOCK]) {
    // Doubles from 2^52 on are integers, of which the lower bits are the number: adding it rounds.
    const INTEGERS: f64 = (1_u64 << (f64::MANTISSA_DIGITS - 1)) as f64;
    for (scaled, value) in scaled.iter_mut().zip(block) {
        let distance = value.wrapping_sub(min).cast_unsigned() as f64;
        *scaled = (distance * scale + INTEGERS).to_bits() as u32;
    }
}

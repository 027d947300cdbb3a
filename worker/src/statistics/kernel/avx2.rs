//! The inner loops with AVX2.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::totals::Sum192;
use super::{BLOCK, Bracket, SLACK, Split, Totals, exact_total, portable};

const LANES: usize = 4;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")
}

pub(super) fn totals(block: &[i64]) -> Totals {
    assert!(is_available());
    let (vectors, rest) = block.as_chunks();
    // SAFETY: the machine has what the function needs.
    let mut totals = unsafe { totals_of_vectors(vectors) };
    totals.merge(&portable::totals(rest));
    totals
}

pub(super) fn split(block: &[i64], bracket: Bracket, split: &mut Split) {
    assert!(is_available());
    let (vectors, rest) = block.as_chunks();
    // SAFETY: the machine has what the function needs.
    unsafe { split_vectors(vectors, bracket, split) };
    portable::split(rest, bracket, split);
}

pub(super) fn scale(block: &[i64], min: i64, scale: f64, scaled: &mut [u32; BLOCK]) {
    #[target_feature(enable = "avx2")]
    fn scale_vectors(block: &[i64], min: i64, scale: f64, scaled: &mut [u32; BLOCK]) {
        portable::scale(block, min, scale, scaled);
    }
    assert!(is_available());
    // SAFETY: the machine has what the function needs.
    unsafe { scale_vectors(block, min, scale, scaled) }
}

#[target_feature(enable = "avx2,popcnt")]
fn split_vectors(vectors: &[[i64; LANES]], bracket: Bracket, split: &mut Split) {
    let (low, high) = (_mm256_set1_epi64x(bracket.low), _mm256_set1_epi64x(bracket.high));
    let mut below_low = _mm256_setzero_si256();
    let (mut above_low, mut above_high) = (below_low, below_low);
    let room = split.inside.room(vectors.as_flattened().len() + SLACK);
    let mut kept = 0;
    for vector in vectors {
        let values = load(vector);
        // What a comparison gives is -1 where it holds.
        let is_above_low = _mm256_cmpgt_epi64(values, low);
        below_low = _mm256_sub_epi64(below_low, _mm256_cmpgt_epi64(low, values));
        above_low = _mm256_sub_epi64(above_low, is_above_low);
        above_high = _mm256_sub_epi64(above_high, _mm256_cmpgt_epi64(values, high));
        // Stored always and kept as far as it counts: nobody can predict the branch that this saves.
        let is_inside = _mm256_and_si256(is_above_low, _mm256_cmpgt_epi64(high, values));
        let mask = _mm256_movemask_pd(_mm256_castsi256_pd(is_inside)).cast_unsigned();
        store(&mut room[kept..], compress(values, mask));
        kept += mask.count_ones() as usize;
    }
    split.below_low += lanes(below_low).into_iter().sum::<u64>();
    split.above_low += lanes(above_low).into_iter().sum::<u64>();
    split.above_high += lanes(above_high).into_iter().sum::<u64>();
    split.inside.keep(kept);
}

#[target_feature(enable = "avx2")]
fn totals_of_vectors(vectors: &[[i64; LANES]]) -> Totals {
    let mut sums = Sums::zero();
    for vector in vectors {
        sums.add(load(vector));
    }
    sums.totals(vectors.as_flattened().len())
}

/// The sums of values moved to u = v + 2^63, lane by lane. A number u is h x 2^32 + l, of 32 bits each, and products have 64 bits,
/// of which the sum is kept modulo 2^64 together with that of their upper halves.
struct Sums {
    min: __m256i,
    max: __m256i,
    /// Of u.
    values: ExactSum,
    /// Of l x l, of l x h and of h x h.
    squares: [ExactSum; 3],
}

/// Sums of 64-bit numbers: modulo 2^64, and of their upper 32 bits.
#[derive(Clone, Copy)]
struct ExactSum {
    wrapped: __m256i,
    upper: __m256i,
}

impl Sums {
    #[target_feature(enable = "avx2")]
    fn zero() -> Self {
        let zero = ExactSum { wrapped: _mm256_setzero_si256(), upper: _mm256_setzero_si256() };
        let (min, max) = (_mm256_set1_epi64x(i64::MAX), _mm256_set1_epi64x(i64::MIN));
        Self { min, max, values: zero, squares: [zero; 3] }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn add(&mut self, values: __m256i) {
        self.min = _mm256_blendv_epi8(self.min, values, _mm256_cmpgt_epi64(self.min, values));
        self.max = _mm256_blendv_epi8(self.max, values, _mm256_cmpgt_epi64(values, self.max));
        let moved = _mm256_xor_si256(values, _mm256_set1_epi64x(i64::MIN));
        let high = _mm256_srli_epi64::<32>(moved);
        self.values.add(moved);
        // A product is that of the lower halves.
        let [ll, lh, hh] = &mut self.squares;
        ll.add(_mm256_mul_epu32(moved, moved));
        lh.add(_mm256_mul_epu32(moved, high));
        hh.add(_mm256_mul_epu32(high, high));
    }

    #[target_feature(enable = "avx2")]
    fn totals(&self, count: usize) -> Totals {
        let [ll, lh, hh] = self.squares.map(|sums| sums.total());
        Totals {
            count: count as u64,
            min: lanes(self.min).map(u64::cast_signed).into_iter().fold(i64::MAX, i64::min),
            max: lanes(self.max).map(u64::cast_signed).into_iter().fold(i64::MIN, i64::max),
            sum: self.values.total(),
            // u^2 = l^2 + 2 l h x 2^32 + h^2 x 2^64
            squares: Sum192::of_shifted([(ll, 0), (lh, 33), (hh, 64)]),
        }
    }
}

impl ExactSum {
    #[target_feature(enable = "avx2")]
    #[inline]
    fn add(&mut self, numbers: __m256i) {
        self.wrapped = _mm256_add_epi64(self.wrapped, numbers);
        self.upper = _mm256_add_epi64(self.upper, _mm256_srli_epi64::<32>(numbers));
    }

    #[target_feature(enable = "avx2")]
    fn total(self) -> u128 {
        exact_total(lanes(self.wrapped), lanes(self.upper), 32)
    }
}

/// Moves the values whose bits are set in the mask to the front.
#[inline]
#[target_feature(enable = "avx2")]
fn compress(values: __m256i, mask: u32) -> __m256i {
    let order = &FRONT[mask as usize % FRONT.len()];
    // SAFETY: the reference is to as many bytes as are read, and no alignment is asked for.
    let order = unsafe { _mm256_loadu_si256(order.as_ptr().cast()) };
    _mm256_permutevar8x32_epi32(values, order)
}

/// For each mask, which half of which value goes where. What is behind the values that count does not matter.
static FRONT: [[u32; 2 * LANES]; 1 << LANES] = {
    let mut orders = [[0; 2 * LANES]; 1 << LANES];
    let mut mask = 0;
    while mask < orders.len() {
        let (mut lane, mut kept) = (0, 0);
        while lane < LANES {
            if mask & 1 << lane != 0 {
                orders[mask][kept] = 2 * lane as u32;
                orders[mask][kept + 1] = 2 * lane as u32 + 1;
                kept += 2;
            }
            lane += 1;
        }
        mask += 1;
    }
    orders
};

#[inline]
#[target_feature(enable = "avx2")]
fn load(values: &[i64; LANES]) -> __m256i {
    // SAFETY: the reference is to as many bytes as are read, and no alignment is asked for.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(room: &mut [i64], values: __m256i) {
    let room: &mut [i64; LANES] = room.first_chunk_mut().expect("there is room for all values and a vector");
    // SAFETY: the reference is to as many bytes as are written, and no alignment is asked for.
    unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast(), values) }
}

fn lanes(vector: __m256i) -> [u64; LANES] {
    // SAFETY: both have the same size, and any bits are numbers.
    unsafe { std::mem::transmute(vector) }
}

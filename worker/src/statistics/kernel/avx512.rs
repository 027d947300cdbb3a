//! The inner loops with AVX-512.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::super::totals::Sum192;
use super::{BLOCK, Bracket, SLACK, Split, Totals, exact_total, portable, total};

const LANES: usize = 8;

pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512ifma")
        && is_x86_feature_detected!("popcnt")
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
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    fn scale_vectors(block: &[i64], min: i64, scale: f64, scaled: &mut [u32; BLOCK]) {
        portable::scale(block, min, scale, scaled);
    }
    assert!(is_available());
    // SAFETY: the machine has what the function needs.
    unsafe { scale_vectors(block, min, scale, scaled) }
}

#[target_feature(enable = "avx512f,popcnt")]
fn split_vectors(vectors: &[[i64; LANES]], bracket: Bracket, split: &mut Split) {
    let (low, high) = (_mm512_set1_epi64(bracket.low), _mm512_set1_epi64(bracket.high));
    let one = _mm512_set1_epi64(1);
    let mut below_low = _mm512_setzero_si512();
    let (mut above_low, mut above_high) = (below_low, below_low);
    let room = split.inside.room(vectors.as_flattened().len() + SLACK);
    let mut kept = 0;
    for vector in vectors {
        let values = load(vector);
        let is_above_low = _mm512_cmpgt_epi64_mask(values, low);
        below_low = _mm512_mask_add_epi64(below_low, _mm512_cmplt_epi64_mask(values, low), below_low, one);
        above_low = _mm512_mask_add_epi64(above_low, is_above_low, above_low, one);
        above_high = _mm512_mask_add_epi64(above_high, _mm512_cmpgt_epi64_mask(values, high), above_high, one);
        // Stored always and kept as far as it counts: nobody can predict the branch that this saves.
        let is_inside = _mm512_mask_cmplt_epi64_mask(is_above_low, values, high);
        store(&mut room[kept..], _mm512_maskz_compress_epi64(is_inside, values));
        kept += is_inside.count_ones() as usize;
    }
    split.below_low += _mm512_reduce_add_epi64(below_low).cast_unsigned();
    split.above_low += _mm512_reduce_add_epi64(above_low).cast_unsigned();
    split.above_high += _mm512_reduce_add_epi64(above_high).cast_unsigned();
    split.inside.keep(kept);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn totals_of_vectors(vectors: &[[i64; LANES]]) -> Totals {
    let mut sums = Sums::zero();
    for vector in vectors {
        sums.add(load(vector));
    }
    sums.totals(vectors.as_flattened().len())
}

/// The sums of values moved to u = v + 2^63, lane by lane. A number u is h x 2^52 + l, of 12 and 52 bits: IFMA adds the lower or
/// the upper 52 bits of a product of two 52-bit numbers, which it takes from the lower bits of its operands.
struct Sums {
    min: __m512i,
    max: __m512i,
    /// Sum of u, modulo 2^64.
    wrapped: __m512i,
    /// Sum of h.
    high: __m512i,
    /// Sums of the lower and upper halves of l x l and of l x h, and of h x h, which has one half only.
    squares: [__m512i; 5],
}

impl Sums {
    #[target_feature(enable = "avx512f")]
    fn zero() -> Self {
        let (min, max) = (_mm512_set1_epi64(i64::MAX), _mm512_set1_epi64(i64::MIN));
        let zero = _mm512_setzero_si512();
        Self { min, max, wrapped: zero, high: zero, squares: [zero; 5] }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    #[inline]
    fn add(&mut self, values: __m512i) {
        self.min = _mm512_min_epi64(self.min, values);
        self.max = _mm512_max_epi64(self.max, values);
        let moved = _mm512_xor_si512(values, _mm512_set1_epi64(i64::MIN));
        let high = _mm512_srli_epi64::<52>(moved);
        self.wrapped = _mm512_add_epi64(self.wrapped, moved);
        self.high = _mm512_add_epi64(self.high, high);
        let [ll_lower, ll_upper, lh_lower, lh_upper, hh] = self.squares;
        self.squares = [
            _mm512_madd52lo_epu64(ll_lower, moved, moved),
            _mm512_madd52hi_epu64(ll_upper, moved, moved),
            _mm512_madd52lo_epu64(lh_lower, moved, high),
            _mm512_madd52hi_epu64(lh_upper, moved, high),
            _mm512_madd52lo_epu64(hh, high, high),
        ];
    }

    #[target_feature(enable = "avx512f")]
    fn totals(&self, count: usize) -> Totals {
        let [ll_lower, ll_upper, lh_lower, lh_upper, hh] = self.squares.map(|sums| total(lanes(sums)));
        Totals {
            count: count as u64,
            min: _mm512_reduce_min_epi64(self.min),
            max: _mm512_reduce_max_epi64(self.max),
            sum: exact_total(lanes(self.wrapped), lanes(self.high), 52),
            // u^2 = l^2 + 2 l h x 2^52 + h^2 x 2^104
            squares: Sum192::of_shifted([(ll_lower, 0), (ll_upper + 2 * lh_lower, 52), (2 * lh_upper + hh, 104)]),
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(values: &[i64; LANES]) -> __m512i {
    // SAFETY: the reference is to as many bytes as are read, and no alignment is asked for.
    unsafe { _mm512_loadu_epi64(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(room: &mut [i64], values: __m512i) {
    let room: &mut [i64; LANES] = room.first_chunk_mut().expect("there is room for all values and a vector");
    // SAFETY: the reference is to as many bytes as are written, and no alignment is asked for.
    unsafe { _mm512_storeu_epi64(room.as_mut_ptr(), values) }
}

#[target_feature(enable = "avx512f")]
fn lanes(vector: __m512i) -> [u64; LANES] {
    // SAFETY: both have the same size, and any bits are numbers.
    unsafe { std::mem::transmute(vector) }
}

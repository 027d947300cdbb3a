//! Lists that are hard for some way to select, for tests.

use super::sample::Random;

/// Lists of about `count` values, each with a name.
pub(super) fn hard_lists(count: usize) -> Vec<(&'static str, Vec<i64>)> {
    let mut random = Random(1);
    let mut below = |bound: usize| random.below(bound) as i64;
    let spread: Vec<i64> = (0..count).map(|_| below(usize::MAX).wrapping_mul(2)).collect();
    let small: Vec<i64> = (0..count).map(|_| below(1000)).collect();
    let mut sorted = spread.clone();
    sorted.sort_unstable();
    let reversed = sorted.iter().rev().copied().collect();
    let organ_pipe = sorted.iter().step_by(2).chain(sorted.iter().skip(1).step_by(2).rev()).copied().collect();
    let clusters = small.iter().map(|&v| if v % 2 == 0 { v - (1 << 62) } else { v + (1 << 62) }).collect();
    let mut outlier = small.clone();
    outlier[count / 3] = i64::MIN;
    vec![
        ("sorted", sorted),
        ("reversed", reversed),
        ("organ pipe", organ_pipe),
        ("all equal", vec![42; count]),
        ("all equal and smallest", vec![i64::MIN; count]),
        ("two clusters far apart", clusters),
        ("one outlier at the smallest integer", outlier),
        ("six distinct values", small.iter().map(|v| v % 6).collect()),
        ("extremes in turn", (0..count).map(|i| if i % 2 == 0 { i64::MIN } else { i64::MAX }).collect()),
        ("a spike in the middle", spread.iter().zip(&small).map(|(&s, v)| if v % 2 == 0 { 0 } else { s }).collect()),
        ("spread", spread),
    ]
}

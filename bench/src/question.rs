//! Requests whose answers are known: an oracle of its own, which shares no code with the worker.

use compute_proto::v1::{ComputeRequest, Statistics};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Values lie between minus this and this, and lists are short: then every intermediate result below is a whole number that a
/// double holds, and one division rounds it once, which is what the API promises.
const MAX_VALUE: i64 = 9_999;
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=16;

/// A list of integers to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    values: Vec<i64>,
}

impl Question {
    /// The `number`th question of a seed. Questions differ from each other, so that an answer to another one is noticed.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        // The golden ratio spreads the numbers over all seeds of the generator.
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let length = random.random_range(LENGTHS);
        Self { values: (0..length).map(|_| random.random_range(-MAX_VALUE..=MAX_VALUE)).collect() }
    }

    /// A question that is refused, since it asks about nothing.
    pub(crate) fn empty() -> Self {
        Self { values: Vec::new() }
    }

    pub(crate) fn request(&self) -> ComputeRequest {
        ComputeRequest { values: self.values.clone(), ..Default::default() }
    }

    /// The one right answer; that to an empty question is none at all.
    pub(crate) fn answer(&self) -> Statistics {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else { return Statistics::default() };
        let (count, middle) = (sorted.len(), sorted.len() / 2);
        let sum: i64 = sorted.iter().sum();
        let squares: i64 = sorted.iter().map(|value| value * value).sum();
        let n = i64::try_from(count).unwrap_or(i64::MAX);
        let median =
            if count % 2 == 1 { double(sorted[middle]) } else { double(sorted[middle - 1] + sorted[middle]) / 2.0 };
        let variance = double(n * squares - sum * sum) / double(n * n);
        Statistics {
            count: count as u64,
            min,
            max,
            median,
            mean: double(sum) / double(n),
            sum: sum.to_string(),
            variance,
            std_dev: variance.sqrt(),
            ..Default::default()
        }
    }
}

/// A whole number below 2^53, as all here are.
fn double(whole: i64) -> f64 {
    whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_knows_the_answer_of_the_readme() {
        let answer = Question { values: vec![4, 5, 2, 35, 2452] }.answer();
        assert_eq!((answer.min, answer.max, answer.count, answer.sum.as_str()), (2, 2452, 5, "2498"));
        assert_eq!((answer.median, answer.mean), (5.0, 499.6));
        assert_eq!((answer.variance, answer.std_dev), (953_114.64, 976.275_903_625_609_3));
    }

    #[test]
    fn the_oracle_agrees_with_the_worker_on_every_question() {
        for number in 0..2_000 {
            let question = Question::new(7, number);
            let computed = compute_worker::statistics::compute(&question.request()).expect("a valid request");
            assert_eq!(computed, question.answer(), "{question:?}");
        }
    }

    #[test]
    fn questions_repeat_by_seed_and_number_and_differ_otherwise() {
        assert_eq!(Question::new(1, 2), Question::new(1, 2));
        assert_ne!(Question::new(1, 2), Question::new(1, 3));
        assert_ne!(Question::new(1, 2), Question::new(2, 2));
    }
}

//! How often something was how large.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A histogram with fixed buckets. To observe is to add to two atomics: no lock.
#[derive(Debug)]
pub struct Histogram {
    /// The largest value of each bucket but the last, which has no bound; ascending.
    bounds: &'static [f64],
    /// One for each bound, and one for what is above all of them.
    counts: Box<[AtomicU64]>,
    /// The sum of all values, as the bits of an `f64`.
    sum: AtomicU64,
}

/// What a histogram holds at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// The largest value of each bucket, the last one's infinite, and how many values are in it and no earlier one.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all values.
    pub sum: f64,
}

impl Histogram {
    /// A histogram whose buckets end with these values, which ascend.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        debug_assert!(bounds.is_sorted(), "bounds ascend: {bounds:?}");
        Self { bounds, counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Counts a value. A value that is a bound belongs to the bucket that ends with it.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |sum: u64| Some((f64::from_bits(sum) + value).to_bits());
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Counts a duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// What it holds.
    pub fn buckets(&self) -> Buckets {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.zip(self.counts.iter().map(|count| count.load(Ordering::Relaxed))).collect();
        Buckets { buckets, sum: f64::from_bits(self.sum.load(Ordering::Relaxed)) }
    }
}

impl Buckets {
    /// Those of small whole numbers: `counts[n]` times it was `n`.
    #[must_use]
    pub fn of_counts(counts: &[u64]) -> Self {
        let buckets = counts.iter().enumerate().map(|(n, &count)| (n as f64, count)).chain([(f64::INFINITY, 0)]);
        let buckets: Vec<_> = buckets.collect();
        let sum = counts.iter().enumerate().map(|(n, &count)| n as f64 * count as f64).sum();
        Self { buckets, sum }
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_that_has_room_for_it() {
        let histogram = Histogram::new(&[0.5, 1.0]);
        for value in [0.25, 0.5, 0.75, 1.0, 1.5, 1e9] {
            histogram.observe(value);
        }
        histogram.observe_duration(Duration::from_millis(750));
        let Buckets { buckets, sum } = histogram.buckets();
        assert_eq!(buckets, [(0.5, 2), (1.0, 3), (f64::INFINITY, 2)]);
        assert_eq!(sum, 0.25 + 0.5 + 0.75 + 1.0 + 1.5 + 1e9 + 0.75);
        assert_eq!(histogram.buckets().count(), 7);
    }

    #[test]
    fn nothing_is_lost_that_threads_observe_at_once() {
        let histogram = Histogram::new(&[1.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| histogram.observe(1.0)));
            }
        });
        assert_eq!(histogram.buckets(), Buckets { buckets: vec![(1.0, 40_000), (f64::INFINITY, 0)], sum: 40_000.0 });
    }

    #[test]
    fn counts_of_small_numbers_are_buckets() {
        let buckets = Buckets::of_counts(&[3, 0, 2]);
        assert_eq!(buckets.buckets, [(0.0, 3), (1.0, 0), (2.0, 2), (f64::INFINITY, 0)]);
        assert_eq!((buckets.count(), buckets.sum), (5, 4.0));
    }
}

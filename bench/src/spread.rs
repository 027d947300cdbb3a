//! The median of a few measurements, and how far they lie apart.

use std::iter::Sum;

use serde_json::{Value, json};

/// Measurements of one thing, in rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    pub(crate) fn add(&mut self, measurement: f64) {
        let place = self.0.partition_point(|&other| other < measurement);
        self.0.insert(place, measurement);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The least measurement that is not below this part of all, from 0 to 1.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let rank = (part * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        let (len, middle) = (self.0.len(), self.0.len() / 2);
        match len {
            0 => f64::NAN,
            _ if len % 2 == 1 => self.0[middle],
            _ => f64::midpoint(self.0[middle - 1], self.0[middle]),
        }
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "median": self.median(), "min": self.least(), "max": self.most() })
    }
}

impl<'a> Sum<&'a Self> for Spread {
    fn sum<I: Iterator<Item = &'a Self>>(spreads: I) -> Self {
        let mut all: Vec<f64> = spreads.flat_map(|spread| spread.0.iter().copied()).collect();
        all.sort_unstable_by(f64::total_cmp);
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_whatever_the_order() {
        let mut spread = Spread::default();
        assert!(spread.median().is_nan());
        for (measurement, median) in [(3.0, 3.0), (1.0, 2.0), (2.0, 2.0), (10.0, 2.5)] {
            spread.add(measurement);
            assert_eq!(spread.median(), median);
        }
        assert_eq!((spread.least(), spread.most()), (1.0, 10.0));
    }

    #[test]
    fn a_quantile_is_a_measurement_that_so_many_do_not_exceed() {
        let mut spread = Spread::default();
        (1..=100).for_each(|measurement| spread.add(f64::from(measurement)));
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|part| spread.quantile(part)), [1.0, 50.0, 99.0, 100.0]);
        let both: Spread = [&spread, &spread].into_iter().sum();
        assert_eq!((both.len(), both.quantile(0.5)), (200, 50.0));
    }
}

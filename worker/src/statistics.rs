//! The statistics over a list of integers, exact but for one rounding each.
//!
//! Every sum is held exactly, every result is formed as an exact fraction and rounded once to the nearest double, ties to even.
//! So results depend neither on the order of the values nor on how the work is divided, and any implementation with big
//! integers can be compared for equality.
//!
//! Time is linear in the number of values. One pass forms extremes and sums and keeps the few values near the median and the
//! quantiles, for selection; a histogram takes another. [`Kernel`] is the inner loop, with the instructions that the machine has.
//! Long lists are divided among threads.

mod bracket;
mod execution;
#[cfg(test)]
mod hard_lists;
mod histogram;
mod kernel;
mod quantile;
mod rational;
mod sample;
mod scan;
mod selection;
mod totals;

use compute_proto::v1;
use compute_proto::validate::{FieldViolation, validate};

pub use self::execution::Execution;
use self::histogram::histogram;
pub use self::kernel::{Kernel, UnknownKernel};
use self::quantile::Position;
use self::selection::totals_and_order;

/// Computes all that a request asks for. The definition of each statistic is in `proto/compute/v1/compute.proto`.
///
/// # Errors
///
/// The violations that [`validate`] finds, so that nobody has to call it first.
pub fn compute(request: &v1::ComputeRequest) -> Result<v1::Statistics, Vec<FieldViolation>> {
    validate(request)?;
    let bins = request.histogram.map(|v1::HistogramOptions { bins }| bins);
    Ok(of(&request.values, &request.quantiles, bins))
}

/// Computes the statistics of a list of any length, the quantiles for some probabilities, and a histogram if bins are asked for.
///
/// Checks none of the limits of a request. Long lists keep all processors busy for a while: not for threads of an async runtime.
///
/// # Panics
///
/// If there are no values, a probability is not from 0 to 1, or 0 bins are asked for.
pub fn of(values: &[i64], quantiles: &[f64], bins: Option<u32>) -> v1::Statistics {
    of_with(values, quantiles, bins, Execution::best())
}

/// The same, computed as told: for those who measure. The result is the same.
///
/// # Panics
///
/// As [`of`] does.
pub fn of_with(values: &[i64], quantiles: &[f64], bins: Option<u32>, execution: Execution) -> v1::Statistics {
    assert!(!values.is_empty(), "no values");
    assert!(quantiles.iter().all(|p| (0.0..=1.0).contains(p)), "a probability is not from 0 to 1");
    assert!(bins != Some(0), "no bins");

    let middle = Position::of(0.5, values.len());
    let positions: Vec<_> = quantiles.iter().map(|&p| Position::of(p, values.len())).collect();
    let ranks = positions.iter().chain([&middle]).flat_map(Position::ranks).collect();
    let (totals, order) = totals_and_order(values, ranks, execution);
    let at = |rank| order[&rank];

    let variance = totals.variance();
    let quantiles = quantiles.iter().zip(&positions);
    v1::Statistics {
        count: totals.count,
        min: totals.min,
        max: totals.max,
        median: middle.interpolate(at),
        mean: totals.mean(),
        sum: totals.sum().to_string(),
        variance,
        std_dev: variance.sqrt(),
        quantiles: quantiles
            .map(|(&probability, position)| v1::Quantile { probability, value: position.interpolate(at) })
            .collect(),
        histogram: bins.map(|bins| histogram(values, totals.min..=totals.max, bins, execution)),
    }
}

#[cfg(test)]
mod tests;

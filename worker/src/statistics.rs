//! The statistics over a list of integers, exact but for one rounding each.
//!
//! Every sum is held exactly, every result is formed as an exact fraction and rounded once to the nearest double, ties to even.
//! So results depend neither on the order of the values nor on how the work is divided, and any implementation with big
//! integers can be compared for equality.
//!
//! Time is linear in the number of values: one pass for extremes and sums, selection instead of a full sort for the order
//! statistics, one pass for the histogram. Memory is one copy of the values, which selection rearranges.

mod histogram;
mod quantile;
mod rational;
mod selection;
mod totals;

use compute_proto::v1;
use compute_proto::validate::{FieldViolation, validate};

use self::histogram::histogram;
use self::quantile::Position;
use self::rational::nearest_double;
use self::selection::select;
use self::totals::Totals;

/// Computes all that a request asks for. The definition of each statistic is in `proto/compute/v1/compute.proto`.
///
/// # Errors
///
/// The violations that [`validate`] finds, so that nobody has to call it first.
pub fn compute(request: &v1::ComputeRequest) -> Result<v1::Statistics, Vec<FieldViolation>> {
    validate(request)?;
    let values = &request.values;
    let totals = Totals::of(values);
    let variance = totals.variance();

    let middle = Position::of(0.5, values.len());
    let positions: Vec<_> = request.quantiles.iter().map(|&p| Position::of(p, values.len())).collect();
    let mut selected = values.clone();
    select(&mut selected, positions.iter().chain([&middle]).flat_map(Position::ranks).collect());

    let quantiles = request.quantiles.iter().zip(&positions);
    Ok(v1::Statistics {
        count: values.len() as u64,
        min: totals.min,
        max: totals.max,
        median: middle.interpolate(&selected),
        mean: totals.mean(),
        sum: totals.sum.to_string(),
        variance,
        std_dev: variance.sqrt(),
        quantiles: quantiles
            .map(|(&probability, position)| v1::Quantile { probability, value: position.interpolate(&selected) })
            .collect(),
        histogram: request
            .histogram
            .map(|v1::HistogramOptions { bins }| histogram(values, totals.min..=totals.max, bins)),
    })
}

#[cfg(test)]
mod tests;

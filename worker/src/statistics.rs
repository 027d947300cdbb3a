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
    let bins = request.histogram.map(|v1::HistogramOptions { bins }| bins);
    Ok(of(&request.values, &request.quantiles, bins))
}

/// Computes the statistics of a list of any length, the quantiles for some probabilities, and a histogram if bins are asked for.
///
/// Checks none of the limits of a request. Takes long for a long list: not for threads of an async runtime.
///
/// # Panics
///
/// If there are no values, a probability is not from 0 to 1, or 0 bins are asked for.
pub fn of(values: &[i64], quantiles: &[f64], bins: Option<u32>) -> v1::Statistics {
    let totals = Totals::of(values);
    let variance = totals.variance();

    let middle = Position::of(0.5, values.len());
    let positions: Vec<_> = quantiles.iter().map(|&p| Position::of(p, values.len())).collect();
    let mut selected = values.to_vec();
    select(&mut selected, positions.iter().chain([&middle]).flat_map(Position::ranks).collect());

    let quantiles = quantiles.iter().zip(&positions);
    v1::Statistics {
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
        histogram: bins.map(|bins| histogram(values, totals.min..=totals.max, bins)),
    }
}

#[cfg(test)]
mod tests;

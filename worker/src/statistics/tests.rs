use proptest::collection::vec;
use proptest::prelude::*;

use std::num::NonZero;

use compute_proto::validate;

use super::hard_lists::hard_lists;
use super::*;

fn of(values: &[i64]) -> v1::Statistics {
    compute(&v1::ComputeRequest { values: values.to_vec(), ..Default::default() }).expect("valid")
}

#[test]
fn the_example_of_the_documentation() {
    let request = v1::ComputeRequest {
        values: vec![4, 5, 2, 35, 2452],
        quantiles: vec![0.9, 0.0],
        histogram: Some(v1::HistogramOptions { bins: 2 }),
        ..Default::default()
    };
    let expected = v1::Statistics {
        count: 5,
        min: 2,
        max: 2452,
        median: 5.0,
        mean: 499.6,
        sum: "2498".into(),
        variance: 953_114.64,
        std_dev: 953_114.64_f64.sqrt(),
        quantiles: vec![
            // The double 0.9 is a little more than 9/10.
            v1::Quantile { probability: 0.9, value: 1_485.200_000_000_000_3 },
            v1::Quantile { probability: 0.0, value: 2.0 },
        ],
        histogram: Some(v1::Histogram { edges: vec![2.0, 1227.0, 2452.0], counts: vec![4, 1] }),
    };
    assert_eq!(compute(&request), Ok(expected));
}

#[test]
fn one_value_is_its_own_statistics() {
    let statistics = of(&[i64::MIN]);
    assert_eq!((statistics.min, statistics.max, statistics.count), (i64::MIN, i64::MIN, 1));
    assert_eq!((statistics.median, statistics.mean), (i64::MIN as f64, i64::MIN as f64));
    assert_eq!((statistics.variance, statistics.std_dev), (0.0, 0.0));
    assert_eq!(statistics.sum, "-9223372036854775808");
}

#[test]
fn the_median_of_two_is_rounded_once() {
    assert_eq!(of(&[i64::MAX, i64::MIN]).median, -0.5);
    assert_eq!(of(&[3, 1]).median, 2.0);
    assert_eq!(of(&[2, 1]).median, 1.5);
    // 2^53 + 1.5 lies nearer to 2^53 + 2; rounding 2^53 + 1 first would give 2^53.
    assert_eq!(of(&[(1 << 53) + 1, (1 << 53) + 2]).median, ((1_i64 << 53) + 2) as f64);
}

#[test]
fn sums_beyond_64_bits_and_squares_beyond_128_are_exact() {
    let statistics = of(&[i64::MAX; 9]);
    assert_eq!(statistics.sum, "83010348331692982263");
    assert_eq!((statistics.mean, statistics.variance), (i64::MAX as f64, 0.0));

    let statistics = of(&[i64::MIN, i64::MAX, i64::MIN, i64::MAX, i64::MIN, i64::MAX]);
    assert_eq!(statistics.sum, "-3");
    assert_eq!(statistics.mean, -0.5);
    // (2^64 - 1)^2 / 4
    assert_eq!(statistics.variance, 2_f64.powi(126));
}

#[test]
fn a_small_variance_far_from_zero_is_not_cancelled() {
    assert_eq!(of(&[i64::MAX, i64::MAX - 1]).variance, 0.25);
    assert_eq!(of(&[i64::MIN, i64::MIN + 1, i64::MIN + 2]).variance, 2.0 / 3.0);
}

#[test]
fn a_request_out_of_range_is_refused_with_its_violations() {
    let request = v1::ComputeRequest { quantiles: vec![2.0], ..Default::default() };
    let violations = compute(&request).expect_err("no values, no such probability");
    let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["values", "quantiles[0]"]);
}

#[test]
fn neither_instructions_nor_threads_make_a_difference() {
    let short = hard_lists(40_000).into_iter();
    // Long enough that two threads have a part each.
    let long = hard_lists(530_001).into_iter().rev().take(2);
    for (name, values) in short.chain(long) {
        let all = |kernel, threads| {
            let execution = Execution { kernel, threads: NonZero::new(threads).expect("some") };
            of_with(&values, &[0.0, 0.25, 0.9], Some(100), execution)
        };
        let expected = all(Kernel::Portable, 1);
        for kernel in Kernel::available() {
            for threads in [1, 2] {
                assert_eq!(all(kernel, threads), expected, "{name}, {kernel}, {threads} threads");
            }
        }
    }
}

#[test]
fn a_list_may_be_longer_than_a_request() {
    let count = validate::MAX_VALUES + 1;
    let statistics = super::of(&vec![7; count], &[], None);
    assert_eq!((statistics.count, statistics.median, statistics.variance), (count as u64, 7.0, 0.0));
}

#[test]
#[should_panic(expected = "no values")]
fn there_are_no_statistics_of_nothing() {
    super::of(&[], &[], None);
}

proptest! {
    #[test]
    fn the_order_of_the_values_does_not_matter(values in vec(any::<i64>(), 1..50), p in 0.0..=1.0_f64) {
        let mut request = v1::ComputeRequest {
            values,
            quantiles: vec![p],
            histogram: Some(v1::HistogramOptions { bins: 7 }),
            ..Default::default()
        };
        let statistics = compute(&request);
        request.values.sort_unstable();
        prop_assert_eq!(&compute(&request), &statistics);
        request.values.reverse();
        prop_assert_eq!(&compute(&request), &statistics);
    }

    #[test]
    fn no_request_panics(
        values in vec(any::<i64>(), 0..20),
        quantiles in vec(any::<f64>(), 0..3),
        bins in proptest::option::of(0..2000_u32),
    ) {
        let histogram = bins.map(|bins| v1::HistogramOptions { bins });
        let _ = compute(&v1::ComputeRequest { values, quantiles, histogram, ..Default::default() });
    }

    #[test]
    fn quantiles_ascend_and_lie_between_the_extremes(
        values in vec(any::<i64>(), 1..50),
        mut quantiles in vec(0.0..=1.0_f64, 1..20),
    ) {
        quantiles.sort_unstable_by(f64::total_cmp);
        let request = v1::ComputeRequest { values, quantiles, ..Default::default() };
        let statistics = compute(&request).expect("valid");
        let answered: Vec<_> = statistics.quantiles.iter().map(|quantile| quantile.value).collect();
        prop_assert!(answered.is_sorted());
        prop_assert!(answered.iter().all(|&q| statistics.min as f64 <= q && q <= statistics.max as f64));
    }
}

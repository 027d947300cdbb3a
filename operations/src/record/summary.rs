//! The summary of a result for human eyes.

use std::fmt::Write as _;

use compute_proto::v1;

use super::first;

/// The summary of a result, five lines without a newline at the end:
///
/// ```text
/// Liste: [4, 5, 2, 35, 2452]
/// Min:2
/// Max:2452
/// Median:5
/// Mean:499.6
/// ```
///
/// Of more than 1,000 values it shows the first 1,000 and the number of all, which the result knows: `values` need not hold
/// more. It then reads `Liste: [4, 5, …] (1200 values)`. Doubles have the fewest digits that read back, never an exponent, and
/// whole ones no `.0`.
pub fn summary(values: &[i64], statistics: &v1::Statistics) -> String {
    let shown = first(values);
    let mut list = String::new();
    for value in shown {
        let separator = if list.is_empty() { "" } else { ", " };
        write!(list, "{separator}{value}").expect("writing to a string cannot fail");
    }
    let result = of_result(statistics);
    if (shown.len() as u64) < statistics.count {
        format!("Liste: [{list}, …] ({} values)\n{result}", statistics.count)
    } else {
        format!("Liste: [{list}]\n{result}")
    }
}

/// The summary without the line that shows values.
pub(super) fn of_result(statistics: &v1::Statistics) -> String {
    // `Display` of a double is what the summary promises, without an exponent at any magnitude.
    let v1::Statistics { min, max, median, mean, .. } = statistics;
    format!("Min:{min}\nMax:{max}\nMedian:{median}\nMean:{mean}")
}

//! Operations for human eyes.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::RangeInclusive;

use compute_operations::record::{Record, Times};
use compute_proto::v1;
use uuid::Uuid;

use crate::terminal::{ABSENT, printable, shortened, time};

/// Longest name of a worker, and longest message, in a line. Records come from workers in any language.
const CELL: usize = 64;

/// Longest message of an error that stands alone.
const MESSAGE: usize = 4_096;

/// Width of a number in a line.
const NUMBER: usize = 10;

/// The names of the gRPC status codes, from 0.
const STATUS: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Names and widths of the columns; numbers stand at the right. The last one is as wide as it is.
const COLUMNS: [(&str, usize); 10] = [
    ("TIME", 24),
    ("ID", 36),
    ("TENANT", 16),
    ("STATUS", 18),
    ("COUNT", 9),
    ("MIN", NUMBER),
    ("MAX", NUMBER),
    ("MEDIAN", NUMBER),
    ("MEAN", NUMBER),
    ("WORKER", 0),
];
const TENANT: usize = 2;
const NUMBERS: RangeInclusive<usize> = 4..=8;

/// The columns of a listing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    /// Whether there is one for the tenant.
    pub(super) tenant: bool,
}

impl Columns {
    /// The line above the others.
    pub(super) fn write_header(self, out: &mut impl Write) -> io::Result<()> {
        self.write(out, &COLUMNS.map(|(name, _)| name.to_owned()))
    }

    /// One operation.
    pub(super) fn write_record(self, out: &mut impl Write, record: &Record) -> io::Result<()> {
        let [min, max, median, mean] =
            record.result.as_ref().map_or_else(Default::default, |result| numbers(&result.0));
        let mut worker = shortened(&record.worker, CELL);
        if let Some(error) = &record.error {
            write!(worker, "  {}", shortened(&error.message, CELL)).expect("writing to a string cannot fail");
        }
        let tenant = printable(record.tenant.as_deref().unwrap_or(ABSENT)).into_owned();
        let (id, status) = (record.id.to_string(), status(record.status));
        self.write(out, &[time(made(record.id)), id, tenant, status, count(record), min, max, median, mean, worker])
    }

    fn write(self, out: &mut impl Write, cells: &[String; COLUMNS.len()]) -> io::Result<()> {
        let (last, cells) = cells.split_last().expect("there are columns");
        for (index, (cell, (_, width))) in cells.iter().zip(COLUMNS).enumerate() {
            match index {
                TENANT if !self.tenant => {}
                index if NUMBERS.contains(&index) => write!(out, "{cell:>width$}  ")?,
                _ => write!(out, "{cell:width$}  ")?,
            }
        }
        writeln!(out, "{last}")
    }
}

/// One operation whole: the result as in the log's summary, with at most so many values, then what else is known.
pub(super) fn write_operation(out: &mut impl Write, record: &Record, most_values: usize) -> io::Result<()> {
    if let Some(values) = &record.values {
        write_values(out, &values.0, record.count, most_values)?;
    }
    if let Some(result) = &record.result {
        // As the summary in the record, whoever wrote it: doubles without an exponent.
        let v1::Statistics { min, max, median, mean, .. } = &result.0;
        writeln!(out, "Min:{min}\nMax:{max}\nMedian:{median}\nMean:{mean}")?;
    }
    if let Some(error) = &record.error {
        writeln!(out, "Error: {}: {}", status(error.code), shortened(&error.message, MESSAGE))?;
    }
    writeln!(out)?;
    write_facts(out, record)?;
    write_times(out, record.id, record.times)
}

fn write_values(out: &mut impl Write, values: &[i64], count: Option<u64>, most: usize) -> io::Result<()> {
    let shown = &values[..values.len().min(most)];
    write!(out, "Liste: [")?;
    for (index, value) in shown.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(out, "{separator}{value}")?;
    }
    let count = count.unwrap_or(values.len() as u64);
    match (shown.len() as u64 == count, shown.is_empty()) {
        (true, _) => writeln!(out, "]"),
        (false, true) => writeln!(out, "…] ({count} values)"),
        (false, false) => writeln!(out, ", …] ({count} values)"),
    }
}

fn write_facts(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let mut fact = |name: &str, value: &str| writeln!(out, "{name:16}{value}");
    fact("id:", &record.id.to_string())?;
    fact("tenant:", &printable(record.tenant.as_deref().unwrap_or(ABSENT)))?;
    fact("method:", &shortened(&record.method, CELL))?;
    fact("status:", &status(record.status))?;
    fact("values:", &count(record))?;
    fact("payload:", &shortened(record.payload.as_deref().unwrap_or(ABSENT), CELL))?;
    fact("digest:", &shortened(&record.digest, CELL))?;
    fact("worker:", &shortened(&record.worker, CELL))
}

fn write_times(out: &mut impl Write, id: Uuid, times: Times) -> io::Result<()> {
    let Times { sent, first_received, started, finished } = times;
    writeln!(out, "{:16}{}  by the clock that made the id", "made:", time(made(id)))?;
    writeln!(out, "{:16}{}  by SQS's clock", "sent:", time(sent))?;
    writeln!(out, "{:16}{}  by SQS's clock", "received:", time(first_received))?;
    writeln!(out, "{:16}{}  by the worker's clock", "started:", time(started))?;
    writeln!(out, "{:16}{}  by the worker's clock", "finished:", time(finished))?;
    // Two clocks are compared only for the whole.
    writeln!(out, "{:16}{}", "in the queue:", took(sent, first_received))?;
    writeln!(out, "{:16}{}", "computing:", took(started, finished))?;
    writeln!(
        out,
        "{:16}{}  from SQS's acceptance to the end of the work, by two clocks",
        "in all:",
        took(sent, finished)
    )
}

/// How long something took. What clocks that differ make negative took no time.
fn took(from: Option<i64>, to: Option<i64>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("{} ms", to.saturating_sub(from).max(0)),
        _ => ABSENT.to_owned(),
    }
}

/// When the id of an operation was made, in Unix milliseconds.
fn made(id: Uuid) -> Option<i64> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    i64::try_from(seconds).ok()?.checked_mul(1_000)?.checked_add(i64::from(nanoseconds) / 1_000_000)
}

fn status(code: i32) -> String {
    let name = usize::try_from(code).ok().and_then(|code| STATUS.get(code));
    name.map_or_else(|| code.to_string(), |&name| name.to_owned())
}

fn count(record: &Record) -> String {
    record.count.map_or_else(|| ABSENT.to_owned(), |count| count.to_string())
}

fn numbers(statistics: &v1::Statistics) -> [String; 4] {
    let v1::Statistics { min, max, median, mean, .. } = statistics;
    [short_integer(*min), short_integer(*max), short(*median), short(*mean)]
}

fn short_integer(value: i64) -> String {
    let exact = value.to_string();
    if exact.len() <= NUMBER { exact } else { format!("{value:.3e}") }
}

/// The number in as many digits as fit: exact if it is that short.
fn short(value: f64) -> String {
    let fits = |text: &String| text.len() <= NUMBER;
    let exact = value.to_string();
    if fits(&exact) {
        return exact;
    }
    // With three decimals or more it says as much as with an exponent.
    let is_plain = (1e-3..1e6).contains(&value.abs());
    let decimals = (0..NUMBER).rev().map(|digits| format!("{value:.digits$}")).find(fits);
    decimals.filter(|_| is_plain).unwrap_or_else(|| format!("{value:.3e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_where_they_fit_and_never_wider_than_their_column() {
        assert_eq!([short(499.6), short(5.0), short(-0.0), short(1e9)], ["499.6", "5", "-0", "1000000000"]);
        assert_eq!(short(-1.0 / 3.0), "-0.3333333");
        assert_eq!(short(123_456.789_012), "123456.789");
        assert_eq!(short(i64::MIN as f64), "-9.223e18");
        assert_eq!(short(1.234_567_89e-200), "1.235e-200");
        assert_eq!([short_integer(2452), short_integer(i64::MIN)], ["2452", "-9.223e18"]);
        for value in [f64::MAX, f64::MIN, -9.999_999_999, 999_999.999_999, -1.234_567e-300] {
            assert!(short(value).len() <= NUMBER + 1, "{value}: {}", short(value));
        }
    }

    #[test]
    fn a_list_shows_its_first_values_and_the_number_of_all() {
        let line = |values: &[i64], count, most| {
            let mut out = Vec::new();
            write_values(&mut out, values, count, most).expect("written to memory");
            String::from_utf8(out).expect("UTF-8")
        };
        assert_eq!(line(&[4, 5, 2], Some(3), 3), "Liste: [4, 5, 2]\n");
        assert_eq!(line(&[4, 5, 2], Some(3), 2), "Liste: [4, 5, …] (3 values)\n");
        assert_eq!(line(&[4, 5, 2], Some(10_000_000), 1_000), "Liste: [4, 5, 2, …] (10000000 values)\n");
        assert_eq!(line(&[4, 5, 2], None, 0), "Liste: […] (3 values)\n");
        assert_eq!(line(&[], Some(0), 10), "Liste: []\n");
    }

    #[test]
    fn statuses_have_names_if_grpc_knows_them() {
        assert_eq!([status(0), status(16), status(17), status(-1)], ["OK", "UNAUTHENTICATED", "17", "-1"]);
    }

    #[test]
    fn clocks_that_differ_make_no_negative_times() {
        assert_eq!([took(Some(5), Some(3)), took(Some(3), Some(5)), took(None, Some(5))], ["0 ms", "2 ms", "-"]);
        assert_eq!(took(Some(i64::MIN), Some(i64::MAX)), format!("{} ms", i64::MAX));
    }
}

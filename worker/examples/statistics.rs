//! The statistics on the command line, without a queue: one request a line in, one answer a line out.
//!
//! Both are in the JSON of the wire contract (`proto/wire/v1/README.md`): an answer is the body that a worker would reply,
//! statistics or an error with its code. Lines are answered in their order; the tool ends with its input.
//!
//! ```console
//! $ echo '{"values":[4,5,2,35,2452],"quantiles":[0.9]}' | cargo run -q -p compute-worker --example statistics
//! {"count":5,"min":2,"max":2452,"median":5,"mean":499.6,"sum":"2498","variance":953114.64,…}
//! $ echo '{"values":[]}' | cargo run -q -p compute-worker --example statistics
//! {"code":3,"details":[…],"message":"values: the list is empty, it must hold 1 to 10000000 values"}
//! ```
//!
//! The tests in `local/tests/python/test_statistics.py` compare it with Python's exact fractions. For them, `--kernel` picks the
//! version of the inner loops; the tool ends with 2 if the machine cannot run it.

use std::io::{self, BufRead as _, Write as _};
use std::num::NonZero;

use clap::Parser;
use compute_proto::validate::{FieldViolation, bad_request_detail, validate};
use compute_proto::wire::{request_from_json, statistics_to_json};
use compute_worker::statistics::{Execution, Kernel, of_with};
use serde_json::json;

/// Answers one request a line with statistics.
#[derive(Parser)]
struct CommandLine {
    /// Version of the inner loops: portable, avx2 or avx512. Without it the best that the machine has
    #[arg(long)]
    kernel: Option<Kernel>,
    /// Most threads to work on one list. Without it as many as the machine has processors
    #[arg(long)]
    threads: Option<NonZero<usize>>,
}

fn main() -> io::Result<()> {
    let command_line = CommandLine::parse();
    let best = Execution::best();
    let execution = Execution {
        kernel: command_line.kernel.unwrap_or(best.kernel),
        threads: command_line.threads.unwrap_or(best.threads),
    };
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        writeln!(output, "{}", answer(&line?, execution))?;
        // Whoever asks line by line waits for each answer.
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str, execution: Execution) -> String {
    let request = match request_from_json(line) {
        Ok(request) => request,
        Err(error) => return invalid(&error.to_string(), error.violation().as_slice()),
    };
    match validate(&request) {
        Ok(()) => {
            let bins = request.histogram.map(|histogram| histogram.bins);
            statistics_to_json(&of_with(&request.values, &request.quantiles, bins, execution))
        }
        Err(violations) => {
            let reasons: Vec<_> = violations.iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
            invalid(&reasons.join("; "), &violations)
        }
    }
}

/// The body of an error reply with the code `INVALID_ARGUMENT`.
fn invalid(message: &str, violations: &[FieldViolation]) -> String {
    let details = if violations.is_empty() { json!([]) } else { json!([bad_request_detail(violations)]) };
    json!({ "code": 3, "message": message, "details": details }).to_string()
}

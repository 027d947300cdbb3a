//! What a call costs in requests and in dollars.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::entrant::Load;
use crate::report::{Report, Table};
use crate::traffic::Traffic;

/// A load with the name it has in the table.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) loads: &'a [Load],
}

impl Named<'_> {
    fn calls(&self) -> f64 {
        self.loads.iter().map(|load| load.tally.right).sum::<u64>().max(1) as f64
    }

    /// What `count` finds in all loads, for each call.
    fn each(&self, count: impl Fn(&Traffic) -> f64) -> f64 {
        self.loads.iter().map(|load| count(&load.traffic)).sum::<f64>() / self.calls()
    }

    fn million(&self, service: &str) -> f64 {
        1e6 * self.each(|traffic| traffic.dollars(service))
    }
}

/// SQS requests a call, without polls that brought no message.
pub(super) fn sqs(load: &Load) -> f64 {
    load.each(load.traffic.sqs_requests() as f64)
}

/// S3 requests a call.
pub(super) fn s3(load: &Load) -> f64 {
    load.each(load.traffic.s3_requests() as f64)
}

/// A column for each load: requests a call by operation, as a bill counts them, and dollars.
pub(super) fn tell(report: &mut Report, named: &[Named<'_>]) {
    let mut head = vec!["a call".to_owned()];
    head.extend(named.iter().map(|named| named.name.clone()));
    let mut table = Table::with_head(head);
    let mut row = |name: &str, cell: &dyn Fn(&Named<'_>) -> String| {
        table.push([name.to_owned()].into_iter().chain(named.iter().map(cell)).collect());
    };
    row("SQS requests", &|named| format!("{:.4}", named.each(|traffic| traffic.sqs_requests() as f64)));
    row("  idle polls, apart", &|named| format!("{:.4}", named.each(|traffic| traffic.empty_polls() as f64)));
    row("S3 requests", &|named| format!("{:.4}", named.each(|traffic| traffic.s3_requests() as f64)));
    for operation in operations(named) {
        row(&format!("billed {operation}"), &|named| {
            format!("{:.4}", named.each(|traffic| traffic.requests(operation).billed as f64))
        });
    }
    row("$ a million, SQS", &|named| format!("{:.3}", named.million("sqs")));
    row("$ a million, S3", &|named| format!("{:.3}", named.million("s3")));
    row("$ a million", &|named| format!("{:.3}", named.million("sqs") + named.million("s3")));
    report.table(table);
    for named in named {
        report.figure(&format!("costs, {}", named.name), figures(named));
    }
}

fn figures(named: &Named<'_>) -> Value {
    let billed: serde_json::Map<_, _> = operations(std::slice::from_ref(named))
        .into_iter()
        .map(|operation| (operation.to_owned(), json!(named.each(|traffic| traffic.requests(operation).billed as f64))))
        .collect();
    json!({
        "sqs_requests_per_call": named.each(|traffic| traffic.sqs_requests() as f64),
        "idle_polls_per_call": named.each(|traffic| traffic.empty_polls() as f64),
        "s3_requests_per_call": named.each(|traffic| traffic.s3_requests() as f64),
        "billed_per_call": billed,
        "dollars_per_million": { "sqs": named.million("sqs"), "s3": named.million("s3") },
    })
}

fn operations<'a>(named: &'a [Named<'_>]) -> BTreeSet<&'a str> {
    let loads = named.iter().flat_map(|named| named.loads);
    loads.flat_map(|load| load.traffic.iter()).map(|(operation, _)| operation).collect()
}

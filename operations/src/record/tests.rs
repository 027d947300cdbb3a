use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn operation() -> Operation {
    Operation {
        id: Uuid::parse_str("0197a1c2-d3e4-7f56-8123-456789abcdef").expect("a UUID"),
        tenant: Some("acme".into()),
        method: "compute.v1.ComputeService/Compute".into(),
        times: Times { sent: Some(1000), first_received: Some(1002), started: Some(1003), finished: None },
        worker: "worker-1".into(),
        digest: "ab".repeat(32),
    }
}

/// Statistics in the form that a worker gives them. Only what a summary shows is that of the values.
fn statistics(values: &[i64]) -> v1::Statistics {
    let (min, max) = (values.iter().min(), values.iter().max());
    v1::Statistics {
        count: values.len() as u64,
        min: *min.expect("some"),
        max: *max.expect("some"),
        median: 5.0,
        mean: 499.6,
        sum: "2498".into(),
        ..Default::default()
    }
}

fn succeeded(values: &[i64], log: LogValues) -> Record {
    Record::succeeded(operation(), values, statistics(values), log)
}

#[test]
fn the_summary_has_the_documented_form() {
    let values = [4, 5, 2, 35, 2452];
    let expected = "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6";
    assert_eq!(summary(&values, &statistics(&values)), expected);
}

#[test]
fn doubles_in_a_summary_have_no_exponent() {
    let statistics = v1::Statistics { median: i64::MIN as f64, mean: 1.5e-7, ..statistics(&[i64::MIN]) };
    let summary = summary(&[i64::MIN], &statistics);
    assert!(summary.ends_with("Median:-9223372036854776000\nMean:0.00000015"), "{summary}");
}

#[test]
fn a_summary_shows_a_thousand_values_and_the_number_of_more() {
    let thousand: Vec<_> = (0..1000).collect();
    let line = |values: &[i64]| summary(values, &statistics(values)).lines().next().map(str::to_owned);
    assert!(line(&thousand).is_some_and(|line| line.ends_with(" 998, 999]")));
    let more: Vec<_> = (0..1001).collect();
    assert!(line(&more).is_some_and(|line| line.ends_with(" 998, 999, …] (1001 values)")));
}

#[test]
fn a_record_of_a_result_reads_back_and_holds_the_body_of_the_reply() {
    let record = succeeded(&[1, i64::MAX], LogValues::All);
    let json = record.to_json();
    assert_eq!(serde_json::from_str::<Record>(&json).expect("reads back"), record);
    let body = wire::statistics_to_json(&statistics(&[1, i64::MAX]));
    assert!(json.contains(&format!(r#""result":{body}"#)), "{json}");
    assert!(json.contains(r#""count":2,"values":["1","9223372036854775807"]"#), "{json}");
}

#[test]
fn a_record_holds_at_most_a_thousand_values() {
    let values: Vec<_> = (0..1001).collect();
    let record = succeeded(&values, LogValues::All);
    assert_eq!((record.count, record.values), (Some(1001), Some(wire::Integers(values[..1000].to_vec()))));
}

#[test]
fn of_a_list_in_a_payload_the_first_values_are_enough_to_log_it() {
    let first: Vec<_> = (0..1000).collect();
    let result = v1::Statistics { count: 100_000_000, ..statistics(&first) };
    let record = Record::succeeded(operation(), &first, result, LogValues::All).with_payload("payloads/1", None);
    assert_eq!((record.count, record.payload.as_deref()), (Some(100_000_000), Some("payloads/1")));
    assert!(record.summary.as_ref().is_some_and(|summary| summary.contains(" 999, …] (100000000 values)\n")));
    let json = record.to_json();
    assert!(json.contains(r#",999],"payload":"payloads/1","result":{"#), "{json}");
    assert_eq!(serde_json::from_str::<Record>(&json).expect("reads back"), record);

    let error = Error { code: 8, message: "too long".into() };
    let failed = Record::failed(operation(), None, error, LogValues::All).with_payload("payloads/1", 7);
    assert_eq!((failed.count, failed.values), (Some(7), None));
}

#[test]
fn without_values_a_record_holds_their_number_and_the_result() {
    let record = succeeded(&[4, 5, 2, 35, 2452], LogValues::None);
    assert_eq!((record.count, &record.values), (Some(5), &None));
    assert_eq!(record.summary.as_deref(), Some("Min:2\nMax:2452\nMedian:5\nMean:499.6"));
    assert!(!record.to_json().contains("35"));
}

#[test]
fn a_record_of_a_failure_holds_code_and_message() {
    let error = Error { code: 3, message: "the list is empty".into() };
    let record = Record::failed(Operation { tenant: None, ..operation() }, Some(&[]), error, LogValues::All);
    let json = record.to_json();
    assert!(json.starts_with(r#"{"id":"0197a1c2-d3e4-7f56-8123-456789abcdef","method":"#), "{json}");
    assert!(json.ends_with(r#""count":0,"values":[],"error":{"code":3,"message":"the list is empty"}}"#), "{json}");
    assert_eq!(record.status, 3);
    assert_eq!(serde_json::from_str::<Record>(&json).expect("reads back"), record);

    let unread = Record::failed(operation(), None, Error { code: 13, message: "x".into() }, LogValues::All);
    assert_eq!((unread.count, unread.values), (None, None));
}

proptest! {
    #[test]
    fn every_record_reads_back(values in vec(any::<i64>(), 1..1100), all in any::<bool>()) {
        let record = succeeded(&values, if all { LogValues::All } else { LogValues::None });
        prop_assert_eq!(serde_json::from_str::<Record>(&record.to_json()).expect("reads back"), record);
    }
}

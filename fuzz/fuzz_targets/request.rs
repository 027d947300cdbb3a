//! A message on the request queue, through the responder's reader and the worker's service to the log record.

#![no_main]

use std::sync::LazyLock;

use aws_config::{BehaviorVersion, SdkConfig};
use compute_fuzz::{ACCOUNT, BUCKET, REPLY_QUEUES, check_pointer, in_order, is_sqs_text, message};
use compute_operations::payload::Payloads;
use compute_operations::record::{self, LogValues, MAX_LOGGED_VALUES, Record};
use compute_operations::{Bucket, key};
use compute_proto::{COMPUTE_METHOD, v1, wire};
use compute_worker::limits::Limits;
use compute_worker::service::{ComputeService, Computed};
use futures_util::FutureExt as _;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sqs_rpc::fuzzing::{self, NoRequest, ReplyMessage};
use sqs_rpc::{Answer, Body, Failure, Pointer, ReplyTiming, Request, code};
use tower::Service as _;

/// Of all requests: it keeps nothing of them. No test reads or writes its bucket, nor could it.
static SERVICE: LazyLock<ComputeService> = LazyLock::new(|| {
    let aws = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
    let limits = Limits { memory_budget: Some(64 << 20), ..Limits::default() };
    ComputeService::new(Payloads::new(Bucket::new(&aws, BUCKET)), &limits)
});

fuzz_target!(|bytes: &[u8]| {
    let message = message(bytes);
    // Whatever the attributes are, the body gets its turn.
    check_body(&message.body);
    match fuzzing::read_request(message, ACCOUNT, REPLY_QUEUES) {
        Ok(request) => check_request(request),
        Err(NoRequest { answer: Some((request, failure)) }) => {
            assert_eq!(failure.code, code::INVALID_ARGUMENT);
            check_reply_queue(&request);
            check_failure(&request, failure);
        }
        Err(NoRequest { answer: None }) => {}
    }
});

/// Reads a body as the wire contract has it, and compares with what a reader of any JSON makes of it.
fn check_body(body: &str) {
    let request = match wire::request_from_json(body) {
        Ok(request) => request,
        Err(error) => return assert!(error.to_string().len() < 1_000, "{error}"),
    };
    match serde_json::from_str::<Value>(body) {
        Ok(any) => check_values(&any, &request.values),
        // What is ignored may be what that reader cannot hold.
        Err(error) => assert!(
            ["number out of range", "recursion limit"].iter().any(|known| error.to_string().contains(known)),
            "{error}"
        ),
    }
    let written = wire::request_to_json(&request);
    assert_eq!(wire::request_from_json(&written).as_ref(), Ok(&request), "{written}");
}

fn check_values(any: &Value, read: &[i64]) {
    let values = any["values"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(values.len(), read.len());
    for (json, &value) in values.iter().zip(read) {
        let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
        assert!(text == value.to_string() || (value == 0 && text.starts_with("-0")), "{json} became {value}");
    }
}

fn check_request(request: Request) {
    check_reply_queue(&request);
    check_round_trip(&request);
    if let Some(pointer) = to_be_read_from_s3(&request) {
        return check_pointer(&pointer, &request.body);
    }
    let outcome = SERVICE.clone().call(request.clone()).now_or_never().expect("small bodies are worked at once");
    match outcome {
        Ok(answer) => check_answer(&request, answer),
        Err(failure) => {
            assert!([code::INVALID_ARGUMENT, code::UNIMPLEMENTED].contains(&failure.code), "{failure}");
            check_failure(&request, failure);
        }
    }
}

/// Where the payload lies of a request that the service would now read from S3, which is not there.
fn to_be_read_from_s3(request: &Request) -> Option<Pointer> {
    request.payload_in_s3?;
    let is_refused_before = request.method != COMPUTE_METHOD
        || key::record(request.tenant.as_deref(), request.id).is_err()
        || !matches!(request.content_type.as_deref(), None | Some("application/json" | "application/x-protobuf"));
    Pointer::read(&request.body, BUCKET).ok().filter(|_| !is_refused_before)
}

fn check_answer(request: &Request, Answer { body, context }: Answer<Computed>) {
    assert!(request.payload_in_s3.is_none());
    let asked = wire::request_from_json(&request.body).expect("what was worked can be read");
    let Computed { values, statistics } = context;
    assert_eq!(values, asked.values[..asked.values.len().min(MAX_LOGGED_VALUES)]);
    check_statistics(&asked, &statistics);
    let Body::Text(body) = body else { panic!("no result is too large for a queue") };
    assert_eq!(wire::statistics_from_json(&body).as_ref(), Ok(&statistics));

    let key = key::record(request.tenant.as_deref(), request.id).expect("what has no key is refused");
    assert!(key.starts_with("operations/tenant=") && key.ends_with(&format!("-{}.json", request.id)), "{key}");
    assert_eq!(key.split('/').count(), 4, "{key}");
    for log in [LogValues::All, LogValues::None] {
        let record = Record::succeeded(operation(request), &values, statistics.clone(), log);
        assert_eq!(record.count, Some(asked.values.len() as u64));
        let of_all = Record::succeeded(operation(request), &asked.values, statistics.clone(), log);
        assert_eq!(record, of_all, "the first values are enough for the log");
        check_record(&record);
    }
}

/// What the log says of a request, whatever became of it.
fn operation(request: &Request) -> record::Operation {
    record::Operation {
        id: request.id,
        tenant: request.tenant.clone(),
        method: request.method.clone(),
        times: record::Times::default(),
        worker: "fuzz".to_owned(),
        digest: request.digest.clone(),
    }
}

fn check_record(record: &Record) {
    let json = record.to_json();
    assert!(!json.contains('\n'), "a record is one line: {json}");
    assert_eq!(&serde_json::from_str::<Record>(&json).expect("a record can be read"), record);
}

/// A failure can be logged and sent, whatever of the request it quotes.
fn check_failure(request: &Request, failure: Failure) {
    assert!(failure.message.len() < 1_000, "{failure}");
    let values = wire::request_from_json(&request.body).ok().map(|request| request.values);
    let error = record::Error { code: failure.code, message: failure.message.clone() };
    check_record(&Record::failed(operation(request), values.as_deref(), error, LogValues::All));
    let reply = ReplyMessage {
        id: request.id,
        digest: request.digest.clone(),
        worker: Some("fuzz".to_owned()),
        timing: ReplyTiming { sent: request.times.sent, ..ReplyTiming::default() },
        payload_in_s3: None,
        outcome: Err(failure),
    };
    let message = fuzzing::write_reply(reply.clone(), BUCKET).expect("a failure is in the message");
    assert!(is_sqs_text(&message.body), "{}", message.body);
    assert!(message.attributes.iter().all(|(_, _, value)| is_sqs_text(value)));
    assert_eq!(fuzzing::read_reply(message).as_ref(), Ok(&reply));
}

/// What the responder goes by: where a reply goes, and whether the work may be dropped.
fn check_reply_queue(request: &Request) {
    let (reply_to, may_be_shed, is_awaited) = fuzzing::ask(request);
    if let Some(url) = reply_to {
        let parts: Vec<_> = url.split('/').collect();
        let [scheme, "", host, ACCOUNT, name] = parts.as_slice() else { panic!("{url}") };
        assert!(["https:", "http:"].contains(scheme) && name.starts_with(REPLY_QUEUES), "{url}");
        assert!(
            !host.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\%".contains(&byte)),
            "{url}"
        );
    }
    assert!(!is_awaited || reply_to.is_some());
    if may_be_shed {
        assert_eq!(request.receive_count, 1);
        assert!(request.times.deadline.is_none_or(|deadline| request.times.sent.is_some_and(|sent| sent < deadline)));
    }
}

fn check_round_trip(request: &Request) {
    let (message, counted) = fuzzing::write_request(request);
    let size =
        message.body.len() + message.attributes.iter().map(|(n, t, v)| n.len() + t.len() + v.len()).sum::<usize>();
    assert!(counted >= size, "{counted} counted, {size} sent");
    let again = fuzzing::read_request(message, ACCOUNT, REPLY_QUEUES).expect("what is sent can be read");
    assert_eq!((again.id, &again.method, &again.body), (request.id, &request.method, &request.body));
    assert_eq!((&again.digest, &again.tenant), (&request.digest, &request.tenant));
    assert_eq!((again.payload_in_s3, &again.content_type), (request.payload_in_s3, &request.content_type));
    assert_eq!((&again.traceparent, fuzzing::ask(&again).0), (&request.traceparent, fuzzing::ask(request).0));
}

/// Compares with the definitions, computed in the plainest way, and with what must hold between any statistics.
fn check_statistics(asked: &v1::ComputeRequest, got: &v1::Statistics) {
    let mut sorted = asked.values.clone();
    sorted.sort_unstable();
    let (count, min, max) = (sorted.len(), sorted[0], sorted[sorted.len() - 1]);
    let sum: i128 = sorted.iter().map(|&value| i128::from(value)).sum();
    assert_eq!((got.count, got.min, got.max), (count as u64, min, max));
    assert_eq!(got.sum, sum.to_string());

    // Halving is exact, and so one rounding.
    let (a, b) = (i128::from(sorted[(count - 1) / 2]), i128::from(sorted[count / 2]));
    assert_eq!(got.median, (a + b) as f64 / 2.0);
    let (least, most) = (min as f64, max as f64);
    assert!(in_order(least, got.median) && in_order(got.median, most));
    assert!(in_order(least, got.mean) && in_order(got.mean, most));
    let mean = sum as f64 / count as f64;
    assert!((got.mean - mean).abs() <= mean.abs() * 4.0 * f64::EPSILON, "{} for {mean}", got.mean);
    assert!(in_order(0.0, got.variance) && (got.variance == 0.0) == (min == max), "{}", got.variance);
    assert_eq!(got.std_dev, got.variance.sqrt());

    let mut quantiles: Vec<_> = got.quantiles.iter().map(|quantile| (quantile.probability, quantile.value)).collect();
    assert_eq!(quantiles.iter().map(|quantile| quantile.0).collect::<Vec<_>>(), asked.quantiles);
    quantiles.extend([(0.0, least), (0.5, got.median), (1.0, most)]);
    quantiles.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
    assert!(quantiles.is_sorted_by(|a, b| in_order(a.1, b.1)), "{quantiles:?}");

    assert_eq!(got.histogram.is_some(), asked.histogram.is_some());
    if let (Some(histogram), Some(options)) = (&got.histogram, &asked.histogram) {
        check_histogram(&sorted, options.bins as usize, histogram);
    }
}

fn check_histogram(sorted: &[i64], bins: usize, histogram: &v1::Histogram) {
    assert_eq!((histogram.counts.len(), histogram.edges.len()), (bins, bins + 1));
    assert!(histogram.edges.is_sorted_by(|a, b| in_order(*a, *b)), "{:?}", histogram.edges);
    let min = i128::from(sorted[0]);
    let width = i128::from(sorted[sorted.len() - 1]) - min;
    let mut counts = vec![0; bins];
    for &value in sorted {
        let bin = match width {
            0 => bins / 2,
            width => ((i128::from(value) - min) * bins as i128 / width) as usize,
        };
        counts[bin.min(bins - 1)] += 1;
    }
    assert_eq!(histogram.counts, counts);
}

//! The golden files of the wire contract, `proto/wire/v1/`: bodies, payloads and log records, read and written.
//!
//! `local/tests/python/test_golden.py` does the same with another reader and writer, and reads the attributes too.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use compute_operations::key;
use compute_operations::record::{self, LogValues, Operation, Record};
use compute_proto::validate::{validate, violations_from_details};
use compute_proto::{v1, wire};
use compute_worker::statistics::compute;
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqs_rpc::{Failure, Pointer};

fn golden(file: &str) -> Vec<Value> {
    let path = format!("{}/../proto/wire/v1/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let cases: Vec<Value> = serde_json::from_str(&text).expect("golden files are arrays of cases");
    assert!(!cases.is_empty(), "{file}");
    cases
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn is_canonical(case: &Value) -> bool {
    case["canonical"] == true
}

/// An integer, which golden files give as a string.
fn integer<T: std::str::FromStr>(value: &Value) -> T {
    text(value).parse().unwrap_or_else(|_| panic!("{value} is out of range"))
}

fn integers<T: std::str::FromStr>(values: &Value) -> Vec<T> {
    list(values).iter().map(integer).collect()
}

fn double(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn doubles(values: &Value) -> Vec<f64> {
    list(values).iter().map(double).collect()
}

/// `None` for null.
fn optional<T>(value: &Value, read: impl FnOnce(&Value) -> T) -> Option<T> {
    (!value.is_null()).then(|| read(value))
}

fn request(decoded: &Value) -> v1::ComputeRequest {
    v1::ComputeRequest {
        values: integers(&decoded["values"]),
        quantiles: doubles(&decoded["quantiles"]),
        histogram: optional(&decoded["bins"], |bins| v1::HistogramOptions { bins: integer(bins) }),
        finish_late: decoded["finish_late"] == true,
        ..Default::default()
    }
}

fn statistics(decoded: &Value) -> v1::Statistics {
    let quantile = |q: &Value| v1::Quantile { probability: double(&q["probability"]), value: double(&q["value"]) };
    v1::Statistics {
        count: integer(&decoded["count"]),
        min: integer(&decoded["min"]),
        max: integer(&decoded["max"]),
        median: double(&decoded["median"]),
        mean: double(&decoded["mean"]),
        sum: text(&decoded["sum"]).to_owned(),
        variance: double(&decoded["variance"]),
        std_dev: double(&decoded["std_dev"]),
        quantiles: list(&decoded["quantiles"]).iter().map(quantile).collect(),
        histogram: optional(&decoded["histogram"], |histogram| v1::Histogram {
            edges: doubles(&histogram["edges"]),
            counts: integers(&histogram["counts"]),
        }),
    }
}

/// The fields that a body is refused for; `None` for a body that is taken.
fn refused_fields(body: &str) -> Option<Vec<String>> {
    let violations = match wire::request_from_json(body) {
        Err(error) => error.violation().into_iter().collect(),
        Ok(request) => validate(&request).err()?,
    };
    Some(violations.into_iter().map(|violation| violation.field).collect())
}

#[test]
fn golden_requests_are_read_as_written_down_and_canonical_ones_written_alike() {
    for case in golden("requests.json") {
        let (name, body) = (&case["name"], text(&case["message"]["body"]));
        if let Some(decoded) = case.get("decodes_to") {
            let expected = request(&decoded["request"]);
            assert_eq!(wire::request_from_json(body).as_ref(), Ok(&expected), "{name}");
            assert_eq!(validate(&expected), Ok(()), "{name}");
            if is_canonical(&case) {
                assert_eq!(wire::request_to_json(&expected), body, "{name}");
            }
        } else if case["wrong_part"] == "body" {
            let fields = refused_fields(body).map_or(Value::Null, |fields| json!(fields));
            assert_eq!(case["error"], json!({ "code": 3, "fields": fields }), "{name}");
        } else {
            // What is wrong is in the attributes, which are not read here.
            assert_eq!(refused_fields(body), None, "{name}");
        }
    }
}

#[test]
fn golden_replies_are_read_as_written_down_and_canonical_ones_written_alike() {
    for case in golden("replies.json") {
        let (name, body) = (&case["name"], text(&case["message"]["body"]));
        let status = &case["message"]["attributes"]["Status"]["StringValue"];
        let Some(decoded) = case.get("decodes_to") else {
            // Without `unanswerable`, which is about attributes, the body is wrong.
            let is_refused = wire::statistics_from_json(body).is_err();
            assert_eq!(is_refused, case.get("unanswerable").is_none(), "{name}");
            continue;
        };
        if status == "0" {
            let expected = statistics(&decoded["statistics"]);
            assert_eq!(wire::statistics_from_json(body).as_ref(), Ok(&expected), "{name}");
            if is_canonical(&case) {
                assert_eq!(wire::statistics_to_json(&expected), body, "{name}");
            }
        } else if let Ok(failure) = serde_json::from_str::<Failure>(body) {
            assert_eq!(failure.message, text(&decoded["message"]), "{name}");
            assert_eq!(json!(violations_from_details(&failure.details)), decoded["violations"], "{name}");
            if is_canonical(&case) {
                let written = serde_json::to_string(&failure).expect("plain fields");
                assert_eq!((failure.code.to_string(), written.as_str()), (text(status).to_owned(), body), "{name}");
            }
        } else {
            assert_eq!(decoded["message"], "", "{name}");
        }
    }
}

#[test]
fn golden_records_are_read_as_written_down_and_canonical_ones_written_alike() {
    for case in golden("records.json") {
        let (name, content, decoded) = (&case["name"], text(&case["content"]), &case["decodes_to"]);
        let record: Record = serde_json::from_str(content).unwrap_or_else(|error| panic!("{name}: {error}"));

        assert_eq!(record.id.to_string(), text(&decoded["id"]), "{name}");
        assert_eq!(record.tenant.as_deref(), decoded["tenant"].as_str(), "{name}");
        assert_eq!(record.method, text(&decoded["method"]), "{name}");
        assert_eq!(record.worker, text(&decoded["worker"]), "{name}");
        assert_eq!(record.status, integer::<i32>(&decoded["status"]), "{name}");
        assert_eq!(record.digest, text(&decoded["digest"]), "{name}");
        let time = |part: &str| decoded["times"].get(part).map(integer::<i64>);
        let times = record::Times {
            sent: time("sent"),
            first_received: time("first_received"),
            started: time("started"),
            finished: time("finished"),
        };
        assert_eq!(record.times, times, "{name}");
        assert_eq!(record.count, optional(&decoded["count"], integer), "{name}");
        assert_eq!(record.values, optional(&decoded["values"], |v| wire::Integers(integers(v))), "{name}");
        assert_eq!(record.result, optional(&decoded["result"], |r| wire::Statistics(statistics(r))), "{name}");
        assert_eq!(record.error, optional(&decoded["error"], error), "{name}");
        assert_eq!(record.summary.as_deref(), decoded["summary"].as_str(), "{name}");
        assert_eq!(record.payload.as_deref(), decoded["payload"].as_str(), "{name}");
        let key = key::record(record.tenant.as_deref(), record.id).expect("there is a place for it");
        let is_dead_mark = case["dead_mark"] == true;
        let key = if is_dead_mark { key.replace(".json", ".dead.json") } else { key };
        assert_eq!(key, text(&case["key"]), "{name}");

        if is_canonical(&case) {
            assert_eq!(made(&record, &case["made_of"]).to_json(), content, "{name}");
        }
    }
}

fn error(decoded: &Value) -> record::Error {
    record::Error { code: integer(&decoded["code"]), message: text(&decoded["message"]).to_owned() }
}

/// A record like that one, made as a worker makes it: of a request, whose statistics it computes, or of an error.
fn made(like: &Record, made_of: &Value) -> Record {
    let Record { id, tenant, method, times, worker, digest, .. } = like.clone();
    let operation = Operation { id, tenant, method, times, worker, digest };
    let log = match text(&made_of["log_values"]) {
        "all" => LogValues::All,
        "none" => LogValues::None,
        other => panic!("log_values {other}"),
    };
    let record = match &like.error {
        Some(error) => {
            let values: Option<Vec<i64>> = optional(&made_of["values"], integers);
            Record::failed(operation, values.as_deref(), error.clone(), log)
        }
        None => {
            let request = request(made_of);
            let result = compute(&request).expect("a request that is within its limits");
            Record::succeeded(operation, &request.values, result, log)
        }
    };
    match made_of.get("payload") {
        Some(payload) => record.with_payload(text(payload), None),
        None => record,
    }
}

#[test]
fn golden_payloads_that_are_requests_are_read_as_written_down_and_canonical_ones_written_alike() {
    for case in golden("payloads.json").iter().filter(|case| case.get("decodes_to").is_some()) {
        let (name, message, expected) = (&case["name"], &case["message"], request(&case["decodes_to"]));
        let payload = BASE64_STANDARD.decode(text(&case["payload"])).expect("base64");
        let attribute = |name: &str| message["attributes"].get(name).map(|attribute| text(&attribute["StringValue"]));

        let pointer = Pointer::read(text(&message["body"]), "compute-logs").unwrap_or_else(|e| panic!("{name}: {e}"));
        let size = attribute("ExtendedPayloadSize").map(str::to_owned);
        assert_eq!(size, Some(payload.len().to_string()), "{name}");
        if let Some(digest) = attribute("Digest") {
            assert_eq!(digest, hex::encode(Sha256::digest(&payload)), "{name}");
        }
        let is_protobuf = attribute("ContentType") == Some("application/x-protobuf");
        let read = if is_protobuf {
            let read = v1::ComputeRequest::decode(&payload[..]).expect("a serialized request");
            v1::ComputeRequest { operation_id: String::new(), ..read }
        } else {
            wire::request_from_json(std::str::from_utf8(&payload).expect("UTF-8")).expect("JSON of a request")
        };
        assert_eq!(read, expected, "{name}");
        if is_canonical(case) {
            let written =
                if is_protobuf { serialized(&expected) } else { wire::request_to_json(&expected).into_bytes() };
            assert_eq!(written, payload, "{name}");
            assert_eq!(pointer.to_body(), text(&message["body"]), "{name}");
        }
    }
}

/// What to compute, and then the values: of no more than one run here.
fn serialized(request: &v1::ComputeRequest) -> Vec<u8> {
    let options = v1::ComputeRequest { values: Vec::new(), ..request.clone() };
    let values = v1::ComputeRequest { values: request.values.clone(), ..Default::default() };
    [options.encode_to_vec(), values.encode_to_vec()].concat()
}

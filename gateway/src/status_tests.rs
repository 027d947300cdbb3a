use serde_json::json;
use tonic::metadata::MetadataMap;

use super::*;
use crate::memory::MemoryBudget;

const ID: Uuid = Uuid::from_u128(0x0193_5c1e_0000_7000_8000_0000_0000_0001);
const OPERATION: Operation = Operation { id: ID, finish_late: Some(true) };

fn failed(code: Code, details: Vec<serde_json::Value>) -> Status {
    let message = "secret of the worker: 10.0.0.7, /home/worker".to_owned();
    from_call_error(CallError::Failed(Failure { code: code as i32, message, details }), OPERATION)
}

/// Asserts what every status has, and returns the metadata of its `ErrorInfo`.
fn check(status: &Status, code: Code, reason: &str, is_to_retry: bool) -> HashMap<String, String> {
    let details = status.get_error_details();
    let info = details.error_info().expect("every status has an ErrorInfo");
    assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status:?}");
    assert_eq!(info.domain, "compute.v1");
    assert_eq!(info.metadata.get("operation_id"), Some(&ID.to_string()));
    assert_eq!(status.metadata().get("operation-id").expect("the same in the metadata"), &ID.to_string());
    let delay = details.retry_info().and_then(|retry| retry.retry_delay);
    assert_eq!(delay, is_to_retry.then_some(RETRY_DELAY), "{status:?}");
    assert!(!status.message().contains("secret"), "{status:?}");
    info.metadata.clone()
}

#[test]
fn a_message_too_large_names_size_and_limit() {
    let status = from_call_error(CallError::TooLarge { size: 2_000_000, limit: 1_048_576 }, OPERATION);
    let metadata = check(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE", false);
    assert_eq!(metadata.get("size").map(String::as_str), Some("2000000"));
    assert_eq!(metadata.get("limit").map(String::as_str), Some("1048576"));
}

#[test]
fn too_many_calls_in_flight_may_be_retried() {
    let status = from_call_error(CallError::TooManyInFlight { limit: 10 }, OPERATION);
    let metadata = check(&status, Code::ResourceExhausted, "TOO_MANY_IN_FLIGHT", true);
    assert_eq!(metadata.get("limit").map(String::as_str), Some("10"));
}

#[test]
fn a_deadline_tells_whether_the_work_goes_on() {
    let status = from_call_error(CallError::DeadlineExceeded, OPERATION);
    let metadata = check(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED", false);
    assert_eq!(metadata.get("finish_late").map(String::as_str), Some("true"));

    let unread = Operation { finish_late: None, ..OPERATION };
    let metadata = check(&deadline_exceeded(unread), Code::DeadlineExceeded, "DEADLINE_EXCEEDED", false);
    assert_eq!(metadata.get("finish_late"), None);
}

#[test]
fn trouble_with_the_queue_may_be_retried_and_stays_inside() {
    let status = from_call_error(CallError::Unavailable("secret host".into()), OPERATION);
    check(&status, Code::Unavailable, "QUEUE_UNAVAILABLE", true);
    let status = from_call_error(CallError::ShuttingDown, OPERATION);
    check(&status, Code::Unavailable, "SHUTTING_DOWN", true);
}

#[test]
fn a_worker_that_refuses_the_request_has_its_violations_passed_on() {
    let detail = json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "field_violations": [{ "field": "values", "description": "too many" }, { "field": "quantiles[1]", "description": "2" }],
    });
    let status = failed(Code::InvalidArgument, vec![detail, json!({ "@type": "other", "secret": 1 })]);
    check(&status, Code::InvalidArgument, "INVALID_REQUEST", false);
    let details = status.get_error_details();
    let violations = &details.bad_request().expect("the violations").field_violations;
    let pairs: Vec<_> = violations.iter().map(|v| (v.field.as_str(), v.description.as_str())).collect();
    assert_eq!(pairs, [("values", "too many"), ("quantiles[1]", "2")]);
    assert_eq!(status.message(), "values: too many (and 1 more)");

    let status = failed(Code::InvalidArgument, Vec::new());
    check(&status, Code::InvalidArgument, "INVALID_REQUEST", false);
}

#[test]
fn every_other_failure_of_a_worker_has_its_code_or_is_internal_and_reveals_nothing() {
    for number in -1..=17 {
        let code = Code::from(number);
        let status = failed(code, vec![json!({ "@type": "secret" })]);
        match code {
            Code::InvalidArgument => check(&status, code, "INVALID_REQUEST", false),
            Code::DeadlineExceeded => check(&status, code, "DEADLINE_EXCEEDED", false),
            Code::ResourceExhausted => check(&status, code, "WORKER_EXHAUSTED", true),
            Code::Unimplemented => check(&status, code, "METHOD_UNKNOWN_TO_WORKER", false),
            Code::Unavailable => check(&status, code, "WORKER_UNAVAILABLE", true),
            Code::DataLoss => check(&status, code, "PAYLOAD_LOST", false),
            _ => check(&status, Code::Internal, "WORKER_FAILED", false),
        };
    }
}

#[test]
fn a_reply_that_cannot_be_read_is_internal() {
    let error = std::fmt::Error;
    check(&malformed_reply(&error, OPERATION), Code::Internal, "MALFORMED_REPLY", false);
}

#[test]
fn a_status_survives_the_headers_it_is_sent_in() {
    let status = malformed_message("línea 1\nline 2", OPERATION);
    let response = status.into_http::<tonic::body::Body>();
    let received = Status::from_header_map(response.headers()).expect("a status");
    assert_eq!(received.message(), "the message cannot be read: línea 1\nline 2");
    check(&received, Code::InvalidArgument, "MALFORMED_MESSAGE", false);
    assert_eq!(received.metadata().len(), MetadataMap::from_headers(response.headers().clone()).len() - 3);
}

#[test]
fn what_a_stream_can_meet_has_reasons_of_its_own() {
    let full = MemoryBudget::new(10).take(11).expect_err("there is no room");
    check(&memory_exhausted(full, OPERATION), Code::ResourceExhausted, "MEMORY_EXHAUSTED", true);

    let status = stream_stalled(Duration::from_millis(1500), OPERATION);
    let metadata = check(&status, Code::DeadlineExceeded, "STREAM_STALLED", false);
    assert_eq!(metadata.get("idle_timeout_ms").map(String::as_str), Some("1500"));

    let status = payload_unavailable(&std::io::Error::other("secret bucket"), OPERATION);
    check(&status, Code::Unavailable, "PAYLOAD_UNAVAILABLE", true);
}

#[test]
fn a_status_made_before_the_operation_was_known_names_it_afterwards() {
    let unknown = Operation { id: Uuid::nil(), finish_late: None };
    let failed = |status| from_stream_error(StreamError::Message(status), OPERATION);
    let status = failed(message_too_large(12, 10, unknown));
    let metadata = check(&status, Code::ResourceExhausted, "MESSAGE_TOO_LARGE", false);
    assert_eq!(metadata.get("size").map(String::as_str), Some("12"));
    check(
        &failed(memory_exhausted(Exhausted { limit: 1 }, unknown)),
        Code::ResourceExhausted,
        "MEMORY_EXHAUSTED",
        true,
    );

    let status = failed(Status::internal("failed to decode Protobuf message: invalid tag"));
    check(&status, Code::InvalidArgument, "MALFORMED_MESSAGE", false);
    assert!(status.message().ends_with("invalid tag"), "{status:?}");
}

#[test]
fn what_is_not_known_yet_may_be_asked_for_again_and_what_does_not_exist_may_not() {
    check(&not_recorded_yet(OPERATION), Code::NotFound, "NOT_RECORDED_YET", true);
    check(&operation_not_found(OPERATION), Code::NotFound, "OPERATION_NOT_FOUND", false);
    check(&operation_id_taken(OPERATION), Code::AlreadyExists, "OPERATION_ID_TAKEN", false);
    check(&from_call_error(CallError::DuplicateId, OPERATION), Code::Unavailable, "OPERATION_ID_BUSY", true);
}

#[test]
fn a_damaged_record_is_told_without_its_key() {
    let error = LogError::Content { key: "secret/key".to_owned(), reason: "secret".to_owned() };
    check(&from_log_error(&error, OPERATION), Code::DataLoss, "RECORD_UNREADABLE", false);
}

#[test]
fn a_failure_is_told_by_operation_and_repeated_call_as_it_was_to_the_first_caller_but_for_trying_again() {
    for code in -1..=17 {
        let first = failed(Code::from(code), vec![]);
        let error = operation_error(code);
        assert_eq!(error.code, first.code() as i32, "{code}");
        assert_ne!(error.code, 0);
        let repeated = failed_before(error.clone(), OPERATION);
        assert_eq!((repeated.code(), repeated.message()), (first.code(), error.message.as_str()));
        let reason = |status: &Status| status.get_details_error_info().expect("every status has one").reason;
        assert_eq!(reason(&repeated), reason(&first), "{code}");
        assert!(repeated.get_details_retry_info().is_none());
    }
}

//! A message on the reply queue, through the requester's reader to what the gateway tells the caller.

#![no_main]

use std::time::Duration;

use compute_fuzz::{BUCKET, check_pointer, message};
use compute_gateway::fuzzing as gateway;
use compute_proto::validate::violations_from_details;
use compute_proto::{v1, wire};
use libfuzzer_sys::fuzz_target;
use sqs_rpc::fuzzing::{self, ReplyMessage};
use sqs_rpc::{CallError, CallTiming, Pointer};

/// How long the gateway knows that the call took, whatever the worker says.
const TOTAL: Duration = Duration::from_millis(1_500);

fuzz_target!(|bytes: &[u8]| {
    let message = message(bytes);
    check_result(&message.body);
    let reply = match fuzzing::read_reply(message.clone()) {
        Ok(reply) => reply,
        Err(reason) => return assert!(reason.len() < 1_000, "{reason}"),
    };
    check_round_trip(&reply);
    let id = reply.id;
    match fuzzing::end_call(message, TOTAL).expect("it was read before") {
        Ok(answer) => check_timing(&answer.timing),
        Err(error) => check_failure(error, id),
    }
});

fn check_result(body: &str) {
    match wire::statistics_from_json(body) {
        Ok(statistics) => {
            assert!(statistics.sum.parse::<i128>().is_ok());
            let written = wire::statistics_to_json(&statistics);
            assert_eq!(wire::statistics_from_json(&written).as_ref(), Ok(&statistics), "{written}");
        }
        Err(error) => assert!(error.to_string().len() < 1_000, "{error}"),
    }
}

fn check_round_trip(reply: &ReplyMessage) {
    let mut expected = ReplyMessage { worker: Some(reply.worker.clone().unwrap_or_default()), ..reply.clone() };
    match (&mut expected.outcome, reply.payload_in_s3) {
        // What no responder sends; the gateway refuses it in the same way.
        (Ok(body), Some(_)) => match Pointer::read(body, BUCKET) {
            Ok(pointer) => {
                check_pointer(&pointer, body);
                *body = pointer.to_body();
            }
            Err(error) => return assert_eq!(fuzzing::write_reply(reply.clone(), BUCKET), Err(error)),
        },
        (Ok(_), None) => {}
        (Err(_), _) => expected.payload_in_s3 = None,
    }
    let sent = fuzzing::write_reply(reply.clone(), BUCKET).expect("it has no payload, or a right pointer");
    assert_eq!(fuzzing::read_reply(sent), Ok(expected));
}

/// The parts of the time are none of them negative and add up to what the gateway measured.
fn check_timing(timing: &CallTiming) {
    let v1::Timing { total, gateway, request_queue, work, reply_queue, compute } = gateway::timing(TOTAL, timing);
    let parts = [gateway, request_queue, work, reply_queue].into_iter().flatten();
    let parts: Duration = parts.map(|part| Duration::try_from(part).expect("no part is negative")).sum();
    assert_eq!(Some(parts), total.map(|total| Duration::try_from(total).expect("not negative")));
    assert!(compute.is_none_or(|compute| Duration::try_from(compute).is_ok()));
}

/// A failure is an error for the caller too, of which headers can be made, and names nothing but violations.
fn check_failure(error: CallError, id: uuid::Uuid) {
    let CallError::Failed(failure) = &error else { panic!("{error:?}") };
    assert_ne!(failure.code, 0);
    let violations = violations_from_details(&failure.details);
    let code = failure.code;
    let status = gateway::status(error, id);
    assert_ne!(status.code(), tonic::Code::Ok);
    assert!(status.code() as i32 == code || status.code() == tonic::Code::Internal, "{code} became {status}");
    if code == tonic::Code::InvalidArgument as i32 {
        assert!(violations.iter().all(|violation| violation.field.is_empty() || status.message().len() > 2));
    } else {
        assert!(status.message().len() < 100, "{status}");
    }
    let headers = status.into_http::<()>().into_parts().0.headers;
    assert!(headers.contains_key("grpc-status-details-bin"));
}

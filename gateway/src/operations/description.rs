//! What a caller is told of an operation: log records, and this gateway's own answers, as messages of the API.

use std::time::Duration;

use compute_operations::record::{Record, Times};
use compute_proto::v1::operation::Result as Outcome;
use compute_proto::{COMPUTE_METHOD, v1};
use prost_types::Timestamp;
use sqs_rpc::ReplyTiming;
use uuid::Uuid;

use super::answers::Answer;
use super::name::{name, since_epoch};
use crate::digest::Digest;
use crate::status;
use crate::timing;

/// How much of a record a caller gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All of it.
    Full,
    /// What a listing has room for.
    Listed,
}

/// An operation that is not done, as far as is known.
pub(crate) fn pending(id: Uuid) -> v1::Operation {
    v1::Operation { name: name(id), create_time: Some(timestamp(since_epoch(id))), ..Default::default() }
}

/// An operation that the log has.
pub(crate) fn logged(record: Record, view: View) -> v1::Operation {
    let outcome = match (record.result, record.error) {
        (Some(result), _) => Outcome::Statistics(result.0),
        // The mark of an operation that workers were about to give up.
        (None, _) if record.times.finished.is_none() => Outcome::Error(status::unfinished_operation()),
        (None, error) => Outcome::Error(status::operation_error(error.map_or(record.status, |error| error.code))),
    };
    let (values, summary) = match view {
        View::Full => (record.values.unwrap_or_default().0, record.summary.unwrap_or_default()),
        View::Listed => (Vec::new(), String::new()),
    };
    v1::Operation {
        done: true,
        result: Some(outcome),
        finish_time: record.times.finished.and_then(timestamp_ms),
        tenant: record.tenant.unwrap_or_default(),
        method: record.method,
        worker: record.worker,
        digest: record.digest,
        count: record.count.unwrap_or_default(),
        values,
        summary,
        timing: timing::logged(record.times),
        ..pending(record.id)
    }
}

/// The answer that a worker's reply was.
pub(crate) fn replied(reply: &ReplyTiming, worker: &str, statistics: &v1::Statistics, digest: Digest) -> Answer {
    let &ReplyTiming { sent, first_received, started, finished, .. } = reply;
    let operation = v1::Operation {
        done: true,
        count: statistics.count,
        result: Some(Outcome::Statistics(statistics.clone())),
        finish_time: finished.and_then(timestamp_ms),
        worker: worker.to_owned(),
        timing: timing::logged(Times { sent, first_received, started, finished }),
        ..Default::default()
    };
    Answer { operation, digest }
}

/// The answer that a worker's failure was.
pub(crate) fn failed(error: v1::OperationError, digest: Digest) -> Answer {
    let operation = v1::Operation { done: true, result: Some(Outcome::Error(error)), ..Default::default() };
    Answer { operation, digest }
}

/// An operation that this gateway gave the answer of.
pub(crate) fn answered(answer: Answer, id: Uuid, tenant: Option<&str>) -> v1::Operation {
    let v1::Operation { name, create_time, .. } = pending(id);
    v1::Operation {
        name,
        create_time,
        tenant: tenant.unwrap_or_default().to_owned(),
        method: COMPUTE_METHOD.to_owned(),
        digest: answer.digest.to_hex(),
        ..answer.operation
    }
}

fn timestamp(since_epoch: Duration) -> Timestamp {
    let nanos = i32::try_from(since_epoch.subsec_nanos()).expect("less than a second");
    Timestamp { seconds: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX), nanos }
}

/// None for a time before 1970, which no clock tells.
fn timestamp_ms(ms: i64) -> Option<Timestamp> {
    Some(timestamp(Duration::from_millis(u64::try_from(ms).ok()?)))
}

#[cfg(test)]
mod tests {
    use compute_operations::record::{self, LogValues};

    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0197_a1c2_d3e4_7f56_8123_4567_89ab_cdef);
    const CREATED: Timestamp = Timestamp { seconds: 1_750_765_589, nanos: 476_000_000 };

    fn about() -> record::Operation {
        record::Operation {
            id: ID,
            tenant: Some("acme".to_owned()),
            method: COMPUTE_METHOD.to_owned(),
            times: Times {
                sent: Some(1_000),
                first_received: Some(1_200),
                started: Some(1_250),
                finished: Some(1_260),
            },
            worker: "worker-1".to_owned(),
            digest: Digest::of(b"request").to_hex(),
        }
    }

    fn statistics() -> v1::Statistics {
        v1::Statistics { count: 3, min: 1, max: 3, median: 2.0, mean: 2.0, sum: "6".to_owned(), ..Default::default() }
    }

    #[test]
    fn all_that_a_record_says_is_told() {
        let operation = logged(Record::succeeded(about(), &[1, 2, 3], statistics(), LogValues::All), View::Full);
        assert_eq!(operation.name, "operations/0197a1c2-d3e4-7f56-8123-456789abcdef");
        assert!(operation.done);
        assert_eq!(operation.result, Some(Outcome::Statistics(statistics())));
        assert_eq!(operation.create_time, Some(CREATED));
        assert_eq!(operation.finish_time, Some(Timestamp { seconds: 1, nanos: 260_000_000 }));
        assert_eq!((operation.tenant.as_str(), operation.worker.as_str()), ("acme", "worker-1"));
        assert_eq!((operation.method.as_str(), operation.digest.len()), (COMPUTE_METHOD, 64));
        assert_eq!((operation.count, operation.values.as_slice()), (3, &[1, 2, 3][..]));
        assert!(operation.summary.starts_with("Liste: [1, 2, 3]\nMin:1"), "{}", operation.summary);
    }

    #[test]
    fn a_listing_has_neither_values_nor_summary() {
        let record = Record::succeeded(about(), &[1, 2, 3], statistics(), LogValues::All);
        let (full, listed) = (logged(record.clone(), View::Full), logged(record, View::Listed));
        assert_eq!(listed, v1::Operation { values: vec![], summary: String::new(), ..full });
    }

    #[test]
    fn nothing_of_a_workers_insides_is_told() {
        let error = record::Error { code: 13, message: "secret of /home/worker".to_owned() };
        let operation = logged(Record::failed(about(), None, error, LogValues::All), View::Full);
        assert!(operation.done);
        let Some(Outcome::Error(error)) = operation.result else { panic!("{operation:?}") };
        assert_eq!((error.code, error.message.as_str()), (13, "the worker failed"));
    }

    #[test]
    fn of_an_operation_that_nobody_finished_it_is_said_so() {
        let times = Times { finished: None, ..about().times };
        let operation = logged(Record::dead_mark(record::Operation { times, ..about() }, 10), View::Full);
        assert!(operation.done && operation.finish_time.is_none());
        let Some(Outcome::Error(error)) = operation.result else { panic!("{operation:?}") };
        assert_eq!((error.code, error.message.as_str()), (13, "no worker has finished this operation"));
    }

    #[test]
    fn an_answer_says_what_its_record_will_but_for_the_values() {
        let reply = ReplyTiming {
            sent: Some(1_000),
            first_received: Some(1_200),
            started: Some(1_250),
            finished: Some(1_260),
            ..Default::default()
        };
        let answer = replied(&reply, "worker-1", &statistics(), Digest::of(b"request"));
        let record = Record::succeeded(about(), &[1, 2, 3], statistics(), LogValues::All);
        assert_eq!(answered(answer, ID, Some("acme")), logged(record, View::Listed));
    }

    #[test]
    fn of_an_operation_that_is_not_done_only_its_time_is_told() {
        let expected = v1::Operation { name: name(ID), create_time: Some(CREATED), ..Default::default() };
        assert_eq!(pending(ID), expected);
    }
}

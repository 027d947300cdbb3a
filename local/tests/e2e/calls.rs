//! Calls that are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use compute_proto::v1::{ComputeRequest, HistogramOptions};
use tokio::task::JoinSet;

use crate::kit::{TestStack, start_in};

fn request(values: impl Into<Vec<i64>>) -> ComputeRequest {
    ComputeRequest { values: values.into(), ..Default::default() }
}

#[tokio::test]
async fn the_call_of_the_readme_is_answered_and_its_log_object_holds_the_summary() {
    let stack = TestStack::start().await;
    let answer = stack.client().await.compute(request([4, 5, 2, 35, 2452])).await.expect("an answer");

    let operation_id = answer.metadata().get("operation-id").expect("an id").to_str().expect("text").to_owned();
    let answer = answer.into_inner();
    let statistics = answer.statistics.expect("statistics");
    assert_eq!((statistics.count, statistics.min, statistics.max), (5, 2, 2452));
    assert_eq!((statistics.median, statistics.mean, statistics.sum.as_str()), (5.0, 499.6, "2498"));
    assert_eq!((&answer.operation_id, answer.worker.as_str()), (&operation_id, "local-1"));

    let timing = answer.timing.expect("timing");
    let nanos = |part: Option<prost_types::Duration>| {
        let part = part.expect("every part is known");
        i128::from(part.seconds) * 1_000_000_000 + i128::from(part.nanos)
    };
    let parts = nanos(timing.gateway) + nanos(timing.request_queue) + nanos(timing.work) + nanos(timing.reply_queue);
    assert_eq!(parts, nanos(timing.total));

    stack.until_queues_are_empty().await;
    let records = stack.log_records();
    let [record] = records.as_slice() else { panic!("one record, not {}", records.len()) };
    assert_eq!(record["id"], operation_id);
    assert_eq!(record["summary"], "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6");
    stack.stop().await;
}

#[tokio::test]
async fn quantiles_and_a_histogram_come_on_request_and_integers_beyond_doubles_stay_exact() {
    let stack = TestStack::start().await;
    let values = [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX];
    let asked =
        ComputeRequest { quantiles: vec![0.25, 1.0], histogram: Some(HistogramOptions { bins: 2 }), ..request(values) };
    let answer = stack.client().await.compute(asked).await.expect("an answer").into_inner();

    let statistics = answer.statistics.expect("statistics");
    assert_eq!((statistics.min, statistics.max), (i64::MIN, i64::MAX));
    assert_eq!(statistics.sum, "9007199254740991");
    let quantiles: Vec<_> = statistics.quantiles.iter().map(|q| (q.probability, q.value)).collect();
    assert_eq!(quantiles, [(0.25, -1.0), (1.0, i64::MAX as f64)]);
    assert_eq!(statistics.histogram.expect("a histogram").counts, [2, 3]);
    stack.stop().await;
}

#[tokio::test]
async fn two_thousand_calls_from_64_callers_are_all_right_and_leave_nothing_behind() {
    const CALLS: i64 = 2_000;
    const CALLERS: usize = 64;
    let stack = TestStack::start().await;
    let (channel, next) = (stack.client().await, Arc::new(AtomicI64::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (mut client, next) = (channel.clone(), next.clone());
        callers.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= CALLS {
                    return;
                }
                let answer = client.compute(request([n, -n, 3 * n])).await.expect("an answer").into_inner();
                let statistics = answer.statistics.expect("statistics");
                assert_eq!((statistics.min, statistics.max), (-n, 3 * n));
                assert_eq!((statistics.median, statistics.sum), (n as f64, (3 * n).to_string()));
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("every answer is right");
    }

    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records().len(), usize::try_from(CALLS).expect("small"));
    stack.stop().await;
}

#[tokio::test]
async fn log_objects_are_still_there_after_a_restart() {
    let stack = TestStack::start().await;
    stack.client().await.compute(request([1])).await.expect("an answer");
    stack.until_queues_are_empty().await;
    let before = stack.log_records();
    let data = stack.stop().await;

    let again = start_in(data.path(), |_config| {}).await;
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&compute_process::aws::for_endpoint(&again.aws_endpoint()))
            .force_path_style(true)
            .build(),
    );
    let listed = s3.list_objects_v2().bucket("compute-logs").send().await.expect("a listing");
    let key = listed.contents()[0].key().expect("a key");
    let object = s3.get_object().bucket("compute-logs").key(key).send().await.expect("the object");
    let content = object.body.collect().await.expect("its content").into_bytes();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&content).expect("JSON"), before[0]);
    assert_eq!(listed.contents().len(), 1);
    again.stop().await;
}

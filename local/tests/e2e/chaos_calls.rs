//! The whole system while SQS and S3 misbehave in every way they know.

use std::collections::BTreeMap;
use std::sync::Arc;

use compute_proto::v1::ComputeRequest;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::kit::TestStack;

/// The line that stands in the documentation.
const WHOLE: &str =
    "seed=7,duplicate=5%,reorder=10%,throttle=5%,error=2%,delay=0-200ms,lost-response=1%,partial=5%,s3-error=5%";

const CALLS: i64 = 300;

/// What a caller may be told when AWS fails: the error says that there is no answer, and none that is wrong.
const TYPED: [Code; 3] = [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted];

#[tokio::test]
async fn under_all_faults_at_once_calls_end_with_right_answers_each_logged_once_and_queues_end_empty() {
    let stack = TestStack::start_with(|config| config.chaos = Some(WHOLE.parse().expect("chaos"))).await;
    let client = stack.client().await;
    let slots = Arc::new(Semaphore::new(50));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (mut client, slots) = (client.clone(), slots.clone());
        calls.spawn(async move {
            let _slot = slots.acquire_owned().await.expect("it is open");
            let values = vec![number, -number, 3 * number + 1];
            (number, client.compute(ComputeRequest { values, ..Default::default() }).await)
        });
    }
    let (mut answered, mut errors) = (Vec::new(), Vec::<Status>::new());
    while let Some(call) = calls.join_next().await {
        let (number, outcome) = call.expect("no call panics");
        match outcome {
            Ok(answer) => {
                let answer = answer.into_inner();
                let statistics = answer.statistics.expect("statistics");
                let expected = (3, -number, 3 * number + 1, (3 * number + 1).to_string(), number as f64);
                let given = (statistics.count, statistics.min, statistics.max, statistics.sum, statistics.median);
                assert_eq!(given, expected);
                answered.push(answer.operation_id);
            }
            Err(status) => errors.push(status),
        }
    }
    assert!(errors.iter().all(|status| TYPED.contains(&status.code())), "{errors:?}");
    assert!(answered.len() >= 9 * errors.len(), "{} answered, {errors:?}", answered.len());

    stack.until_queues_are_empty().await;
    let mut logged = BTreeMap::<_, usize>::new();
    for record in stack.log_records() {
        *logged.entry(record["id"].as_str().expect("an id").to_owned()).or_default() += 1;
    }
    assert!(answered.iter().all(|id| logged.get(id) == Some(&1)), "an answered call is not logged, or twice");
    assert!(logged.values().all(|&records| records == 1));

    let traffic = stack.stack.traffic();
    assert!(traffic.faults.values().sum::<u64>() > 500, "it was a good day:\n{traffic}");
    stack.stop().await;
}

//! Calls with an id of the caller's own can be repeated.

use std::sync::atomic::Ordering;
use std::time::Duration;

use compute_local::stack::REQUEST_QUEUE;
use compute_operations::claim::{self, Claim};
use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ComputeRequest, ComputeResponse, HistogramOptions};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use crate::kit::{TestStack, message_counts, until};
use crate::operations_kit::{
    Gateway, LOG_MODES, LONG, answer_of, bucket, check_invalid, check_refused, digest, error, failed_record, get, late,
    list, listed, log, made, made_ahead, name, of, operation_id, record, silent_worker, stack, statistics, submission,
    wait, with_id, within, worker,
};

const HOUR: Duration = Duration::from_secs(3_600);
const TAKEN: (Code, &str) = (Code::AlreadyExists, "OPERATION_ID_TAKEN");

type Answered = Result<Response<ComputeResponse>, Status>;

fn spawn(client: &ComputeServiceClient<Channel>, time: Duration, request: ComputeRequest) -> JoinHandle<Answered> {
    let mut client = client.clone();
    tokio::spawn(async move { client.compute(within(time, request)).await })
}

async fn messages(stack: &TestStack) -> u64 {
    let (visible, in_flight) = message_counts(&stack.sqs(), REQUEST_QUEUE).await;
    visible + in_flight
}

#[tokio::test]
async fn a_repeated_call_gets_the_first_answer_on_any_gateway() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let other = Gateway::start(&stack, |_| {}).await;
        let (mut here, mut there) = (stack.client().await, other.client().await);
        let id = Uuid::now_v7();
        let request = ComputeRequest { quantiles: vec![0.5], finish_late: true, ..with_id(id, [4, 5, 2, 35, 2452]) };
        let first = here.compute(request.clone()).await.expect("an answer");
        let worker = first.get_ref().worker.clone();
        let first = answer_of(id, first);
        stack.until_queues_are_empty().await;
        here.wait_operation(wait(name(id))).await.expect("it is logged");
        for client in [&mut here, &mut there] {
            let again = client.compute(request.clone()).await.expect("the same answer");
            assert_eq!(again.get_ref().worker, worker);
            assert!(again.get_ref().timing.is_some());
            assert_eq!(answer_of(id, again), first);
            let submitted =
                client.submit_operation(submission(request.clone())).await.expect("it is done").into_inner();
            assert_eq!(statistics(&submitted), &first);
        }
        assert_eq!((listed(&mut here).await, messages(&stack).await), (vec![name(id)], 0));
        other.stop().await;
        stack.stop().await;
    }
}

#[tokio::test]
async fn the_id_of_another_request_is_refused_whichever_field_differs() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let other = Gateway::start(&stack, |_| {}).await;
        let (mut here, mut there) = (stack.client().await, other.client().await);
        let id = Uuid::now_v7();
        let request = with_id(id, [1, 2, 3]);
        answer_of(id, here.compute(request.clone()).await.expect("an answer"));
        stack.until_queues_are_empty().await;
        for different in [
            with_id(id, [1, 3, 2]),
            with_id(id, [1, 2]),
            ComputeRequest { quantiles: vec![0.5], ..request.clone() },
            ComputeRequest { histogram: Some(HistogramOptions { bins: 1 }), ..request.clone() },
            ComputeRequest { finish_late: true, ..request.clone() },
        ] {
            for client in [&mut here, &mut there] {
                let refused = check_refused(client.compute(different.clone()).await, TAKEN.0, TAKEN.1);
                assert_eq!(operation_id(refused.metadata()), id);
                let submitted = client.submit_operation(submission(different.clone())).await;
                check_refused(submitted, TAKEN.0, TAKEN.1);
            }
        }
        assert_eq!(messages(&stack).await, 0);
        other.stop().await;
        stack.stop().await;
    }
}

#[tokio::test]
async fn calls_that_are_repeated_while_the_first_is_in_flight_share_its_one_message() {
    let stack = stack(LOG_MODES[0], 0).await;
    let client = stack.client().await;
    let id = Uuid::now_v7();
    let first = spawn(&client, LONG, with_id(id, [1, 2, 3]));
    until(async || messages(&stack).await == 1).await;
    // These have had their time, and sent nothing.
    for _ in 0..3 {
        late(&client, with_id(id, [1, 2, 3])).await;
    }
    check_refused(client.clone().compute(with_id(id, [1, 2])).await, TAKEN.0, TAKEN.1);
    let patient: Vec<_> = (0..10).map(|_| spawn(&client, LONG, with_id(id, [1, 2, 3]))).collect();
    assert_eq!(messages(&stack).await, 1);

    let (worker, worked) = silent_worker(&stack, None).await;
    let first = answer_of(id, first.await.expect("no panic").expect("an answer"));
    for repeated in patient {
        assert_eq!(answer_of(id, repeated.await.expect("no panic").expect("an answer")), first);
    }
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_first_caller_that_leaves_does_not_take_the_answer_of_the_second_along() {
    let stack = stack(LOG_MODES[0], 0).await;
    let client = stack.client().await;
    let id = Uuid::now_v7();
    let first = spawn(&client, LONG, with_id(id, [1, 2, 3]));
    until(async || messages(&stack).await == 1).await;
    let second = spawn(&client, LONG, with_id(id, [1, 2, 3]));
    // Calls of one connection are taken in their order, so the second one is in when a third one has been refused.
    check_refused(client.clone().compute(with_id(id, [1, 2])).await, TAKEN.0, TAKEN.1);
    first.abort();
    assert!(first.await.is_err_and(|error| error.is_cancelled()));

    let (worker, worked) = silent_worker(&stack, None).await;
    answer_of(id, second.await.expect("no panic").expect("an answer"));
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_repeated_call_with_more_time_goes_on_when_the_first_has_none_left() {
    let stack = stack(LOG_MODES[0], 0).await;
    let client = stack.client().await;
    let id = Uuid::now_v7();
    let first = spawn(&client, Duration::from_millis(1_500), with_id(id, [1, 2, 3]));
    until(async || messages(&stack).await == 1).await;
    let second = spawn(&client, LONG, with_id(id, [1, 2, 3]));
    first.await.expect("no panic").expect_err("nobody has answered it");
    until(async || messages(&stack).await == 2).await;
    let worker = worker(&stack, LOG_MODES[0]).await;
    let answer = answer_of(id, second.await.expect("no panic").expect("an answer"));
    assert_eq!(answer.median, 2.0);
    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records().len(), 1);
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_call_repeated_after_its_deadline_gets_the_answer_of_the_first_attempt() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 0).await;
        let mut client = stack.client().await;
        let id = Uuid::now_v7();
        let request = ComputeRequest { finish_late: true, ..with_id(id, [1, 2, 6]) };
        let late = late(&client, request.clone()).await;
        assert_eq!(operation_id(late.metadata()), id);
        let first = worker(&stack, log_mode).await;
        let done = client.wait_operation(within(LONG, wait(name(id)))).await.expect("it is done").into_inner();
        stack.until_queues_are_empty().await;
        first.stop().await;
        // Nobody works any more: the answer can only be the first one.
        let again = client.compute(within(LONG, request)).await.expect("the first answer");
        assert_eq!((&again.get_ref().worker, again.get_ref().timing), (&done.worker, done.timing));
        assert_eq!(&answer_of(id, again), statistics(&done));
        stack.stop().await;
    }
}

#[tokio::test]
async fn an_id_that_a_gateway_made_repeats_its_call() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let other = Gateway::start(&stack, |_| {}).await;
        let (mut here, mut there) = (stack.client().await, other.client().await);
        let first = here.compute(list([1, 2, 3])).await.expect("an answer");
        let id = operation_id(first.metadata());
        let first = answer_of(id, first);
        // Its own gateway knows at once, whatever the log does.
        check_refused(here.compute(with_id(id, [1])).await, TAKEN.0, TAKEN.1);
        assert_eq!(answer_of(id, here.compute(with_id(id, [1, 2, 3])).await.expect("an answer")), first);
        there.wait_operation(within(LONG, wait(name(id)))).await.expect("it is logged");
        check_refused(there.compute(with_id(id, [1, 2])).await, TAKEN.0, TAKEN.1);
        other.stop().await;
        stack.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_requests_that_take_an_id_at_once_on_two_gateways_one_gets_it() {
    let stack = stack(LOG_MODES[0], 1).await;
    let other = Gateway::start(&stack, |_| {}).await;
    let clients = [stack.client().await, other.client().await];
    let mut wins = [0, 0];
    for round in 0..60 {
        let id = Uuid::now_v7();
        // Twice on each gateway, the order of them another one in each round.
        let calls: Vec<_> = (0..4)
            .map(|n| {
                let n = (n + round) % 4;
                let values = [n / 2, 10];
                (values, spawn(&clients[usize::try_from((n + n / 2) % 2).unwrap()], LONG, with_id(id, values)))
            })
            .collect();
        let mut winner = None;
        let mut refused = 0;
        for (values, call) in calls {
            match call.await.expect("no panic") {
                Ok(answer) => {
                    let answer = answer_of(id, answer);
                    assert_eq!(answer.min, values[0], "never the answer to another request");
                    assert_eq!(*winner.get_or_insert(values), values, "one request has the id");
                }
                refusal => {
                    check_refused(refusal, TAKEN.0, TAKEN.1);
                    refused += 1;
                }
            }
        }
        let winner = winner.expect("one gets it");
        assert_eq!(refused, 2);
        let done = clients[0].clone().wait_operation(within(LONG, wait(name(id)))).await.expect("it is logged");
        assert_eq!(done.into_inner().digest, digest(&list(winner)), "and it is the one in the log");
        wins[usize::try_from(winner[0]).unwrap()] += 1;
    }
    assert!(wins.iter().all(|&wins| wins > 0), "either can win: {wins:?}");
    other.stop().await;
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_that_comes_to_two_gateways_at_once_is_one_operation() {
    let stack = stack(LOG_MODES[0], 1).await;
    let other = Gateway::start(&stack, |_| {}).await;
    let clients = [stack.client().await, other.client().await];
    for round in 0..60 {
        let id = Uuid::now_v7();
        let calls: Vec<_> = (0..4).map(|n| spawn(&clients[n % 2], LONG, with_id(id, [round, 1_000]))).collect();
        for call in calls {
            assert_eq!(answer_of(id, call.await.expect("no panic").expect("an answer")).min, round);
        }
    }
    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records().len(), 60);
    other.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn a_failure_is_repeated_as_that_failure() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let (worker, worked) = silent_worker(&stack, Some(Code::Internal)).await;
    let (answered, logged) = (Uuid::now_v7(), Uuid::now_v7());
    log(&stack, &failed_record(logged, Code::Internal, "secret of /home/worker")).await;
    for id in [answered, answered, logged] {
        let failed = check_refused(client.compute(with_id(id, [1, 2, 3])).await, Code::Internal, "WORKER_FAILED");
        assert_eq!((failed.message(), operation_id(failed.metadata())), ("the worker failed", id));
    }
    let found = client.get_operation(get(name(answered))).await.expect("it was answered").into_inner();
    assert_eq!(error(&found), (Code::Internal as i32, "the worker failed"));
    assert_eq!(worked.load(Ordering::SeqCst), 1);
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn an_old_id_fetches_an_earlier_answer_and_nothing_else() {
    let stack = stack(LOG_MODES[0], 1).await;
    let mut client = stack.client().await;
    let (unknown, known) = (made(25 * HOUR), made(1_000 * HOUR));
    check_invalid(client.compute(with_id(unknown, [1])).await, &["operation_id"]);
    check_invalid(client.submit_operation(submission(with_id(unknown, [1]))).await, &["request.operation_id"]);
    log(&stack, &record(known, None)).await;
    let answer = client.compute(with_id(known, [1, 2, 3])).await.expect("the earlier answer");
    assert_eq!(answer.get_ref().worker, "by-hand");
    answer_of(known, answer);
    check_refused(client.compute(with_id(known, [1, 2])).await, TAKEN.0, TAKEN.1);

    // One that was claimed while it could be, whose request may still be on its way.
    let claimed = made(25 * HOUR);
    let claim = claim::claim(&bucket(&stack), None, claimed, &digest(&list([1, 2, 3]))).await;
    assert_eq!(claim.expect("it is claimed"), Claim::New);
    check_refused(client.compute(with_id(claimed, [1, 2])).await, TAKEN.0, TAKEN.1);
    answer_of(claimed, client.compute(with_id(claimed, [1, 2, 3])).await.expect("an answer"));
    stack.stop().await;
}

#[tokio::test]
async fn what_is_no_id_is_refused_and_a_young_one_may_be_a_little_ahead() {
    let stack = stack(LOG_MODES[0], 1).await;
    let mut client = stack.client().await;
    let ahead = made_ahead(Duration::from_secs(120));
    let upper = Uuid::now_v7().to_string().to_uppercase();
    for bad in ["x", &upper, &Uuid::now_v7().simple().to_string(), &Uuid::new_v4().to_string(), &ahead.to_string()] {
        let request = ComputeRequest { operation_id: bad.to_owned(), ..list([1]) };
        check_invalid(client.compute(request).await, &["operation_id"]);
    }
    for id in [made_ahead(Duration::from_secs(30)), made(23 * HOUR)] {
        answer_of(id, client.compute(with_id(id, [1])).await.expect("an answer"));
    }
    stack.stop().await;
}

#[tokio::test]
async fn a_request_submitted_again_is_queued_again_until_it_is_done() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let id = Uuid::now_v7();
    for sent in 1..=2 {
        let submitted = client.submit_operation(submission(with_id(id, [1, 2, 3]))).await.expect("it is queued");
        assert_eq!(operation_id(submitted.metadata()), id);
        assert_eq!((submitted.get_ref().name.as_str(), submitted.get_ref().done), (name(id).as_str(), false));
        assert_eq!(messages(&stack).await, sent);
    }
    check_refused(client.submit_operation(submission(with_id(id, [1, 2]))).await, TAKEN.0, TAKEN.1);
    let worker = worker(&stack, LOG_MODES[0]).await;
    let done = client.wait_operation(within(LONG, wait(name(id)))).await.expect("it is done").into_inner();
    let submitted = client.submit_operation(submission(with_id(id, [1, 2, 3]))).await.expect("it is done");
    assert_eq!(submitted.into_inner(), done);
    stack.until_queues_are_empty().await;
    assert_eq!(stack.log_records().len(), 1);
    worker.stop().await;
    stack.stop().await;
}

#[tokio::test]
async fn tenants_choose_their_ids_apart() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let mut client = stack.client().await;
        let id = Uuid::now_v7();
        let acme = client.compute(of("acme", with_id(id, [1]))).await.expect("an answer");
        let other = client.compute(of("other", with_id(id, [2]))).await.expect("an answer of its own");
        assert_eq!((answer_of(id, acme).min, answer_of(id, other).min), (1, 2));
        stack.until_queues_are_empty().await;
        for (tenant, min) in [("acme", 1), ("other", 2)] {
            let found = client.get_operation(of(tenant, get(name(id)))).await.expect("it is done").into_inner();
            assert_eq!((statistics(&found).min, found.tenant.as_str()), (min, tenant));
        }
        stack.stop().await;
    }
}

#[tokio::test]
async fn an_id_that_another_tenant_has_in_flight_can_be_used_when_that_has_ended() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let id = Uuid::now_v7();
    let acme = tokio::spawn({
        let mut client = client.clone();
        async move { client.compute(of("acme", with_id(id, [1]))).await }
    });
    until(async || messages(&stack).await == 1).await;
    let busy = client.compute(of("other", with_id(id, [2]))).await;
    check_refused(busy, Code::Unavailable, "OPERATION_ID_BUSY");
    let worker = worker(&stack, LOG_MODES[0]).await;
    assert_eq!(answer_of(id, acme.await.expect("no panic").expect("an answer")).min, 1);
    let other = client.compute(of("other", with_id(id, [2]))).await.expect("an answer of its own");
    assert_eq!(answer_of(id, other).min, 2);
    worker.stop().await;
    stack.stop().await;
}

/// What a caller may be told when AWS fails, and then repeats its call.
const TO_REPEAT: [Code; 3] = [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_sqs_and_s3_misbehave_an_id_still_belongs_to_one_request() {
    const CHAOS: &str = "seed=11,duplicate=10%,throttle=5%,delay=0-20ms,lost-response=5%,s3-error=10%";
    let stack = TestStack::start_with(|config| config.chaos = Some(CHAOS.parse().expect("chaos"))).await;
    let other = Gateway::start(&stack, |_| {}).await;
    let clients = [stack.client().await, other.client().await];
    for round in 0..6 {
        let id = Uuid::now_v7();
        let calls: Vec<_> = (0..4)
            .map(|n| {
                let (values, mut client) = ([n / 2, 10 + round], clients[usize::try_from(n % 2).unwrap()].clone());
                tokio::spawn(async move {
                    for _ in 0..20 {
                        match client.compute(within(LONG, with_id(id, values))).await {
                            Err(status) if TO_REPEAT.contains(&status.code()) => {}
                            answered => return (values, answered),
                        }
                    }
                    panic!("there is no answer, however often the call is repeated");
                })
            })
            .collect();
        let mut winner = None;
        for call in calls {
            match call.await.expect("no panic") {
                (values, Ok(answer)) => {
                    assert_eq!(*winner.get_or_insert(values), values, "one request has the id");
                    assert_eq!(answer_of(id, answer).min, values[0], "never the answer to another request");
                }
                (_, refusal) => drop(check_refused(refusal, TAKEN.0, TAKEN.1)),
            }
        }
        assert!(winner.is_some());
    }
    other.stop().await;
    stack.stop().await;
}

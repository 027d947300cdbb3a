//! Reply queues do not pile up: those of dead requesters go, those of live ones stay, and one that is lost is replaced.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::Message;
use compute_local::stack::REQUEST_QUEUE;
use futures_util::future::join_all;
use http::HeaderValue;
use sqs_rpc::{CallError, ReplyQueueUpkeep, Requester, RequesterConfig, StartError};
use uuid::{NoContext, Timestamp, Uuid};

use crate::endings::{LONG, call, send_reply};
use crate::endpoint::Endpoint;
use crate::kit::{TestStack, message_counts, queue_url, until};

const PREFIX: &str = "herd";
const LAST_ACTIVE: &str = "sqs-rpc:last-active";
const HOUR: Duration = Duration::from_secs(3_600);

/// Times that a test can wait for. A requester must not look dead because the machine is busy.
fn upkeep() -> ReplyQueueUpkeep {
    ReplyQueueUpkeep {
        heartbeat: Duration::from_secs(2),
        dead_after: Duration::from_secs(12),
        first_sweep_within: Duration::from_secs(1),
        sweep_interval: Duration::from_secs(2),
        sweep_pause: Duration::ZERO,
    }
}

fn config() -> RequesterConfig {
    RequesterConfig {
        prefix: PREFIX.to_owned(),
        poll_wait: Duration::from_secs(2),
        pollers: 1,
        reply_queue_upkeep: upkeep(),
        ..RequesterConfig::new(REQUEST_QUEUE)
    }
}

/// As `config`, on a queue that is there.
fn on_given_queue(instance: &str) -> RequesterConfig {
    let reply_queue = Some(format!("{PREFIX}-replies-given"));
    RequesterConfig { reply_queue, instance: instance.to_owned(), ..config() }
}

/// A system whose worker replies to the requesters here, and whose gateway is none of them.
async fn stack(workers: u32) -> TestStack {
    TestStack::start_with(|config| {
        config.worker.prefix = PREFIX.to_owned();
        config.workers = workers;
    })
    .await
}

async fn start(stack: &TestStack, config: RequesterConfig) -> Requester {
    Requester::start(&stack.aws_of("gateway"), config).await.expect("it starts")
}

fn before_now(age: Duration) -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - age
}

/// The name of a reply queue that was made this long ago.
fn name_of_age(age: Duration) -> String {
    let made = before_now(age);
    let made = Timestamp::from_unix(NoContext, made.as_secs(), made.subsec_nanos());
    format!("{PREFIX}-replies-{}", Uuid::new_v7(made))
}

/// Makes a queue whose owner was last active this long ago, or never said so.
async fn make_queue(sqs: &aws_sdk_sqs::Client, name: &str, active: Option<Duration>) -> String {
    let tags = active.map(|age| HashMap::from([(LAST_ACTIVE.to_owned(), before_now(age).as_millis().to_string())]));
    let made = sqs.create_queue().queue_name(name).set_tags(tags).send().await.expect("made");
    made.queue_url.expect("a URL")
}

/// The names of all reply queues.
async fn reply_queues(sqs: &aws_sdk_sqs::Client) -> BTreeSet<String> {
    let mut pages = sqs.list_queues().queue_name_prefix(PREFIX).max_results(1_000).into_paginator().items().send();
    let mut names = BTreeSet::new();
    while let Some(url) = pages.next().await {
        names.insert(name_in(&url.expect("the endpoint answers")));
    }
    names
}

fn name_in(url: &str) -> String {
    url.rsplit_once('/').expect("a URL").1.to_owned()
}

/// Whether the call ended because no reply can come.
fn is_lost<T>(outcome: &Result<T, CallError>) -> bool {
    match outcome {
        Err(CallError::Unavailable(cause)) => cause.to_string() == "the reply queue is lost",
        _ => false,
    }
}

/// Takes a request from its queue, for good.
async fn receive_request(sqs: &aws_sdk_sqs::Client) -> Message {
    let queue = queue_url(sqs, REQUEST_QUEUE).await;
    let receive = sqs.receive_message().queue_url(&queue).message_attribute_names("All").wait_time_seconds(20);
    let messages = receive.send().await.expect("received").messages.unwrap_or_default();
    let message = messages.into_iter().next().expect("a request");
    let delete = sqs.delete_message().queue_url(queue).receipt_handle(message.receipt_handle().expect("a receipt"));
    delete.send().await.expect("deleted");
    message
}

fn attribute(message: &Message, name: &str) -> String {
    message.message_attributes.as_ref().expect("attributes")[name].string_value().expect("a string").to_owned()
}

#[tokio::test]
async fn of_a_hundred_requesters_that_start_at_once_the_queues_of_the_dead_go_and_those_of_the_living_stay() {
    let stack = stack(1).await;
    let sqs = stack.sqs();
    let foreign = [format!("{PREFIX}-replies-orders"), name_of_age(2 * HOUR)];
    for name in &foreign {
        make_queue(&sqs, name, None).await;
    }
    let mut living = join_all((0..100).map(|_| start(&stack, config()))).await;
    assert_eq!(reply_queues(&sqs).await.len(), 102);
    let dead = living.split_off(50);
    drop(dead);

    let urls: Vec<_> = living.iter().map(Requester::reply_queue_url).collect();
    let expected: BTreeSet<_> = urls.iter().map(|url| name_in(url)).chain(foreign).collect();
    until(async || reply_queues(&sqs).await.len() <= expected.len()).await;
    assert_eq!(reply_queues(&sqs).await, expected);
    assert_eq!(living.iter().map(|requester| requester.stats().reply_queues_swept).sum::<u64>(), 50);

    // By now the living have been idle for as long as the dead.
    for (requester, url) in living.iter().zip(&urls) {
        requester.call(call(LONG)).await.expect("a reply");
        assert_eq!((&requester.reply_queue_url(), requester.stats().reply_queue_lost), (url, 0));
    }
    join_all(living.iter().map(|requester| requester.shutdown(LONG))).await;
    assert_eq!(reply_queues(&sqs).await.len(), 2);
    stack.stop().await;
}

#[tokio::test]
async fn a_sweep_goes_through_more_queues_than_sqs_lists_at_once() {
    const DEAD: u64 = 1_100;
    let stack = stack(0).await;
    let sqs = stack.sqs();
    for _ in 0..DEAD {
        make_queue(&sqs, &name_of_age(HOUR), Some(HOUR)).await;
    }
    let requester = start(&stack, config()).await;
    until(async || requester.stats().reply_queues_swept == DEAD).await;
    assert_eq!(reply_queues(&sqs).await, BTreeSet::from([name_in(&requester.reply_queue_url())]));
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn requesters_that_start_at_once_do_not_all_look_at_all_the_dead() {
    const DEAD: usize = 50;
    let (stack, dir) = (stack(0).await, tempfile::tempdir().unwrap());
    let (sqs, embedded, looks) = (stack.sqs(), stack.stack.sqs().clone(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..DEAD {
        make_queue(&sqs, &name_of_age(HOUR), Some(HOUR)).await;
    }
    let endpoint = Endpoint::start_with(dir.path(), {
        let looks = looks.clone();
        move |request: http::Request<hyper::body::Incoming>| {
            if request.headers()["x-amz-target"] == "AmazonSQS.ListQueueTags" {
                looks.fetch_add(1, Ordering::Relaxed);
            }
            let embedded = embedded.clone();
            async move { embedded.handle(request).await }
        }
    })
    .await;
    // One sweep each, while all of them are new.
    let upkeep = ReplyQueueUpkeep { dead_after: Duration::from_secs(120), sweep_interval: HOUR, ..upkeep() };
    let config = RequesterConfig { reply_queue_upkeep: upkeep, ..config() };
    let aws = compute_process::aws::for_endpoint(&format!("http://{}", endpoint.address));
    let starting = (0..30).map(|_| Requester::start(&aws, config.clone()));
    let requesters: Vec<_> = join_all(starting).await.into_iter().map(Result::unwrap).collect();
    until(async || reply_queues(&sqs).await.len() == requesters.len()).await;

    join_all(requesters.iter().map(|requester| requester.shutdown(LONG))).await;
    let looks = looks.load(Ordering::Relaxed);
    assert!((DEAD..=2 * DEAD).contains(&looks), "{looks} looks at {DEAD} queues");
    endpoint.stop().await.unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn who_is_dead_is_told_by_the_clock_of_sqs_and_not_by_that_of_the_host() {
    // A host whose clock is an hour ahead, since that of SQS is an hour behind.
    let (stack, dir) = (stack(0).await, tempfile::tempdir().unwrap());
    let (sqs, embedded) = (stack.sqs(), stack.stack.sqs().clone());
    let endpoint = Endpoint::start_with(dir.path(), move |request| {
        let embedded = embedded.clone();
        async move {
            let mut response = embedded.handle(request).await;
            let date = time::OffsetDateTime::now_utc() - HOUR;
            let format = time::macros::format_description!(
                "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
            );
            let date = HeaderValue::try_from(date.format(&format).unwrap()).unwrap();
            response.headers_mut().insert("date", date);
            response
        }
    })
    .await;
    let (living, dead) = (name_of_age(3 * HOUR), name_of_age(3 * HOUR));
    make_queue(&sqs, &living, Some(HOUR)).await;
    make_queue(&sqs, &dead, Some(HOUR + Duration::from_secs(60))).await;

    // Long enough for the living one to stay so.
    let upkeep = ReplyQueueUpkeep { dead_after: Duration::from_secs(50), ..upkeep() };
    let aws = compute_process::aws::for_endpoint(&format!("http://{}", endpoint.address));
    let requester = Requester::start(&aws, RequesterConfig { reply_queue_upkeep: upkeep, ..config() }).await.unwrap();
    until(async || requester.stats().reply_queues_swept == 1).await;
    let own = requester.reply_queue_url();
    assert_eq!(reply_queues(&sqs).await, BTreeSet::from([living, name_in(&own)]));

    let tags = sqs.list_queue_tags().queue_url(&own).send().await.unwrap().tags.unwrap();
    let (made, _) = Uuid::try_parse(&own[own.len() - 36..]).unwrap().get_timestamp().unwrap().to_unix();
    let active: u64 = tags[LAST_ACTIVE].parse().unwrap();
    for seconds in [made, active / 1_000] {
        assert!(before_now(HOUR).as_secs().abs_diff(seconds) < 60, "{seconds}");
    }
    requester.shutdown(LONG).await;
    endpoint.stop().await.unwrap();
    stack.stop().await;
}

#[tokio::test]
async fn a_requester_whose_queue_is_deleted_fails_those_that_wait_and_goes_on_with_another() {
    let stack = stack(0).await;
    let (sqs, requester) = (stack.sqs(), start(&stack, config()).await);
    let waiting = tokio::spawn({
        let requester = requester.clone();
        async move { requester.call(call(LONG)).await }
    });
    let old = requester.reply_queue_url();
    assert_eq!(attribute(&receive_request(&sqs).await, "ReplyTo"), old);
    sqs.delete_queue().queue_url(&old).send().await.expect("deleted");

    assert!(is_lost(&waiting.await.unwrap()));
    until(async || requester.reply_queue_url() != old).await;
    assert_eq!((requester.stats().reply_queue_lost, requester.in_flight()), (1, 0));
    let calling = tokio::spawn({
        let requester = requester.clone();
        async move { requester.call(call(LONG)).await }
    });
    let request = receive_request(&sqs).await;
    let reply_to = attribute(&request, "ReplyTo");
    assert_eq!(reply_to, requester.reply_queue_url());
    let id = attribute(&request, "CorrelationId").parse().unwrap();
    send_reply(&sqs, &reply_to, id, &attribute(&request, "Digest")).await;
    calling.await.unwrap().expect("a reply");
    requester.shutdown(LONG).await;
    assert!(reply_queues(&sqs).await.is_empty());
    stack.stop().await;
}

#[tokio::test]
async fn a_given_queue_has_one_owner_at_a_time() {
    let stack = stack(1).await;
    let (sqs, aws) = (stack.sqs(), stack.aws_of("gateway"));
    make_queue(&sqs, &format!("{PREFIX}-replies-given"), None).await;
    let owner = start(&stack, on_given_queue("host-a")).await;
    owner.call(call(LONG)).await.expect("a reply");

    let refused = Requester::start(&aws, on_given_queue("host-b")).await.expect_err("it has an owner");
    assert!(refused.to_string().contains("@host-a"), "{refused}");
    let StartError::ReplyQueueInUse { holder, .. } = refused else { panic!("{refused:?}") };
    assert!(holder.ends_with("@host-a"), "{holder}");

    owner.shutdown(LONG).await;
    let next = start(&stack, on_given_queue("host-b")).await;
    next.call(call(LONG)).await.expect("a reply");
    next.shutdown(LONG).await;
    assert_eq!(reply_queues(&sqs).await.len(), 1, "it stays");
    stack.stop().await;
}

#[tokio::test]
async fn the_queue_of_a_dead_owner_is_free_at_once_for_its_instance_and_later_for_others() {
    let stack = stack(1).await;
    let (sqs, aws) = (stack.sqs(), stack.aws_of("gateway"));
    make_queue(&sqs, &format!("{PREFIX}-replies-given"), None).await;
    drop(start(&stack, on_given_queue("host-a")).await);
    let again = start(&stack, on_given_queue("host-a")).await;
    again.call(call(LONG)).await.expect("a reply");
    drop(again);

    assert!(Requester::start(&aws, on_given_queue("host-b")).await.is_err());
    until(async || Requester::start(&aws, on_given_queue("host-b")).await.is_ok()).await;
    stack.stop().await;
}

#[tokio::test]
async fn an_owner_gives_way_to_another_that_took_its_queue_and_comes_back_when_that_ends() {
    let stack = stack(1).await;
    make_queue(&stack.sqs(), &format!("{PREFIX}-replies-given"), None).await;
    let first = start(&stack, on_given_queue("host-a")).await;
    let second = start(&stack, on_given_queue("host-a")).await;
    until(async || first.stats().reply_queue_lost == 1).await;
    assert!(is_lost(&first.call(call(LONG)).await));
    second.call(call(LONG)).await.expect("a reply");

    second.shutdown(LONG).await;
    until(async || first.call(call(LONG)).await.is_ok()).await;
    first.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn a_given_queue_that_is_deleted_is_used_again_when_it_is_back() {
    let stack = stack(1).await;
    let (sqs, name) = (stack.sqs(), format!("{PREFIX}-replies-given"));
    let url = make_queue(&sqs, &name, None).await;
    let requester = start(&stack, on_given_queue("host-a")).await;
    sqs.delete_queue().queue_url(&url).send().await.expect("deleted");
    until(async || requester.stats().reply_queue_lost == 1).await;
    assert!(is_lost(&requester.call(call(LONG)).await));

    make_queue(&sqs, &name, None).await;
    until(async || requester.call(call(LONG)).await.is_ok()).await;
    requester.shutdown(LONG).await;
    stack.stop().await;
}

#[tokio::test]
async fn replies_to_calls_of_others_are_left_on_a_given_queue() {
    let stack = stack(0).await;
    let (sqs, name) = (stack.sqs(), format!("{PREFIX}-replies-given"));
    let url = make_queue(&sqs, &name, None).await;
    let requester = start(&stack, on_given_queue("host-a")).await;
    send_reply(&sqs, &url, Uuid::now_v7(), "0000").await;
    sqs.send_message().queue_url(&url).message_body("not a reply").send().await.expect("sent");
    until(async || (requester.stats().unknown, requester.stats().malformed) == (1, 1)).await;
    requester.shutdown(LONG).await;
    assert_eq!(message_counts(&sqs, &name).await, (0, 1));
    stack.stop().await;
}

//! Listings of operations.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use compute_proto::v1::compute_service_client::ComputeServiceClient;
use compute_proto::v1::{ListOperationsRequest, ListOperationsResponse};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::operations_kit::{LOG_MODES, check_invalid, list, log, made, name, of, record, stack, statistics};

type Client = ComputeServiceClient<Channel>;

fn page(page_size: i32, page_token: &str, day: &str) -> ListOperationsRequest {
    ListOperationsRequest { page_size, page_token: page_token.to_owned(), day: day.to_owned() }
}

async fn list_page(client: &mut Client, request: ListOperationsRequest) -> ListOperationsResponse {
    client.list_operations(of("acme", request)).await.expect("a page").into_inner()
}

fn names(page: &ListOperationsResponse) -> Vec<String> {
    page.operations.iter().map(|operation| operation.name.clone()).collect()
}

/// `YYYY-MM-DD` of that many days ago, by a calendar that is not the one under test.
fn day(ago: Duration) -> String {
    let days = (SystemTime::now() - ago).duration_since(UNIX_EPOCH).expect("after 1970").as_secs() / 86_400;
    // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    format!("{:04}-{m:02}-{d:02}", yoe + era * 400 + u64::from(m <= 2))
}

#[tokio::test]
async fn operations_come_newest_first_without_their_values() {
    for log_mode in LOG_MODES {
        let stack = stack(log_mode, 1).await;
        let mut client = stack.client().await;
        let mut ids = Vec::new();
        for n in 0..5 {
            let answer = client.compute(of("acme", list([n, n + 1]))).await.expect("an answer").into_inner();
            ids.insert(0, format!("operations/{}", answer.operation_id));
        }
        stack.until_queues_are_empty().await;
        let listed = list_page(&mut client, ListOperationsRequest::default()).await;
        assert_eq!((names(&listed), listed.next_page_token.as_str()), (ids, ""));
        for operation in &listed.operations {
            assert_eq!((statistics(operation).count, operation.count, operation.tenant.as_str()), (2, 2, "acme"));
            assert_eq!((operation.values.len(), operation.summary.as_str(), operation.digest.len()), (0, "", 64));
        }
        stack.stop().await;
    }
}

#[tokio::test]
async fn pages_hold_as_many_operations_as_asked_for_and_never_more_than_100() {
    let stack = stack(LOG_MODES[0], 0).await;
    for n in 0..120 {
        log(&stack, &record(made(Duration::from_secs(n)), Some("acme"))).await;
    }
    let mut client = stack.client().await;
    for (asked, given) in [(0, 50), (1, 1), (100, 100), (101, 100), (i32::MAX, 100)] {
        let listed = list_page(&mut client, page(asked, "", "")).await;
        assert_eq!((listed.operations.len(), listed.next_page_token.is_empty()), (given, false));
    }
    stack.stop().await;
}

#[tokio::test]
async fn page_tokens_stay_good_while_records_arrive() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    // Ten days of records, and some that arrive late, before and behind the page that is being read.
    let mut ids: Vec<_> = (1..=120).map(|n| made(hours(2 * n))).collect();
    for id in &ids {
        log(&stack, &record(*id, Some("acme"))).await;
    }
    ids.sort_by_key(|id| std::cmp::Reverse(*id));
    let (mut listed, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = list_page(&mut client, page(17, &token, "")).await;
        listed.extend(names(&page));
        pages += 1;
        for late in [made(Duration::ZERO), made(hours(2 * 17 * pages - 1)), made(hours(300 + pages))] {
            log(&stack, &record(late, Some("acme"))).await;
        }
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert!(listed.is_sorted_by(|a, b| a > b), "newest first: names of ids sort as their times");
    let seen: HashSet<_> = listed.iter().collect();
    assert_eq!(seen.len(), listed.len(), "nothing is listed twice");
    assert!(ids.iter().all(|id| seen.contains(&name(*id))), "what was there before is listed");
    assert!(pages >= 8, "{pages}");
    stack.stop().await;
}

#[tokio::test]
async fn a_day_has_its_own_operations() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    let days = |n: u64| Duration::from_secs(n * 86_400);
    // Each day as it was at this time of the day.
    let ids: Vec<_> = (0..4).map(|n| made(days(n))).collect();
    for id in &ids {
        log(&stack, &record(*id, Some("acme"))).await;
    }
    let listed = list_page(&mut client, page(0, "", &day(days(2)))).await;
    assert_eq!((names(&listed), listed.next_page_token.as_str()), (vec![name(ids[2])], ""));
    assert_eq!(list_page(&mut client, page(0, "", "1999-12-31")).await.operations, []);
    stack.stop().await;
}

#[tokio::test]
async fn what_is_not_the_token_of_a_listing_is_refused() {
    let stack = stack(LOG_MODES[0], 0).await;
    let mut client = stack.client().await;
    for n in 0..3 {
        log(&stack, &record(made(Duration::from_secs(n)), Some("acme"))).await;
    }
    let token = list_page(&mut client, page(1, "", "")).await.next_page_token;
    assert_eq!(list_page(&mut client, page(2, &token, "")).await.operations.len(), 2, "another size is allowed");
    let flipped = format!("{}{}", if token.starts_with('A') { 'B' } else { 'A' }, &token[1..]);
    for bad in ["x", "%", &token[..token.len() - 3], &flipped, &Uuid::now_v7().to_string(), &"A".repeat(100_000)] {
        check_invalid(client.list_operations(of("acme", page(0, bad, ""))).await, &["page_token"]);
    }
    let today = day(Duration::ZERO);
    check_invalid(client.list_operations(of("acme", page(0, &token, &today))).await, &["page_token"]);
    check_invalid(client.list_operations(of("other", page(0, &token, ""))).await, &["page_token"]);
    check_invalid(client.list_operations(page(0, &token, "")).await, &["page_token"]);
    check_invalid(client.list_operations(of("acme", page(-1, "x", ""))).await, &["page_size", "page_token"]);
    for bad in ["today", "2026-11-31", "2026-1-1", "20261124", "2026-11-24T00:00:00Z"] {
        check_invalid(client.list_operations(of("acme", page(0, "", bad))).await, &["day"]);
    }
    stack.stop().await;
}

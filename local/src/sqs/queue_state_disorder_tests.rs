//! A queue that delivers twice and out of order: every message still comes, and it ends.

use std::collections::BTreeMap;

use super::super::*;
use super::{SECOND, START, delivered, queue, receive, send};
use crate::chaos::Gate;

fn disordered(chaos: &str) -> QueueState {
    let gate = Gate::new(Some(chaos.parse().expect("chaos")));
    queue(&[]).with_disorder(gate.disorder().map(|disorder| disorder.of_queue(0)))
}

#[test]
fn a_duplicate_comes_once_more_though_its_message_was_deleted_and_with_another_receipt() {
    let mut queue = disordered("duplicate=100%");
    send(&mut queue, START, &["a"]);
    let first = receive(&mut queue, START, 1);
    queue.delete(START, first[0].receipt);
    assert_eq!(queue.counts(START), Counts { in_flight: 1, ..Counts::default() });

    let again = receive(&mut queue, START + 2 * SECOND, 10);
    assert_eq!(delivered(&again), ["a"]);
    assert_eq!(again[0].message.content.id, first[0].message.content.id);
    assert_ne!(again[0].receipt, first[0].receipt);
    assert_eq!((first[0].message.receive_count, again[0].message.receive_count), (1, 1));
    queue.delete(START + 2 * SECOND, again[0].receipt);
    assert_eq!(queue.counts(START + 2 * SECOND), Counts::default());
}

#[test]
fn a_duplicate_comes_while_its_message_is_in_flight_too() {
    let mut queue = disordered("duplicate=100%");
    send(&mut queue, START, &["a"]);
    let first = receive(&mut queue, START, 1);
    let again = receive(&mut queue, START + 2 * SECOND, 10);
    assert_eq!(delivered(&again), ["a"]);
    queue.delete(START + 2 * SECOND, again[0].receipt);
    assert_eq!(queue.change_visibility(START + 2 * SECOND, first[0].receipt, 0), Ok(()));
}

#[test]
fn a_poison_message_ends_among_the_dead_however_often_it_is_copied() {
    let mut queue = disordered("duplicate=100%");
    send(&mut queue, START, &["a"]);
    let (mut now, mut dead, mut deliveries) = (START, 0, 0);
    while queue.counts(now) != Counts::default() {
        now += SECOND;
        let received = queue.receive(now, 10, SECOND, Some(3));
        (dead, deliveries) = (dead + received.dead.len(), deliveries + received.deliveries.len());
        assert!(now < START + 100 * SECOND, "it goes on for ever");
    }
    // Three deliveries of the message itself, and copies of each, which know of none, one or two deliveries.
    assert_eq!((dead, deliveries), (4, 3 + 3 + 2 + 1));
}

#[test]
fn a_disordered_receive_takes_others_than_the_oldest_and_all_of_them_in_the_end() {
    let mut queue = disordered("seed=1,reorder=100%");
    queue.in_flight_limit = 100;
    let sent: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    send(&mut queue, START, &sent.iter().map(String::as_str).collect::<Vec<_>>());
    let mut order = Vec::new();
    while let deliveries @ [_, ..] = &*receive(&mut queue, START, 10) {
        order.extend(delivered(deliveries).into_iter().map(str::to_owned));
    }
    assert_ne!(order, sent);
    let times: BTreeMap<_, usize> = order.iter().fold(BTreeMap::new(), |mut times, body| {
        *times.entry(body).or_default() += 1;
        times
    });
    assert_eq!(times, sent.iter().map(|body| (body, 1)).collect());
}

#[test]
fn the_same_seed_gives_the_same_order() {
    let order = |seed: u64| {
        let mut queue = disordered(&format!("seed={seed},reorder=50%"));
        queue.in_flight_limit = 100;
        send(&mut queue, START, &["a", "b", "c", "d", "e", "f", "g", "h"]);
        let each = (0..8).flat_map(|_| receive(&mut queue, START, 1));
        each.map(|delivery| delivery.message.content.body.clone()).collect::<String>()
    };
    assert_eq!(order(7), order(7));
    assert!((0..20).any(|seed| order(seed) != order(7)));
}

//! Where the time of a call went, as the caller is told.

use std::time::Duration;

use compute_operations::record::Times;
use compute_proto::v1;
use sqs_rpc::CallTiming;

/// The `Timing` of a call that took `total` in the gateway, of which `call` knows the parts spent elsewhere.
///
/// The parts add up to the total: what no part accounts for is the gateway's. Parts are whole milliseconds on SQS's clock and
/// may together exceed a short total by their rounding; the longest then give way.
pub(crate) fn timing(total: Duration, call: &CallTiming) -> v1::Timing {
    let mut parts = [call.request_queue, call.work, call.reply_queue];
    let known: Duration = parts.iter().flatten().sum();
    let gateway = total.saturating_sub(known);
    let mut excess = known.saturating_sub(total);
    while !excess.is_zero() {
        let Some(longest) = parts.iter_mut().flatten().max() else { break };
        let cut = excess.min(*longest);
        *longest -= cut;
        excess -= cut;
    }
    let [request_queue, work, reply_queue] = parts;
    v1::Timing {
        total: proto(total),
        gateway: proto(gateway),
        request_queue: request_queue.and_then(proto),
        work: work.and_then(proto),
        reply_queue: reply_queue.and_then(proto),
        compute: call.compute.and_then(proto),
    }
}

/// The `Timing` of an operation as far as the log knows it; none if it knows nothing.
///
/// `request_queue` is measured on SQS's clock and `compute` on the worker's. `total` and `work` reach from the one to the other,
/// and are nothing where these disagree by more than that.
pub(crate) fn logged(times: Times) -> Option<v1::Timing> {
    let between = |from: Option<i64>, to: Option<i64>| {
        let ms = u64::try_from(to?.saturating_sub(from?)).unwrap_or(0);
        proto(Duration::from_millis(ms))
    };
    let timing = v1::Timing {
        total: between(times.sent, times.finished),
        request_queue: between(times.sent, times.first_received),
        work: between(times.first_received, times.finished),
        compute: between(times.started, times.finished),
        gateway: None,
        reply_queue: None,
    };
    (timing != v1::Timing::default()).then_some(timing)
}

/// Absent only for a duration beyond 292 billion years.
fn proto(duration: Duration) -> Option<prost_types::Duration> {
    duration.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn parts(timing: &v1::Timing) -> Vec<Duration> {
        [timing.gateway, timing.request_queue, timing.work, timing.reply_queue]
            .into_iter()
            .flatten()
            .map(|part| part.try_into().expect("no part is negative"))
            .collect()
    }

    #[test]
    fn what_no_part_accounts_for_is_the_gateways() {
        let call = CallTiming {
            total: ms(90),
            request_queue: Some(ms(10)),
            work: Some(ms(20)),
            reply_queue: Some(ms(30)),
            compute: Some(ms(5)),
        };
        let timing = timing(ms(100), &call);
        assert_eq!(parts(&timing), [ms(40), ms(10), ms(20), ms(30)]);
        assert_eq!(timing.compute, proto(ms(5)));
        assert_eq!(timing.total, proto(ms(100)));
    }

    #[test]
    fn an_unknown_part_is_absent_and_counted_under_gateway() {
        let call = CallTiming { work: Some(ms(20)), ..CallTiming::default() };
        let timing = timing(ms(100), &call);
        assert_eq!(parts(&timing), [ms(80), ms(20)]);
        assert_eq!(timing.request_queue, None);
    }

    #[test]
    fn the_log_tells_what_it_knows_and_nothing_is_negative() {
        let times = Times { sent: Some(1_000), first_received: Some(1_200), started: Some(900), finished: Some(960) };
        let timing = logged(times).expect("something is known");
        assert_eq!((timing.request_queue, timing.compute), (proto(ms(200)), proto(ms(60))));
        assert_eq!((timing.total, timing.work), (proto(ms(0)), proto(ms(0))), "the worker's clock is behind");
        assert_eq!((timing.gateway, timing.reply_queue), (None, None));

        let times = Times { sent: Some(1_000), finished: Some(1_500), ..Times::default() };
        let timing = logged(times).expect("something is known");
        assert_eq!((timing.total, timing.request_queue), (proto(ms(500)), None));
        assert!(logged(Times { sent: Some(i64::MIN), finished: Some(i64::MAX), ..Times::default() }).is_some());
        assert_eq!(logged(Times::default()), None);
    }

    #[test]
    fn parts_add_up_to_the_total_even_when_their_rounding_exceeds_it() {
        let total = Duration::from_micros(2_300);
        for (a, b, c) in [(1, 1, 1), (0, 3, 0), (3, 0, 1), (2, 2, 2), (0, 0, 9)] {
            let call = CallTiming {
                request_queue: Some(ms(a)),
                work: Some(ms(b)),
                reply_queue: Some(ms(c)),
                ..CallTiming::default()
            };
            let timing = timing(total, &call);
            assert_eq!(parts(&timing).iter().sum::<Duration>(), total, "{a} {b} {c}");
        }
    }
}

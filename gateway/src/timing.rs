//! Where the time of a call went, as the caller is told.

use std::time::Duration;

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

//! How long calls take, by the parts of their way.

use std::sync::Arc;

use compute_process::histogram::{Buckets, Histogram};
use compute_proto::v1;

/// Seconds of a part. SQS's clock has whole milliseconds, a hop over a queue takes some 10 ms on AWS and under 1 ms locally, most
/// calls are over in 100 ms; 30 s is the default deadline and 15 minutes the longest. So steps of 2 to 2.5 where calls should be,
/// and coarse ones where something is wrong already.
const BOUNDS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 900.0];

/// The parts of [`v1::Timing`] that add up, after their sum.
const STAGES: [&str; 5] = ["total", "gateway", "request_queue", "work", "reply_queue"];

/// The times of calls that a worker has answered with a result. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Arc<[Histogram; STAGES.len()]>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Arc::new(STAGES.map(|_| Histogram::new(&BOUNDS))))
    }
}

impl Latencies {
    /// Counts a call. A part that is not known is not counted.
    pub(crate) fn observe(&self, timing: &v1::Timing) {
        let v1::Timing { total, gateway, request_queue, work, reply_queue, .. } = timing;
        for (histogram, part) in self.0.iter().zip([total, gateway, request_queue, work, reply_queue]) {
            if let Some(part) = part {
                histogram.observe(part.seconds as f64 + f64::from(part.nanos) / 1e9);
            }
        }
    }

    /// What was counted, by stage.
    pub(crate) fn by_stage(&self) -> impl Iterator<Item = ([&'static str; 1], Buckets)> {
        STAGES.iter().zip(&*self.0).map(|(stage, histogram)| ([*stage], histogram.buckets()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_counted_under_its_own_name_and_an_unknown_one_is_not() {
        let seconds = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
        let timing = v1::Timing {
            total: seconds(2, 500_000_000),
            gateway: seconds(1, 0),
            request_queue: seconds(0, 250_000_000),
            work: None,
            reply_queue: seconds(0, 0),
            compute: seconds(9, 0),
        };
        let latencies = Latencies::default();
        latencies.observe(&timing);
        let found: Vec<_> = latencies.by_stage().map(|([stage], all)| (stage, all.count(), all.sum)).collect();
        let expected = [
            ("total", 1, 2.5),
            ("gateway", 1, 1.0),
            ("request_queue", 1, 0.25),
            ("work", 0, 0.0),
            ("reply_queue", 1, 0.0),
        ];
        assert_eq!(found, expected);
    }
}

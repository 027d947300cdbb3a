//! The times of it all.

use std::time::Duration;

use crate::settings::{StartError, check_range};

/// How a requester keeps its reply queue, and when it takes those of others for dead. The same for all requesters of a prefix.
///
/// With the defaults a requester reads and writes tags some 5 times in 10 minutes, of the 30 times a second that an account may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyQueueUpkeep {
    /// The longest time between two signs of life; each comes up to a quarter earlier. 1 s to 1 h.
    pub heartbeat: Duration,
    /// How long after its last sign of life a requester is dead: its queue is deleted, its lease on a given queue is over. At
    /// least 3 heartbeats.
    pub dead_after: Duration,
    /// The first sweep comes at random within this time of the start.
    pub first_sweep_within: Duration,
    /// The longest time between two sweeps; each comes up to a quarter earlier. 1 s to 1 day.
    pub sweep_interval: Duration,
    /// The pause before each look of a sweep at the tags of a queue.
    pub sweep_pause: Duration,
}

impl Default for ReplyQueueUpkeep {
    /// A heartbeat every 4 minutes, dead after 15; a sweep within the first minute, then every 10 minutes, of 5 queues a second.
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(4 * 60),
            dead_after: Duration::from_secs(15 * 60),
            first_sweep_within: Duration::from_secs(60),
            sweep_interval: Duration::from_secs(10 * 60),
            sweep_pause: Duration::from_millis(200),
        }
    }
}

impl ReplyQueueUpkeep {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        check_range("reply_queue_upkeep.heartbeat in seconds", self.heartbeat.as_secs(), 1..=3_600)?;
        check_range("reply_queue_upkeep.sweep_interval in seconds", self.sweep_interval.as_secs(), 1..=86_400)?;
        if self.dead_after < 3 * self.heartbeat {
            return Err(StartError::Setting {
                setting: "reply_queue_upkeep.dead_after",
                value: format!("{:?}", self.dead_after),
                expected: format!("at least three heartbeats, {:?}", 3 * self.heartbeat),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_heartbeat_must_not_make_a_requester_look_dead() {
        let upkeep = ReplyQueueUpkeep::default();
        assert!(upkeep.check().is_ok());
        let error = ReplyQueueUpkeep { dead_after: 2 * upkeep.heartbeat, ..upkeep }.check().expect_err("too short");
        assert_eq!(
            error.to_string(),
            "reply_queue_upkeep.dead_after is 480s, expected at least three heartbeats, 720s"
        );
    }
}

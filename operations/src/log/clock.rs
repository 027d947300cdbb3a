//! Time, as far as the log relies on it. No clock is right: each host's may be an hour off.

use std::time::{SystemTime, UNIX_EPOCH};

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;

/// A day, in milliseconds.
pub(super) const DAY: u64 = 24 * HOUR;

/// The most milliseconds that the clocks of two hosts may be apart. So far ahead of a reader's clock a commit can seem to be.
pub(super) const SPREAD: u64 = 2 * HOUR;

/// The most milliseconds from the time of a batch's commit until it is there. One that took longer, because its host slept
/// perhaps, is committed again with a later time.
pub(super) const PUT_TIME: u64 = 10 * MINUTE;

/// After so many milliseconds on a reader's clock no batch appears any more with an earlier time of commit.
pub(super) const SETTLING: u64 = SPREAD + PUT_TIME;

/// How many milliseconds after the time in its id an operation can be committed in a batch: a message may wait 4 days, lie 14
/// days among the dead letters, and wait 4 days more when it was moved back; a caller may choose an id that is a day old.
/// Later ones get an object of their own.
pub(super) const LOOK_AHEAD: u64 = 24 * DAY;

/// The time on this host's clock, in Unix milliseconds.
pub(super) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

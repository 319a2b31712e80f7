//! The only place that asks what time it is.
//!
//! Logic takes the time as an argument; only outermost tasks ask here.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// The wall clock: seconds since 1970, UTC. It may step when the system's clock is set.
pub fn unix_now() -> i64 {
    // A count of seconds that overflows i64 is 290 thousand million years away.
    since_epoch().as_secs() as i64
}

/// The wall clock: milliseconds since 1970, UTC. It may step when the system's clock is set.
pub fn unix_ms() -> u64 {
    since_epoch().as_millis() as u64
}

/// A clock that never steps back, for deadlines. Within a tokio runtime whose time is paused (in
/// tests) it stands still too, and moves with `tokio::time::advance`.
pub fn monotonic() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Whole seconds of [`monotonic`] since somebody first asked.
pub fn monotonic_s() -> u32 {
    // A u32 of seconds lasts for 136 years.
    since_start().as_secs() as u32
}

/// Nanoseconds of [`monotonic`] since somebody first asked.
pub fn monotonic_ns() -> u64 {
    // A u64 of nanoseconds lasts for 584 years.
    since_start().as_nanos() as u64
}

fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    let now = monotonic();
    now.saturating_duration_since(*START.get_or_init(|| now))
}

fn since_epoch() -> Duration {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = SystemTime::now();
    // A clock set before 1970 counts as 1970: certificates then are "not yet valid", as they should be.
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_agree() {
        let seconds = unix_now();
        let ms = unix_ms();
        assert!(seconds > 1_700_000_000);
        assert!((ms / 1000) as i64 - seconds <= 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_runtime_pauses_the_monotonic_clock() {
        let start = monotonic();
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(monotonic() - start, Duration::from_secs(3600));
    }
}

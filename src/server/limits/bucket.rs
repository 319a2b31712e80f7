//! Token buckets: a burst at once, and then so much a second (the generic cell rate algorithm).
//!
//! A bucket is one number, the moment at which it will be full again, so that taking from it needs no
//! lock and filling it no timer. Time is given, in nanoseconds of the monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::server::options::Flow;

/// Whoever took more than there was waits for so long at most, whatever it has cost.
const LONGEST_WAIT: u64 = 30 * SECOND;

const SECOND: u64 = 1_000_000_000;

/// What one account or one address has left; a new one is full.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    full_at: AtomicU64,
}

impl Flow {
    fn time_for(self, tokens: u32) -> u64 {
        u64::from(tokens) * SECOND / u64::from(self.per_second.max(1))
    }

    fn depth(self) -> u64 {
        self.time_for(self.burst)
    }
}

impl Bucket {
    /// Takes so many tokens if they are there.
    pub(super) fn take_if_there(&self, flow: Flow, tokens: u32, now: u64) -> bool {
        let taken = |full_at: u64| {
            let full_at = full_at.max(now) + flow.time_for(tokens);
            (full_at - now <= flow.depth()).then_some(full_at)
        };
        self.full_at.fetch_update(Relaxed, Relaxed, taken).is_ok()
    }

    /// Takes so many tokens also when they are not there yet; tells for how long to wait until they are.
    /// Whoever comes next waits behind.
    pub(super) fn take(&self, flow: Flow, tokens: u32, now: u64) -> u64 {
        let latest = now + flow.depth() + LONGEST_WAIT;
        let taken = |full_at: u64| (full_at.max(now) + flow.time_for(tokens)).min(latest);
        let before = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| Some(taken(full_at)));
        let full_at = taken(before.unwrap_or_else(|full_at| full_at));
        (full_at - now).saturating_sub(flow.depth())
    }

    /// Puts back what was taken and not used.
    pub(super) fn give_back(&self, flow: Flow, tokens: u32) {
        let given = |full_at: u64| Some(full_at.saturating_sub(flow.time_for(tokens)));
        let _ = self.full_at.fetch_update(Relaxed, Relaxed, given);
    }

    /// Whether so much of it is there that whoever emptied it has stopped.
    pub(super) fn has_recovered(&self, flow: Flow, now: u64) -> bool {
        self.full_at.load(Relaxed).saturating_sub(now) <= flow.depth() / 2
    }

    /// Whether nothing of it is taken: then there is nothing to remember.
    pub(super) fn is_full(&self, now: u64) -> bool {
        self.full_at.load(Relaxed) <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FLOW: Flow = Flow { per_second: 10, burst: 50 };

    #[test]
    fn a_burst_and_then_so_much_a_second() {
        let bucket = Bucket::default();
        let at = |tenths: u64| 1000 * SECOND + tenths * SECOND / 10;
        assert!(!bucket.take_if_there(FLOW, 51, at(0)), "more than it holds");
        assert!(bucket.take_if_there(FLOW, 50, at(0)));
        assert!(!bucket.take_if_there(FLOW, 1, at(0)));
        assert!(bucket.take_if_there(FLOW, 1, at(1)), "ten a second");
        assert!(!bucket.take_if_there(FLOW, 1, at(1)));
        assert!(!bucket.has_recovered(FLOW, at(25)));
        assert!(bucket.has_recovered(FLOW, at(26)));
        assert!(!bucket.is_full(at(50)));
        assert!(bucket.is_full(at(51)));
        // It does not fill beyond its depth.
        assert!(bucket.take_if_there(FLOW, 50, at(9000)));
        assert!(!bucket.take_if_there(FLOW, 1, at(9000)));
        bucket.give_back(FLOW, 2);
        assert!(bucket.take_if_there(FLOW, 2, at(9000)));
    }

    #[test]
    fn whoever_takes_too_much_waits_in_his_turn_and_not_for_ever() {
        let bucket = Bucket::default();
        assert_eq!(bucket.take(FLOW, 50, 0), 0);
        assert_eq!(bucket.take(FLOW, 1, 0), SECOND / 10);
        assert_eq!(bucket.take(FLOW, 2, 0), 3 * SECOND / 10, "behind the first");
        assert_eq!(bucket.take(FLOW, 1, SECOND), 0, "the debt is paid");
        assert_eq!(bucket.take(FLOW, u32::MAX, SECOND), LONGEST_WAIT);
        assert_eq!(bucket.take(FLOW, 1, SECOND), LONGEST_WAIT);
    }

    proptest! {
        /// However it is asked: in no stretch of time is more given than the burst and the rate.
        #[test]
        fn never_more_than_the_burst_and_the_rate(asked in prop::collection::vec((0..40u32, 0..3_000u64), 1..200)) {
            let (bucket, mut now, mut given) = (Bucket::default(), 5 * SECOND, 0);
            let start = now;
            for (tokens, pause_ms) in asked {
                now += pause_ms * 1_000_000;
                if bucket.take_if_there(FLOW, tokens, now) {
                    given += u64::from(tokens);
                }
                let most = u64::from(FLOW.burst) * SECOND + (now - start) * u64::from(FLOW.per_second);
                prop_assert!(given * SECOND <= most);
            }
        }
    }
}

//! How long to wait before the next try to connect: exponential backoff with full jitter.
//!
//! Full jitter spreads the clients of a restarted server over the whole span, so that they do not
//! come back in waves. Knows no clock and no dice: both come in.

use std::time::Duration;

/// Waits that grow with each try that failed.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    /// The first wait is at most `first`, each later one at most twice the one before, none more
    /// than `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, tries: 0 }
    }

    /// The wait before the next try. `random` is any number, evenly distributed.
    pub fn next_wait(&mut self, random: u64) -> Duration {
        let ceiling = self.first.saturating_mul(1 << self.tries.min(31)).min(self.most);
        self.tries = self.tries.saturating_add(1);
        // In 128 bits the product cannot overflow, and the quotient is no more than the ceiling.
        let nanos = (ceiling.as_nanos() * u128::from(random)) >> 64;
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// How many waits there were since the last success.
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// A connection has held: start over.
    pub const fn reset(&mut self) {
        self.tries = 0;
    }
}

impl Default for Backoff {
    /// Up to 1 s at first, up to 60 s in the end.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_double_to_their_bound() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..9).map(|_| backoff.next_wait(u64::MAX).as_millis() as u64 + 1).collect();
        assert_eq!(ceilings, [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
        backoff.reset();
        assert_eq!(backoff.next_wait(u64::MAX / 2).as_millis(), 499);
        assert_eq!(backoff.next_wait(0), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn no_wait_is_beyond_the_bound(tries in 0usize..200, random: u64) {
            let mut backoff = Backoff::default();
            for _ in 0..tries {
                backoff.next_wait(random);
            }
            prop_assert!(backoff.next_wait(random) <= Duration::from_secs(60));
        }
    }
}

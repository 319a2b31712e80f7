//! What the server counts: plain atomics, read by whoever reports them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows, or (a gauge) also shrinks. Counts promise no order among each other.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn up(&self) {
        self.add(1);
    }

    /// `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// One less: for gauges.
    pub fn down(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// All counts of one server.
#[derive(Debug, Default)]
pub struct Counters {
    /// TCP connections accepted.
    pub accepted: Counter,
    /// Errors of `accept` itself, such as too many open files.
    pub accept_errors: Counter,
    /// Connections closed at once because a limit was reached.
    pub over_limit: Counter,
    /// Connections open now, handshakes included (a gauge).
    pub open: Counter,
    /// Handshakes that ended with a known device.
    pub handshakes_ok: Counter,
    /// Handshakes ended by our alert: the certificate was missing or not good.
    pub handshakes_refused: Counter,
    /// Handshakes that came to nothing: garbage, a lost connection, the deadline.
    pub handshakes_failed: Counter,
    /// Sessions that take part in the chat now (a gauge).
    pub sessions: Counter,
    /// Messages accepted, each once.
    pub messages: Counter,
    /// Lines put into outboxes.
    pub deliveries: Counter,
    /// Lines that broke a rule of the protocol.
    pub bad_lines: Counter,
    /// Sessions cut because they did not take what was sent to them.
    pub cut_slow: Counter,
    /// Sessions closed because their certificate stopped being good.
    pub cut_revoked: Counter,
    /// Reloads of certificates that were taken over.
    pub reloads_ok: Counter,
    /// Reloads refused, the old certificates staying in force.
    pub reloads_refused: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_gauges() {
        let counters = Counters::default();
        counters.messages.add(3);
        counters.open.up();
        counters.open.up();
        counters.open.down();
        assert_eq!((counters.messages.get(), counters.open.get()), (3, 1));
    }
}

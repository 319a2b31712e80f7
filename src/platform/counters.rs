//! What the server counts: plain atomics, read by whoever reports them.
//!
//! Counting is one relaxed addition: no lock, no allocation, no clock. Who counts by a reason gives its
//! number ([`Kinds`]); the names of the reasons stand beside the type that has them.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::histogram::{Histogram, Items, Nanoseconds};

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

    /// The number is this now: for gauges.
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// One count for each of `N` kinds.
#[derive(Debug)]
pub struct Kinds<const N: usize>([Counter; N]);

impl<const N: usize> Default for Kinds<N> {
    fn default() -> Self {
        Self(array::from_fn(|_| Counter::default()))
    }
}

impl<const N: usize> Kinds<N> {
    /// One more of this kind; a number that is none counts nothing.
    pub fn up(&self, kind: usize) {
        if let Some(counter) = self.0.get(kind) {
            counter.up();
        }
    }

    /// The counts now, in the order of the kinds.
    pub fn get(&self) -> [u64; N] {
        array::from_fn(|kind| self.0[kind].get())
    }

    /// All kinds together.
    pub fn sum(&self) -> u64 {
        self.get().iter().sum()
    }
}

/// All counts of one server.
#[derive(Debug, Default)]
pub struct Counters {
    // Connections and handshakes: counted by the listener.
    /// TCP connections accepted.
    pub accepted: Counter,
    /// Errors of `accept` itself, such as too many open files.
    pub accept_errors: Counter,
    /// Whether connections are accepted now (a gauge, 0 or 1).
    pub accepting: Counter,
    /// Handshakes that ended with a known device.
    pub handshakes_ok: Counter,
    /// Handshakes that let nobody in, by `tls::accept::HandshakeKind`.
    pub handshakes_failed: Kinds<14>,
    /// The key exchanges of handshakes that ended well, by `tls::stream::KEY_EXCHANGES`.
    pub key_exchanges: Kinds<4>,
    /// How long a handshake took that ended well.
    pub handshake_time: Histogram<Nanoseconds>,

    // Limits: who took more than is allowed.
    /// Connections closed at once because a limit was reached, by `server::limits::Full`.
    pub over_limit: Kinds<4>,
    /// Handshakes that made room for others because they took long.
    pub handshakes_evicted: Counter,
    /// Times that a session was told that it is slowed: it says more than its account or address may.
    pub throttled: Counter,
    /// Times that a slowed session was not read for a while.
    pub slowed: Counter,
    /// Turns of a session that ended with more to read, so that others had theirs.
    pub turns_spent: Counter,

    // Sessions: counted by their tasks.
    /// Connections whose device is known (a gauge).
    pub sessions: Counter,
    /// Sessions ended from this side, by `hub::Cut`.
    pub cuts: Kinds<7>,
    /// Octets that came out of TLS.
    pub octets_in: Counter,
    /// Octets that went into TLS.
    pub octets_out: Counter,
    /// Lines that were read.
    pub lines: Counter,
    /// Lines that broke a rule of the protocol.
    pub bad_lines: Counter,

    // The chat: counted by the hub.
    /// Messages accepted, each once.
    pub messages: Counter,
    /// Lines put into outboxes.
    pub deliveries: Counter,
    /// How long a message took from the hub's inbox into the outboxes; each once.
    pub delivery_time: Histogram<Nanoseconds>,
    /// How many requests the hub found in its inbox when it looked.
    pub turns: Histogram<Items>,
    /// Replays of what was missed, each once.
    pub replays: Counter,
    /// Messages and events that were played back.
    pub replayed: Counter,

    // Gauges that the hub sets once a second.
    /// When it did: seconds of the monotonic clock.
    pub beat_s: Counter,
    /// Registered sessions of IRC clients.
    pub irc: Counter,
    /// Registered sessions of people.
    pub plain: Counter,
    /// Accounts that are present.
    pub present: Counter,
    /// Rooms that there are.
    pub rooms: Counter,
    /// Requests that wait for the journal.
    pub staged: Counter,
    /// Octets that wait in all outboxes.
    pub waiting: Counter,
    /// Octets that wait in the outbox in which most do.
    pub waiting_most: Counter,

    // The journal.
    /// How long the journal took for a commit.
    pub commit_time: Histogram<Nanoseconds>,
    /// How many entries were committed together.
    pub commit_size: Histogram<Items>,
    /// Commits that failed.
    pub commits_failed: Counter,
    /// Whether the journal cannot be written now (a gauge, 0 or 1).
    pub journal_trouble: Counter,
    /// How long the answer to a question took, its waiting included.
    pub question_time: Histogram<Nanoseconds>,
    /// Questions that the journal could not answer.
    pub questions_failed: Counter,

    // Certificates.
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
        counters.sessions.up();
        counters.sessions.up();
        counters.sessions.down();
        counters.rooms.set(7);
        assert_eq!((counters.messages.get(), counters.sessions.get(), counters.rooms.get()), (3, 1, 7));
    }

    #[test]
    fn kinds_are_counted_apart() {
        let kinds = Kinds::<3>::default();
        for kind in [0, 2, 2, 3, usize::MAX] {
            kinds.up(kind);
        }
        assert_eq!((kinds.get(), kinds.sum()), ([1, 0, 2], 3));
    }
}

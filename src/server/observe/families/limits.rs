//! Who took more than is allowed, and how much that is.

use crate::server::{Shared, limits::Full, observe::text::Families};

pub(super) fn tell(families: &mut Families, shared: &Shared) {
    let (counters, limits) = (&shared.counters, &shared.limits);
    families.counters(
        ("conclave_connections_over_limit_total", "limit"),
        "Connections closed at once because there were too many.",
        Full::NAMES,
        counters.over_limit.get(),
    );
    families.counter(
        "conclave_handshakes_evicted_total",
        "Handshakes that made room for others because they took long.",
        counters.handshakes_evicted.get(),
    );
    families.counter(
        "conclave_sessions_throttled_total",
        "Times that a session was told that it says too much and is slowed.",
        counters.throttled.get(),
    );
    families.counter(
        "conclave_sessions_slowed_total",
        "Times that a session which says too much was not read for a while.",
        counters.slowed.get(),
    );
    families.counter(
        "conclave_session_turns_spent_total",
        "Turns of a session that ended with more to read, so that others had theirs.",
        counters.turns_spent.get(),
    );
    // Where there is no limit, there is no number.
    let limit = |most: usize| (most != usize::MAX).then_some(most as f64);
    families.gauges(
        ("conclave_limit", "of"),
        "What is allowed at most: connections and handshakes at once, octets in one outbox and in all, requests in the inbox.",
        [
            ("connections", limit(limits.connections)),
            ("connections_per_address", limit(limits.per_address)),
            ("handshakes", limit(limits.handshakes)),
            ("outboxes_bytes", limit(limits.outboxes)),
            ("outbox_bytes", limit(limits.outbox)),
            ("inbox_requests", limit(limits.inbox)),
        ],
    );
}

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
    // Where there is no limit, there is no number.
    let limit = |most: usize| (most != usize::MAX).then_some(most as f64);
    families.gauges(
        ("conclave_limit", "of"),
        "What is allowed at most: connections at once, octets in one outbox, requests in the inbox.",
        [
            ("connections", limit(limits.connections)),
            ("connections_per_address", limit(limits.per_address)),
            ("outbox_bytes", limit(limits.outbox)),
            ("inbox_requests", limit(limits.inbox)),
        ],
    );
}

//! Connections and their handshakes.

use std::array;

use crate::{
    server::{Shared, observe::text::Families},
    tls::{accept::HandshakeKind, stream::KEY_EXCHANGES},
};

/// Those that came to nothing, and those that ended well.
const RESULTS: usize = HandshakeKind::ALL.len() + 1;

pub(super) fn tell(families: &mut Families, shared: &Shared) {
    let counters = &shared.counters;
    families.counter("conclave_connections_accepted_total", "TCP connections accepted.", counters.accepted.get());
    families.counter("conclave_accept_errors_total", "Failures to accept one.", counters.accept_errors.get());
    families.gauge("conclave_connections", "Open, handshakes included.", shared.gate.taken() as f64);

    let (ok, failed) = (counters.handshakes_ok.get(), counters.handshakes_failed.get());
    let of = |at: usize| at.checked_sub(1);
    let results: [&str; RESULTS] = array::from_fn(|at| of(at).map_or("ok", |at| HandshakeKind::ALL[at].as_str()));
    let values: [u64; RESULTS] = array::from_fn(|at| of(at).map_or(ok, |at| failed[at]));
    families.counters(("conclave_handshakes_total", "result"), "Handshakes that have ended.", results, values);
    families.counters(
        ("conclave_handshake_key_exchanges_total", "group"),
        "Key exchanges of handshakes that ended well.",
        KEY_EXCHANGES,
        counters.key_exchanges.get(),
    );
    families.histogram(
        "conclave_handshake_duration_seconds",
        "Handshakes that ended well, from the accepted connection on.",
        &counters.handshake_time.spread(),
    );
}

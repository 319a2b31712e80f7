//! Until when certificates and revocation lists are good.

use crate::server::{Shared, observe::text::Families};

pub(super) fn tell(families: &mut Families, shared: &Shared) {
    let credentials = shared.live.current();
    let (_, not_after) = credentials.validity();
    let time = |seconds: i64| seconds as f64;
    families.gauges(
        ("conclave_certificate_expiry_timestamp_seconds", "certificate"),
        "When it expires: the server's, and that of the authority that does so first.",
        [("server", Some(time(not_after))), ("authority", credentials.authority_not_after().map(time))],
    );
    if let Some(due) = credentials.crl_next_update() {
        let help = "When the revocation list is to be replaced, of several the first.";
        families.gauge("conclave_crl_next_update_timestamp_seconds", help, time(due));
    }
    let counters = &shared.counters;
    families.counters(
        ("conclave_certificate_reloads_total", "result"),
        "Changed files taken over, or refused.",
        ["ok", "refused"],
        [counters.reloads_ok.get(), counters.reloads_refused.get()],
    );
}

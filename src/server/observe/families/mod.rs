//! What is told, one file a subject. `docs/metrics.md` explains each; a test holds the two together.

mod certificates;
mod chat;
mod connections;
mod journal;
mod limits;
mod process;

use super::{Watched, health, text::Families};

/// Everything, as it is now.
pub(super) fn all(watched: &Watched, now_s: u32) -> Families {
    let mut families = Families::default();
    process::tell(&mut families);
    let ready = f64::from(u8::from(health::ready(watched, now_s).is_ok()));
    families.gauge("conclave_ready", "Whether /readyz says yes.", ready);
    let age = health::beat_age(watched, now_s) as f64;
    families.gauge("conclave_hub_heartbeat_age_seconds", "How long ago the hub turned; it does every second.", age);
    connections::tell(&mut families, &watched.shared);
    limits::tell(&mut families, &watched.shared);
    chat::tell(&mut families, &watched.shared);
    journal::tell(&mut families, &watched.shared.counters);
    certificates::tell(&mut families, &watched.shared);
    families
}

//! Sessions, what they say and what is said to them.

use crate::{
    hub::Cut,
    server::{Shared, observe::text::Families},
};

pub(super) fn tell(families: &mut Families, shared: &Shared) {
    people(families, shared);
    wire(families, shared);
    messages(families, shared);
    let counters = &shared.counters;
    families.gauge("conclave_outbox_bytes", "Waiting in all outboxes.", counters.waiting.get() as f64);
    families.gauge("conclave_outbox_largest_bytes", "Waiting in the fullest.", counters.waiting_most.get() as f64);
    families.gauge("conclave_inbox_requests", "Waiting for the hub.", shared.door.depth() as f64);
    families.gauge("conclave_staged_requests", "Waiting for the journal.", counters.staged.get() as f64);
    let turns = counters.turns.spread();
    families.histogram("conclave_hub_turn_requests", "Requests that the hub took from its inbox at once.", &turns);
}

fn people(families: &mut Families, shared: &Shared) {
    let counters = &shared.counters;
    let (irc, plain) = (counters.irc.get(), counters.plain.get());
    let fresh = counters.sessions.get().saturating_sub(irc + plain);
    let sessions = [("irc", irc), ("plain", plain), ("none", fresh)].map(|(of, count)| (of, Some(count as f64)));
    families.gauges(("conclave_sessions", "dialect"), "Let in; none: not registered yet.", sessions);
    families.gauge("conclave_accounts_present", "Accounts that are present.", counters.present.get() as f64);
    families.gauge("conclave_rooms", "Rooms that there are.", counters.rooms.get() as f64);
    families.counters(
        ("conclave_session_cuts_total", "reason"),
        "Sessions ended by the server.",
        Cut::NAMES,
        counters.cuts.get(),
    );
}

fn wire(families: &mut Families, shared: &Shared) {
    let counters = &shared.counters;
    families.counter("conclave_received_bytes_total", "Octets from sessions, without TLS.", counters.octets_in.get());
    families.counter("conclave_sent_bytes_total", "Octets to sessions, without TLS.", counters.octets_out.get());
    families.counter("conclave_received_lines_total", "Lines from sessions.", counters.lines.get());
    families.counter("conclave_received_bad_lines_total", "Of them, those that are none.", counters.bad_lines.get());
}

fn messages(families: &mut Families, shared: &Shared) {
    let counters = &shared.counters;
    families.counter("conclave_messages_total", "Messages taken, each once.", counters.messages.get());
    let help = "Messages and events put into the outbox of a session.";
    families.counter("conclave_deliveries_total", help, counters.deliveries.get());
    families.histogram(
        "conclave_delivery_latency_seconds",
        "From a message's coming into the inbox until it is in the outboxes, its commit included.",
        &counters.delivery_time.spread(),
    );
    families.counter("conclave_replays_total", "Replays of what a session missed.", counters.replays.get());
    let help = "Messages and events played back.";
    families.counter("conclave_replayed_messages_total", help, counters.replayed.get());
}

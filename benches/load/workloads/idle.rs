//! Connections that do nothing: the memory that the server's process holds for each.

use std::time::Duration;

use super::{Arrivals, Ground, bring_in, own_room, settle};
use crate::{engine::Engine, options::Rooms, report::Report};

pub(crate) fn run(ground: &Ground<'_>, connections: usize) -> Report {
    let before = ground.server.memory();
    let used = ground.server.usage();
    let mut engine = Engine::new(ground.server.address);
    let rooms = ground.options.rooms;
    let lines = bring_in(&mut engine, ground, connections, |me| match rooms {
        Rooms::Own => vec![own_room(me)],
        Rooms::One => vec!["#load".into()],
        Rooms::None => Vec::new(),
    });
    settle(&mut engine, &mut Arrivals::default(), Duration::from_secs(1));
    let after = ground.server.memory();
    let spent = ground.server.usage().since(used);
    let kind = match rooms {
        Rooms::Own => "a room each",
        Rooms::One => "one room",
        Rooms::None => "no room",
    };
    let mut report = Report::new(format!("idle {connections} connections, {kind}"), ground);
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1024.0 / connections as f64;
    let proportional = each(after.proportional, before.proportional);
    let anonymous = each(after.anonymous, before.anonymous);
    report.show("kib_each", proportional, format!("{proportional:.2} KiB each"));
    report.show("anonymous_kib_each", anonymous, format!("anonymous {anonymous:.2}"));
    report.add("resident_kib_each", each(after.resident, before.resident));
    let resident = after.resident as f64 / 1048576.0;
    report.show("resident_mib", resident, format!("resident {resident:.1} MiB in all"));
    let cpu = spent.us() / connections as f64;
    report.show("us_each", cpu, format!("{cpu:.0} us of the server to bring each in"));
    report.show("lines_each", lines as f64 / connections as f64, format!("{lines} lines"));
    report
}

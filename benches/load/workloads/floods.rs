//! One client does too much of something while a hundred others chat: what do they feel, and how much
//! memory does it take?

use conclave::platform::clock::monotonic;

use super::{
    Ground, bring_in,
    chat::{Chat, Phase, ROOM, compared},
    drain,
    flooder::{Flood, Flooder},
};
use crate::{engine::Engine, process::Memory, report::Report};

const MEMBERS: usize = 100;
/// So many that none of them comes near a limit of its own.
const SPEAKERS: usize = 100;

pub(crate) fn run(ground: &Ground<'_>, flood: Flood) -> Report {
    let options = ground.options;
    let mut engine = Engine::new(ground.server.address);
    bring_in(&mut engine, ground, MEMBERS, |_| vec![ROOM.into()]);
    let mut chat = Chat::new(ground, &engine, MEMBERS, SPEAKERS, options.rate(200));
    let quiet = Phase::new(monotonic() + options.warmup, options.seconds);
    let begin = quiet.end;
    let disturbed = Phase::new(begin, options.seconds);
    let end = disturbed.end;
    chat.phases = vec![quiet, disturbed];
    let before = ground.server.memory().resident;
    let (mut flooder, mut used) = (None, None);
    while monotonic() < end {
        chat.speak(&mut engine);
        engine.turn(chat.due().min(end), &mut chat);
        if flooder.is_none() && monotonic() >= begin {
            used = Some(ground.server.usage());
            flooder = Some(Flooder::start(flood, ground.server.address, &ground.clients[MEMBERS]));
        }
    }
    let spent = ground.server.usage().since(used.unwrap_or_default());
    let done = flooder.map(Flooder::stop).unwrap_or_default();
    let lost = drain(&mut engine, &mut chat, SPEAKERS, Chat::missing);
    let mut report = Report::new(format!("flood of {}", flood.name()), ground);
    compared(&mut report, &chat.phases[0], &chat.phases[1]);
    let busy = spent.us() / 1e6 / options.seconds;
    report.show("server_busy", busy, format!("server busy {:.0} %", 100.0 * busy));
    let mib = |octets: u64| octets as f64 / 1_048_576.0;
    let (resident, peak) = (mib(before), mib(Memory::peak(ground.server.pid)));
    report.add("resident_mib", resident);
    report.show("peak_mib", peak, format!("{resident:.0} -> {peak:.0} MiB"));
    report.show("flood_octets", done.octets as f64, format!("{:.1} MB sent", done.octets as f64 / 1e6));
    report.show("flood_connections", done.connections as f64, format!("{} connections", done.connections));
    report.faults(lost, chat.check.reordered);
    report
}

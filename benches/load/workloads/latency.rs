//! How long a delivery takes in a room where lines come at a fixed rate, with idle connections beside it
//! if that is wanted.

use conclave::platform::clock::monotonic;

use super::{
    Ground, Stretch, bring_in,
    chat::{Chat, Phase, ROOM, percentiles},
    drain, own_room,
};
use crate::{engine::Engine, report::Report};

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let (members, idle) = (options.members(100), options.idle);
    let senders = options.senders.min(members);
    let mut engine = Engine::new(ground.server.address);
    bring_in(&mut engine, ground, members + idle, |me| vec![if me < members { ROOM.into() } else { own_room(me) }]);
    let mut stretch = Stretch::new(options);
    let rate = options.rate(200);
    let mut chat = Chat::new(ground, &engine, members, senders, rate);
    chat.phases.push(Phase::new(stretch.begin, options.seconds));
    while !stretch.is_over() {
        chat.speak(&mut engine);
        engine.turn(chat.due().min(stretch.next()), &mut chat);
        stretch.tick(monotonic(), ground.server);
    }
    let lost = drain(&mut engine, &mut chat, senders, Chat::missing);
    let beside = if idle > 0 { format!(", {idle} idle") } else { String::new() };
    let mut report = Report::new(format!("latency {members} members{beside}, {rate} lines/s"), ground);
    let (spent, times) = (stretch.spent(), &chat.phases[0].times);
    percentiles(&mut report, times);
    let each = spent.server.us() / times.len().max(1) as f64;
    report.show("us_per_delivery", each, format!("{each:.2} us/delivery"));
    report.faults(lost, chat.check.reordered);
    report.add("kernel_share", spent.server.in_kernel());
    report.add("deliveries", times.len() as f64);
    report.add("waits", spent.server.waits as f64);
    report
}

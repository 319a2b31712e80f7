//! Members in one room, some of which speak: as fast as it goes with so many lines of each under way.

use conclave::platform::clock::monotonic;

use super::{Ground, Stretch, bring_in, drain};
use crate::{
    engine::{Engine, Handler},
    line::{Check, Said, Texts, Windows},
    options::WindowBy,
    process::Memory,
    report::Report,
};

const ROOM: &str = "#load";

struct Chat {
    texts: Texts,
    senders: usize,
    check: Check,
    windows: Windows,
    observer: Option<usize>,
    /// Senders that may say more.
    free: Vec<usize>,
}

impl Handler for Chat {
    #[inline]
    fn line(&mut self, me: usize, line: &[u8]) -> bool {
        let Some(said) = self.texts.read(line).filter(|said| said.sender < self.senders) else { return false };
        self.check.take(me, said);
        if self.observer.is_none_or(|observer| observer == me) && self.windows.received(said) {
            self.free.push(said.sender);
        }
        true
    }
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let (members, senders) = (options.members(100), options.senders.min(options.members(100)));
    let mut engine = Engine::new(ground.server.address);
    bring_in(&mut engine, ground, members, |_| vec![ROOM.into()]);
    let echo = |me: usize| engine.connections[me].as_ref().is_some_and(|connection| connection.echo);
    let receivers: Vec<u32> = (0..senders).map(|me| members as u32 - 1 + u32::from(echo(me))).collect();
    // Somebody who says nothing, where there is somebody.
    let observer = (options.window_by == WindowBy::Observer).then_some(members - 1);
    let counted = if observer.is_some() { vec![1; senders] } else { receivers.clone() };
    let mut chat = Chat {
        texts: Texts::new(ground.run, options.length),
        senders,
        check: Check::new(members, senders),
        windows: Windows::new(counted, options.under_way),
        observer,
        free: (0..senders).collect(),
    };
    let mut stretch = Stretch::new(options);
    let mut counts = [0; 2];
    while !stretch.is_over() {
        speak(&mut engine, &mut chat);
        engine.turn(stretch.next(), &mut chat);
        let begun = stretch.next() == stretch.begin;
        if stretch.tick(monotonic(), ground.server) {
            counts[usize::from(!begun)] = chat.check.received;
        }
    }
    let expected: u64 =
        chat.windows.begun().iter().zip(&receivers).map(|(lines, each)| u64::from(*lines) * u64::from(*each)).sum();
    let lost = drain(&mut engine, &mut chat, senders, |chat| expected.saturating_sub(chat.check.received));
    report(ground, &stretch, counts[1] - counts[0], lost, chat.check.reordered)
}

fn speak(engine: &mut Engine, chat: &mut Chat) {
    while let Some(sender) = chat.free.pop() {
        while let Some(number) = chat.windows.begin(sender) {
            let Some(out) = engine.say(sender) else { return };
            chat.texts.say(out, ROOM, Said { sender, number });
        }
    }
}

fn report(ground: &Ground<'_>, stretch: &Stretch, deliveries: u64, lost: u64, reordered: u64) -> Report {
    let options = ground.options;
    let name = format!("fanout {} members, {} under way", options.members(100), options.under_way);
    let spent = stretch.spent();
    let mut report = Report::new(name, ground);
    let each = spent.server.us() / deliveries.max(1) as f64;
    let rate = deliveries as f64 / spent.seconds;
    report.show("us_per_delivery", each, format!("{each:.3} us/delivery"));
    report.show("deliveries_per_s", rate, format!("{:.0}k/s", rate / 1e3));
    report.show("kernel_share", spent.server.in_kernel(), format!("kernel {:.0} %", 100.0 * spent.server.in_kernel()));
    let busy = |us: f64| us / 1e6 / spent.seconds;
    report.show(
        "server_busy",
        busy(spent.server.us()),
        format!("server busy {:.0} %", 100.0 * busy(spent.server.us())),
    );
    report.show("client_busy", busy(spent.client.us()), format!("client {:.0} %", 100.0 * busy(spent.client.us())));
    report.faults(lost, reordered);
    report.add("members", options.members(100) as f64);
    report.add("senders", options.senders as f64);
    report.add("under_way", f64::from(options.under_way));
    report.add("peak_mib", Memory::peak(ground.server.pid) as f64 / 1048576.0);
    report.add("waits", spent.server.waits as f64);
    report.add("deliveries", deliveries as f64);
    report
}

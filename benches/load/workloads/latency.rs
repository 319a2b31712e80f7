//! Members in one room, some of which speak at fixed times, whatever the server does: how long it takes
//! from when a line was due to when a member has it.

use std::time::{Duration, Instant};

use conclave::platform::clock::monotonic;
use hdrhistogram::Histogram;

use super::{Ground, Stretch, bring_in};
use crate::{
    engine::{Engine, Handler},
    line::{Check, Said, Texts},
    report::Report,
};

const ROOM: &str = "#load";
const DRAIN: Duration = Duration::from_secs(2);

/// When which line is due: the senders take turns.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) begin: Instant,
    pub(crate) senders: usize,
    pub(crate) rate: u32,
}

impl Schedule {
    /// The sender and number of the nth line of all.
    pub(crate) fn line(&self, n: u32) -> Said {
        Said { sender: n as usize % self.senders, number: n / self.senders as u32 }
    }

    pub(crate) fn due(&self, n: u32) -> Instant {
        self.begin + Duration::from_secs(1) / self.rate * n
    }

    pub(crate) fn due_of(&self, said: Said) -> Instant {
        self.due(said.number * self.senders as u32 + said.sender as u32)
    }
}

struct Chat {
    texts: Texts,
    schedule: Schedule,
    check: Check,
    now: Instant,
    /// What is due from then until then counts.
    counted: [Instant; 2],
    times: Histogram<u64>,
    deliveries: u64,
}

impl Handler for Chat {
    fn woken(&mut self) {
        self.now = monotonic();
    }

    fn line(&mut self, me: usize, line: &[u8]) -> bool {
        let Some(said) = self.texts.read(line).filter(|said| said.sender < self.schedule.senders) else { return false };
        self.check.take(me, said);
        let due = self.schedule.due_of(said);
        if self.counted[0] <= due && due < self.counted[1] {
            self.deliveries += 1;
            self.times.saturating_record(self.now.saturating_duration_since(due).as_nanos() as u64);
        }
        true
    }
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let (members, senders) = (options.members, options.senders.min(options.members));
    let mut engine = Engine::new(ground.server.address);
    bring_in(&mut engine, ground, members, |_| vec![ROOM.into()]);
    let echo = |me: usize| engine.connections[me].as_ref().is_some_and(|connection| connection.echo);
    let receivers: Vec<u64> = (0..senders).map(|me| members as u64 - 1 + u64::from(echo(me))).collect();
    let mut stretch = Stretch::new(options.seconds);
    let now = monotonic();
    let mut chat = Chat {
        texts: Texts::new(ground.run, options.length),
        schedule: Schedule { begin: now, senders, rate: options.rate },
        check: Check::new(members, senders),
        now,
        counted: [stretch.begin, stretch.end],
        times: times(),
        deliveries: 0,
    };
    let (mut next, mut expected) = (0, 0);
    while !stretch.is_over() {
        let now = monotonic();
        while chat.schedule.due(next) <= now {
            let said = chat.schedule.line(next);
            let Some(out) = engine.say(said.sender) else { break };
            chat.texts.say(out, ROOM, said);
            expected += receivers[said.sender];
            next += 1;
        }
        engine.turn(chat.schedule.due(next).min(stretch.next()), &mut chat);
        stretch.tick(monotonic(), ground.server);
    }
    let end = monotonic() + DRAIN;
    while chat.check.received < expected && monotonic() < end {
        engine.turn(end, &mut chat);
    }
    let name = format!("latency {members} members, {} lines/s", options.rate);
    let mut report = Report::new(name, ground.kind.name());
    let spent = stretch.spent();
    percentiles(&mut report, &chat.times);
    let each = spent.server.us() / chat.deliveries.max(1) as f64;
    let lost = expected.saturating_sub(chat.check.received);
    report.show("us_per_delivery", each, format!("{each:.2} us/delivery"));
    report.show("lost", lost as f64, format!("lost {lost}"));
    report.show("reordered", chat.check.reordered as f64, format!("reordered {}", chat.check.reordered));
    report.add("kernel_share", spent.server.in_kernel());
    report.add("deliveries", chat.deliveries as f64);
    report.add("waits", spent.server.waits as f64);
    report
}

/// Nanoseconds, with three digits, up to a minute.
pub(crate) fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("bounds of a histogram")
}

pub(crate) fn percentiles(report: &mut Report, times: &Histogram<u64>) {
    for (name, label, quantile) in
        [("p50_ms", "p50", 0.5), ("p99_ms", "p99", 0.99), ("p999_ms", "p99.9", 0.999), ("max_ms", "max", 1.0)]
    {
        let ms = times.value_at_quantile(quantile) as f64 / 1e6;
        report.show(name, ms, format!("{label} {ms:.2} ms"));
    }
}

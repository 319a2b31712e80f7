//! Members in a room, some of which speak at fixed times, whatever the server does; how long it takes
//! from when a line was due to when a member has it, in each phase of a run.

use std::time::{Duration, Instant};

use conclave::platform::clock::monotonic;
use hdrhistogram::Histogram;

use super::Ground;
use crate::{
    engine::{Engine, Handler},
    line::{Check, Said, Texts},
    report::Report,
};

/// Where it is said.
pub(crate) const ROOM: &str = "#load";

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
        self.begin + Duration::from_secs(1) * n / self.rate
    }

    pub(crate) fn due_of(&self, said: Said) -> Instant {
        self.due(said.number * self.senders as u32 + said.sender as u32)
    }
}

/// A stretch of time whose lines are counted together.
pub(crate) struct Phase {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
    pub(crate) times: Histogram<u64>,
}

impl Phase {
    pub(crate) fn new(begin: Instant, seconds: f64) -> Self {
        Self { begin, end: begin + Duration::from_secs_f64(seconds), times: times() }
    }

    /// A line that was due then has arrived now.
    pub(crate) fn take(&mut self, due: Instant, now: Instant) {
        if self.begin <= due && due < self.end {
            self.times.saturating_record(now.saturating_duration_since(due).as_nanos() as u64);
        }
    }
}

/// The conversation of the members 0 to `members`, of which the first ones speak.
pub(crate) struct Chat {
    texts: Texts,
    schedule: Schedule,
    receivers: Vec<u64>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) check: Check,
    pub(crate) expected: u64,
    next: u32,
    now: Instant,
}

impl Chat {
    /// Of members that are present; begins now.
    pub(crate) fn new(ground: &Ground<'_>, engine: &Engine, members: usize, senders: usize, rate: u32) -> Self {
        let echo = |me: usize| engine.connections[me].as_ref().is_some_and(|connection| connection.echo);
        let now = monotonic();
        Self {
            texts: Texts::new(ground.run, ground.options.length),
            schedule: Schedule { begin: now, senders, rate },
            receivers: (0..senders).map(|me| members as u64 - 1 + u64::from(echo(me))).collect(),
            phases: Vec::new(),
            check: Check::new(members, senders),
            expected: 0,
            next: 0,
            now,
        }
    }

    /// Says what is due.
    pub(crate) fn speak(&mut self, engine: &mut Engine) {
        let now = monotonic();
        while self.due() <= now {
            let said = self.schedule.line(self.next);
            let Some(out) = engine.say(said.sender) else { return };
            self.texts.say(out, ROOM, said);
            self.expected += self.receivers[said.sender];
            self.next += 1;
        }
    }

    /// When the next line is due.
    pub(crate) fn due(&self) -> Instant {
        self.schedule.due(self.next)
    }

    /// The lines that have not arrived.
    pub(crate) fn missing(&self) -> u64 {
        self.expected.saturating_sub(self.check.received)
    }
}

impl Handler for Chat {
    fn woken(&mut self) {
        self.now = monotonic();
    }

    fn line(&mut self, me: usize, line: &[u8]) -> bool {
        let Some(said) = self.texts.read(line).filter(|said| said.sender < self.schedule.senders) else { return false };
        self.check.take(me, said);
        let due = self.schedule.due_of(said);
        self.phases.iter_mut().for_each(|phase| phase.take(due, self.now));
        true
    }
}

/// Nanoseconds, with three digits, up to a minute.
fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("bounds of a histogram")
}

/// In milliseconds.
pub(crate) fn percentile(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1e6
}

pub(crate) fn percentiles(report: &mut Report, times: &Histogram<u64>) {
    for (name, label, quantile) in
        [("p50_ms", "p50", 0.5), ("p99_ms", "p99", 0.99), ("p999_ms", "p99.9", 0.999), ("max_ms", "max", 1.0)]
    {
        let ms = percentile(times, quantile);
        report.show(name, ms, format!("{label} {ms:.2} ms"));
    }
}

/// How the percentiles of a disturbed phase compare with those of the quiet one before.
pub(crate) fn compared(report: &mut Report, quiet: &Phase, disturbed: &Phase) {
    for (before, during, label, quantile) in
        [("p50_before_ms", "p50_ms", "p50", 0.5), ("p99_before_ms", "p99_ms", "p99", 0.99)]
    {
        let [first, second] = [quiet, disturbed].map(|phase| percentile(&phase.times, quantile));
        report.add(before, first);
        report.show(during, second, format!("{label} {first:.2} -> {second:.2} ms"));
    }
    let most = percentile(&disturbed.times, 1.0);
    report.show("max_ms", most, format!("max {most:.0}"));
}

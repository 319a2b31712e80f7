//! Many members of a large room leave and come back, while others chat in a room of their own: what do
//! the others feel, and what does it cost?

use std::{
    io,
    time::{Duration, Instant},
};

use conclave::platform::clock::monotonic;

use super::{
    Ground, bring_in,
    chat::{Chat, Phase, ROOM, compared},
    drain,
};
use crate::{
    engine::{Engine, Handler},
    options::Leave,
    process::Memory,
    report::Report,
};

/// Those who chat, and how many of them speak.
const OTHERS: usize = 100;
const SPEAKERS: usize = 20;
/// The room of the storm.
const LARGE: &str = "#storm";
/// How long it may take until everybody is back.
const PATIENCE: Duration = Duration::from_secs(60);

struct Storm {
    chat: Chat,
    how: Leave,
    back: usize,
    lines: u64,
}

impl Handler for Storm {
    fn woken(&mut self) {
        self.chat.woken();
    }

    fn line(&mut self, me: usize, line: &[u8]) -> bool {
        if me < OTHERS && self.chat.line(me, line) {
            return true;
        }
        self.lines += 1;
        false
    }

    fn present(&mut self, _: usize) {
        self.back += 1;
    }

    fn gone(&mut self, me: usize, why: &io::Error) {
        assert!(me >= OTHERS && self.how == Leave::Quit, "the connection of m{me} has ended: {why}");
    }
}

/// When whom to send away and to bring back.
struct Plan {
    begin: Instant,
    half: Duration,
    leavers: usize,
    left: usize,
    returned: usize,
}

impl Plan {
    fn at(&self, n: usize) -> Instant {
        self.begin + self.half * n as u32 / self.leavers as u32
    }

    /// When the next one leaves or comes back.
    fn next(&self) -> Instant {
        let leave = (self.left < self.leavers).then(|| self.at(self.left));
        let back = (self.returned < self.left).then(|| self.at(self.returned) + self.half);
        let far = self.begin + PATIENCE * 2;
        leave.unwrap_or(far).min(back.unwrap_or(far))
    }

    fn step(&mut self, engine: &mut Engine, ground: &Ground<'_>, how: Leave) {
        let now = monotonic();
        while self.left < self.leavers && self.at(self.left) <= now {
            let me = OTHERS + self.left;
            self.left += 1;
            match how {
                Leave::Cut => engine.cut(me),
                Leave::Quit | Leave::Part => {
                    let words = if how == Leave::Quit { "QUIT :storm\r\n".into() } else { format!("PART {LARGE}\r\n") };
                    engine.say(me).into_iter().for_each(|out| out.extend_from_slice(words.as_bytes()));
                }
            }
        }
        while self.returned < self.left && self.at(self.returned) + self.half <= now {
            let me = OTHERS + self.returned;
            if how == Leave::Part {
                engine.enter(me, LARGE);
            } else {
                engine.cut(me);
                engine.open(me, &ground.clients[me], ground.plan(me, vec![LARGE.into()]));
            }
            self.returned += 1;
        }
    }
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let members = options.members(1000);
    let leavers = options.leavers.min(members);
    let mut engine = Engine::new(ground.server.address);
    let entered = monotonic();
    let came =
        bring_in(&mut engine, ground, OTHERS + members, |me| vec![if me < OTHERS { ROOM } else { LARGE }.into()]);
    let entered = entered.elapsed();
    let chat = Chat::new(ground, &engine, OTHERS, SPEAKERS, options.rate(200));
    let mut storm = Storm { chat, how: options.leave, back: 0, lines: 0 };
    let quiet = Phase::new(monotonic() + options.warmup, options.seconds);
    let begin = quiet.end;
    let half = Duration::from_secs_f64(options.within / 2.0);
    storm.chat.phases = vec![quiet, Phase::new(begin, options.within)];
    let mut plan = Plan { begin, half, leavers, left: 0, returned: 0 };
    let mut used = None;
    let end = begin + half * 2 + PATIENCE;
    loop {
        let now = monotonic();
        if now >= end || (storm.back >= leavers && now >= begin + half * 2) {
            break;
        }
        if now >= begin {
            used.get_or_insert_with(|| ground.server.usage());
        }
        storm.chat.speak(&mut engine);
        plan.step(&mut engine, ground, options.leave);
        engine.turn(storm.chat.due().min(plan.next()).min(end), &mut storm);
    }
    let late = monotonic().saturating_duration_since(begin + half * 2);
    let spent = ground.server.usage().since(used.unwrap_or_default());
    let how = options.leave.name();
    let name = format!("storm {leavers} of {members} {how} within {:.0} s", options.within);
    let mut report = Report::new(name, ground);
    compared(&mut report, &storm.chat.phases[0], &storm.chat.phases[1]);
    let seconds = spent.us() / 1e6;
    report.show("server_s", seconds, format!("server {seconds:.2} s"));
    let peak = Memory::peak(ground.server.pid) as f64 / 1_048_576.0;
    report.show("peak_mib", peak, format!("peak {peak:.0} MiB"));
    report.show("lines", storm.lines as f64, format!("{} lines", storm.lines));
    report.show("back", storm.back as f64, format!("{} back", storm.back));
    report.add("late_s", late.as_secs_f64());
    report.add("bring_in_s", entered.as_secs_f64());
    report.add("bring_in_lines", came as f64);
    let lost = drain(&mut engine, &mut storm, SPEAKERS, |storm| storm.chat.missing());
    report.faults(lost, storm.chat.check.reordered);
    report
}

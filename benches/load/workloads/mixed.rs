//! What a day looks like: many rooms of different sizes, private messages, people who come, go, look
//! back and are away. Who stays all the time is checked for every message; who comes and goes is not.

use std::{
    io,
    time::{Duration, Instant},
};

use conclave::platform::clock::monotonic;

use super::{
    Ground, Stretch, bring_in,
    chat::{Phase, percentiles},
    drain,
};
use crate::{
    common::Dice,
    engine::{Engine, Handler},
    line::{Check, Said, Texts},
    process::Memory,
    report::Report,
    servers::Kind,
};

/// How long somebody who left stays away.
const ABSENCE: Duration = Duration::from_secs(1);

struct Day {
    texts: Texts,
    /// These stay: the members 0 to this one.
    stay: usize,
    check: Check,
    /// When each line of each sender was due.
    due: Vec<Vec<Instant>>,
    expected: u64,
    phase: Phase,
    now: Instant,
    left: Vec<usize>,
}

impl Day {
    fn say(&mut self, engine: &mut Engine, target: &str, said: Said, due: Instant) {
        self.due[said.sender].push(due);
        engine.say(said.sender).into_iter().for_each(|out| self.texts.say(out, target, said));
    }
}

impl Handler for Day {
    fn woken(&mut self) {
        self.now = monotonic();
    }

    fn line(&mut self, me: usize, line: &[u8]) -> bool {
        let Some(said) = self.texts.read(line).filter(|said| said.sender < self.stay) else { return false };
        if me < self.stay {
            self.check.take(me, said);
            let due = self.due[said.sender].get(said.number as usize);
            due.into_iter().for_each(|due| self.phase.take(*due, self.now));
        }
        true
    }

    fn gone(&mut self, me: usize, why: &io::Error) {
        assert!(me >= self.stay, "the connection of m{me} has ended: {why}");
        self.left.push(me);
    }
}

/// Who is in which room: a few large rooms, many small ones.
struct Places {
    of: Vec<Vec<usize>>,
    staying: Vec<Vec<usize>>,
}

impl Places {
    fn new(members: usize, stay: usize, dice: &mut Dice) -> Self {
        let rooms = (members / 8).max(2);
        let mut places = Self { of: vec![Vec::new(); members], staying: vec![Vec::new(); rooms] };
        for me in 0..members {
            for _ in 0..2 + dice.below(4) {
                let room = dice.skewed(rooms as u64) as usize;
                if !places.of[me].contains(&room) {
                    places.of[me].push(room);
                    if me < stay {
                        places.staying[room].push(me);
                    }
                }
            }
        }
        places
    }

    fn names(&self, me: usize) -> Vec<String> {
        self.of[me].iter().map(|room| format!("#r{room}")).collect()
    }
}

/// One thing that somebody does.
fn act(engine: &mut Engine, day: &mut Day, places: &Places, dice: &mut Dice, ground: &Ground<'_>, due: Instant) {
    let members = places.of.len();
    let (me, guest) =
        (dice.below(day.stay as u64) as usize, day.stay + dice.below((members - day.stay) as u64) as usize);
    let room = places.of[me][dice.below(places.of[me].len() as u64) as usize];
    let said = Said { sender: me, number: day.due[me].len() as u32 };
    let echo = u64::from(engine.connections[me].as_ref().is_some_and(|connection| connection.echo));
    let any = dice.below(places.staying.len() as u64);
    let words = match dice.below(100) {
        0..70 => {
            day.expected += places.staying[room].len() as u64 - 1 + echo;
            return day.say(engine, &format!("#r{room}"), said, due);
        }
        70..85 => {
            let to = (me + 1 + dice.below(day.stay as u64 - 1) as usize) % day.stay;
            day.expected += 1 + echo;
            return day.say(engine, &format!("m{to}"), said, due);
        }
        85..88 => format!("JOIN #r{any}"),
        88..90 => format!("PART #r{any}"),
        90..94 => "QUIT :later".into(),
        94..98 => match ground.kind {
            Kind::Conclave | Kind::ConclaveSqlite => format!("HISTORY #r{} 50", places.of[guest][0]),
            _ => format!("NAMES #r{}", places.of[guest][0]),
        },
        _ if dice.below(2) == 0 => "AWAY :at lunch".into(),
        _ => "AWAY".into(),
    };
    engine.say(guest).into_iter().for_each(|out| out.extend_from_slice(format!("{words}\r\n").as_bytes()));
}

pub(crate) fn run(ground: &Ground<'_>) -> Report {
    let options = ground.options;
    let members = options.members(500);
    let (stay, rate) = (members * 4 / 5, options.rate(500));
    let mut dice = Dice(7);
    let places = Places::new(members, stay, &mut dice);
    let mut engine = Engine::new(ground.server.address);
    bring_in(&mut engine, ground, members, |me| places.names(me));
    let mut stretch = Stretch::new(options);
    let begin = monotonic();
    let mut day = Day {
        texts: Texts::new(ground.run, options.length),
        stay,
        check: Check::new(members, stay),
        due: vec![Vec::new(); stay],
        expected: 0,
        phase: Phase::new(stretch.begin, options.seconds),
        now: begin,
        left: Vec::new(),
    };
    let (mut acts, mut away) = (0, std::collections::VecDeque::new());
    let due_of = |acts: u32| begin + Duration::from_secs(1) * acts / rate;
    while !stretch.is_over() {
        let now = monotonic();
        while due_of(acts) <= now {
            act(&mut engine, &mut day, &places, &mut dice, ground, due_of(acts));
            acts += 1;
        }
        away.extend(std::mem::take(&mut day.left).into_iter().map(|me| (now + ABSENCE, me)));
        while let Some(&(_, me)) = away.front().filter(|(back, _)| *back <= now) {
            away.pop_front();
            engine.open(me, &ground.clients[me], ground.plan(me, places.names(me)));
        }
        engine.turn(due_of(acts).min(stretch.next()), &mut day);
        stretch.tick(monotonic(), ground.server);
    }
    let lost = drain(&mut engine, &mut day, stay, |day| day.expected.saturating_sub(day.check.received));
    let mut report = Report::new(format!("mixed {members} members, {rate} acts/s"), ground);
    let spent = stretch.spent();
    percentiles(&mut report, &day.phase.times);
    let each = spent.server.us() / day.phase.times.len().max(1) as f64;
    report.show("us_per_delivery", each, format!("{each:.2} us/delivery"));
    let busy = spent.server.us() / 1e6 / spent.seconds;
    report.show("server_busy", busy, format!("server busy {:.1} %", 100.0 * busy));
    let resident = ground.server.memory().resident as f64 / 1_048_576.0;
    report.show("resident_mib", resident, format!("resident {resident:.0} MiB"));
    report.add("peak_mib", Memory::peak(ground.server.pid) as f64 / 1_048_576.0);
    report.add("deliveries", day.phase.times.len() as f64);
    report.faults(lost, day.check.reordered);
    report
}

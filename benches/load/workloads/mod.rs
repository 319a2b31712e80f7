//! The workloads, and what they share: a crowd that is brought in, a stretch of time that is measured.

pub(crate) mod chat;
pub(crate) mod connect;
pub(crate) mod fanout;
pub(crate) mod flooder;
pub(crate) mod floods;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod mixed;
pub(crate) mod storm;

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use conclave::platform::clock::monotonic;
use rustls::ClientConfig;

use crate::{
    connection::Plan,
    engine::{Engine, Handler},
    options::Options,
    process::Usage,
    servers::{Kind, Server},
};

/// How long the last lines may take.
const DRAIN: Duration = Duration::from_secs(4);
/// How long nothing at all may happen before a workload is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a workload runs with.
pub(crate) struct Ground<'a> {
    pub(crate) options: &'a Options,
    pub(crate) kind: Kind,
    pub(crate) server: &'a Server,
    pub(crate) clients: &'a [Arc<ClientConfig>],
    /// Which run of this program it is.
    pub(crate) run: usize,
}

impl Ground<'_> {
    pub(crate) fn plan(&self, me: usize, rooms: Vec<String>) -> Plan {
        Plan { nick: format!("m{me}"), caps: self.options.caps, rooms }
    }
}

/// Waits for members to come in.
#[derive(Default)]
pub(crate) struct Arrivals {
    pub(crate) present: usize,
    pub(crate) lines: u64,
}

impl Handler for Arrivals {
    fn line(&mut self, _: usize, _: &[u8]) -> bool {
        self.lines += 1;
        false
    }

    fn present(&mut self, _: usize) {
        self.present += 1;
    }

    fn farewell(&mut self, me: usize, line: &[u8]) {
        panic!("m{me} was refused: {}", String::from_utf8_lossy(line));
    }

    fn gone(&mut self, me: usize, why: &io::Error) {
        panic!("m{me} did not come in: {why}");
    }
}

/// Brings in so many members, some at a time, and waits until the server has told everybody.
pub(crate) fn bring_in(
    engine: &mut Engine,
    ground: &Ground<'_>,
    count: usize,
    room: impl Fn(usize) -> Vec<String>,
) -> u64 {
    let mut arrivals = Arrivals::default();
    let (mut opened, mut progress) = (0, monotonic());
    while arrivals.present < count {
        while opened < count && opened - arrivals.present < ground.options.concurrent {
            engine.open(opened, &ground.clients[opened], ground.plan(opened, room(opened)));
            opened += 1;
        }
        let before = arrivals.lines;
        engine.turn(monotonic() + Duration::from_secs(1), &mut arrivals);
        if arrivals.lines > before {
            progress = monotonic();
        }
        assert!(
            progress.elapsed() < PATIENCE,
            "{} of {count} members came in, then nothing happened",
            arrivals.present
        );
    }
    settle(engine, &mut arrivals, Duration::from_millis(300));
    arrivals.lines
}

/// A member's own room; where there are more members than rooms that a server may hold, they share them.
pub(crate) fn own_room(me: usize) -> String {
    format!("#r{}", me % 5000)
}

/// Waits until nothing has arrived for so long.
pub(crate) fn settle(engine: &mut Engine, handler: &mut impl Handler, quiet: Duration) {
    let begin = monotonic();
    let mut last = monotonic();
    while last.elapsed() < quiet && begin.elapsed() < PATIENCE {
        let before = engine.reads;
        engine.turn(last + quiet, handler);
        if engine.reads > before {
            last = monotonic();
        }
    }
}

/// Waits for the last lines; returns how many did not come. A server that has taken a line and forgot to look
/// at it is reminded by the next one: that line is late, and not lost.
pub(crate) fn drain<H: Handler>(
    engine: &mut Engine,
    handler: &mut H,
    senders: usize,
    missing: impl Fn(&H) -> u64,
) -> u64 {
    let begin = monotonic();
    let mut reminded = false;
    while missing(handler) > 0 && begin.elapsed() < DRAIN {
        if begin.elapsed() > DRAIN / 2 && !std::mem::replace(&mut reminded, true) {
            for sender in 0..senders {
                engine.say(sender).into_iter().for_each(|out| out.extend_from_slice(b"PING load\r\n"));
            }
        }
        engine.turn(begin + if reminded { DRAIN } else { DRAIN / 2 }, handler);
    }
    missing(handler)
}

/// From when until when is measured, and what the server has used by then.
pub(crate) struct Stretch {
    pub(crate) begin: Instant,
    pub(crate) end: Instant,
    used: [Option<(Instant, Usage, Usage)>; 2],
}

/// What it used meanwhile.
pub(crate) struct Spent {
    pub(crate) seconds: f64,
    pub(crate) server: Usage,
    /// By this program.
    pub(crate) client: Usage,
}

impl Stretch {
    /// Begins after the warm-up.
    pub(crate) fn new(options: &Options) -> Self {
        let begin = monotonic() + options.warmup;
        Self { begin, end: begin + Duration::from_secs_f64(options.seconds), used: [None, None] }
    }

    /// What is the next moment that matters.
    pub(crate) fn next(&self) -> Instant {
        if self.used[0].is_none() { self.begin } else { self.end }
    }

    /// Looks at the clock. True at the moment when it begins or ends.
    pub(crate) fn tick(&mut self, now: Instant, server: &Server) -> bool {
        let index = usize::from(self.used[0].is_some());
        let due = [self.begin, self.end][index] <= now && self.used[index].is_none();
        if due {
            self.used[index] = Some((now, server.usage(), Usage::of(std::process::id())));
        }
        due
    }

    pub(crate) fn is_over(&self) -> bool {
        self.used[1].is_some()
    }

    pub(crate) fn spent(&self) -> Spent {
        let [Some((begin, server, client)), Some((end, later, mine))] = self.used else { panic!("it is not over") };
        Spent { seconds: (end - begin).as_secs_f64(), server: later.since(server), client: mine.since(client) }
    }
}

//! The chat as tables: who does what, and what everybody then reads on his wire.

mod away;
mod bans;
mod bot_mode;
mod burst;
mod chathistory;
mod fences;
mod held;
mod info;
mod invite;
mod join;
mod kept;
mod kick;
mod kill;
mod large;
mod lines;
mod list;
mod markread;
mod metadata;
mod missed;
mod modes;
mod monitor;
mod multiline;
mod names;
mod negotiation;
mod never;
mod nick;
mod offline;
mod oper;
mod playing;
mod redact;
mod rename;
mod replay;
mod rooms;
mod search;
mod sent_id;
mod setname;
mod shell;
mod statusmsg;
mod total;
mod trouble;
mod user_mode;
mod who;
mod whois;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    audience::Audience,
    delivery::{Delivery, Missed, Outputs},
    metadata::Early,
    request::{Body, Gone, Registration, Request, Sequenced, SessionId, Stamp},
    sought::Found,
    state::{Settings, State},
    task::{
        lookup::{answer, find, question},
        replay::{heading, page, shown, survey},
    },
};
use crate::{
    ident::{DeviceId, Fingerprint, Nick},
    journal::{Entry, Log as _, Memory, contract::ask},
    protocol::durable::{Durable, Position},
    protocol::{
        LineLimits, Message, Multiline, Taken,
        caps::{Cap, Caps, Dialect, Shape},
        command,
        fence::Fence,
        past::Answer,
        render,
        reply::{self, ServerInfo},
    },
};

pub(super) fn settings() -> Settings {
    let server = ServerInfo {
        name: "c.test".into(),
        network: "net".into(),
        version: "v".into(),
        created: "now".into(),
        motd: None,
        lobby: "#lobby".parse().unwrap(),
        rooms_per_account: 5,
    };
    Settings {
        server: Arc::new(server),
        administrators: ["root".parse().unwrap()].into(),
        keep_messages: true,
        rooms: 20,
        linger_ms: 30_000,
    }
}

pub(super) fn registration(name: &str, dialect: Dialect, caps: &str) -> Registration {
    Registration {
        account: name.parse().unwrap(),
        device: DeviceId(Fingerprint::new([1; 32])),
        device_label: "laptop".into(),
        client: None,
        dialect,
        caps: Caps::NONE.request(caps).unwrap(),
        user: "".into(),
        realname: "".into(),
        away: None,
        metadata: Early::default(),
        first: None,
    }
}

/// Parses a line as a session of this dialect would have it parsed.
pub(super) fn body(dialect: Dialect, line: &str) -> (Option<Box<str>>, Body) {
    let (label, command) = match dialect {
        Dialect::Plain => (None, command::from_plain(line).expect("an empty line asks for nothing")),
        Dialect::Irc => {
            let message = Message::parse(line).unwrap();
            (message.tags.get("label").map(Into::into), command::from_irc(&message))
        }
    };
    (label, command.map_or_else(Body::Refused, Body::Command))
}

/// A chat in memory: sessions named by the test, time moved by the test.
pub(super) struct Chat {
    pub(super) state: State,
    journal: Memory,
    sessions: BTreeMap<&'static str, SessionId>,
    shapes: BTreeMap<SessionId, (Nick, Shape)>,
    wires: BTreeMap<SessionId, String>,
    batches: BTreeMap<SessionId, Multiline>,
    /// The newest kept message that a session got, and its last fence.
    readings: BTreeMap<SessionId, (Position, Position)>,
    pub(super) now_ms: u64,
    sequence: u64,
    next: u32,
    /// How often certificates were to be read again.
    pub(super) rehashed: usize,
}

impl Chat {
    pub(super) fn new() -> Self {
        Self::with(settings())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            state: State::new(settings),
            journal: Memory::default(),
            sessions: BTreeMap::new(),
            shapes: BTreeMap::new(),
            wires: BTreeMap::new(),
            batches: BTreeMap::new(),
            readings: BTreeMap::new(),
            now_ms: 1_795_242_420_000,
            sequence: 0,
            next: 0,
            rehashed: 0,
        }
    }

    fn step(&mut self, session: SessionId, label: Option<Box<str>>, body: Body) {
        self.sequence += 1;
        let position = Position { epoch: 0, sequence: self.sequence };
        let seen = self.seen(session, &body);
        let random = u128::from(self.sequence) << 8;
        let at = Stamp { position, time_ms: self.now_ms, random, waiting: 0, seen };
        let found = match &body {
            Body::Command(command) => self.state.seeks(session, command),
            _ => None,
        };
        let found = found.map_or(Found::Nothing, |sought| find(&mut self.journal, &sought).unwrap());
        let request = Request { session, label, body };
        let Outputs { events, deliveries } = self.state.step(&Sequenced { at, request, found });
        self.state.check_lists();
        let kept = events.iter().any(|event| matches!(event, Durable::Message(_))).then_some(position);
        self.journal.append(Entry { position, time_ms: self.now_ms, events });
        for delivery in deliveries {
            self.deliver(delivery, kept);
        }
    }

    /// As the shell knows it, of sessions that read everything at once.
    fn seen(&self, session: SessionId, body: &Body) -> Option<Position> {
        let (said, fence) = *self.readings.get(&session)?;
        match (self.shapes[&session].1.dialect, body) {
            (Dialect::Irc, Body::Command(command::Command::Pong(_))) => Some(fence),
            (Dialect::Plain, Body::Command(_) | Body::Refused(_) | Body::Gone(Gone::Cut(_))) => Some(said),
            _ => None,
        }
    }

    /// The fence that a session gets when it is quiet; it is not on its wire.
    pub(super) fn fence(&mut self, session: &str) -> String {
        let reading = self.readings.entry(self.sessions[session]).or_default();
        reading.1 = reading.0;
        Fence(reading.1).to_string()
    }

    fn replay(&mut self, session: SessionId, mut missed: Missed) {
        let Ok(Answer::Survey(found)) = ask(&mut self.journal, survey(&missed)) else { panic!() };
        let Some(mut replies) = heading(&missed, &found) else { return };
        missed.unread.after = found.from;
        loop {
            let Ok(Answer::Unread(part)) = ask(&mut self.journal, page(&missed.unread)) else { panic!() };
            let (end, complete, empty) = (part.end, part.complete, part.kept.is_empty());
            if replies.is_empty() && complete && empty {
                return;
            }
            replies.push(shown(&missed, part));
            self.readings.insert(session, (end, end));
            replies.push(reply::Reply::Ping(Fence(end).to_string().into()));
            missed.unread.after = end;
            if complete {
                break;
            }
        }
        replies.push(reply::Reply::EndOfMissed);
        self.deliver(Delivery::Replies { session, label: None, replies }, None);
    }

    fn note(&mut self, session: SessionId, kept: Option<Position>) {
        if let Some(at) = kept {
            self.readings.entry(session).or_default().0 = at;
        }
    }

    fn hear(&mut self, session: SessionId, octets: &[u8]) {
        if let Some(wire) = self.wires.get_mut(&session) {
            wire.push_str(std::str::from_utf8(octets).unwrap());
        }
    }

    fn deliver(&mut self, delivery: Delivery, kept: Option<Position>) {
        let server = Arc::clone(&self.state.settings.server);
        match delivery {
            Delivery::Replies { session, label, replies } => {
                let (nick, shape) = self.shapes[&session].clone();
                let octets = render::replies(&server, &nick, shape, label.as_deref(), &replies);
                if replies.iter().any(|reply| matches!(reply, reply::Reply::Message(..))) {
                    self.note(session, kept);
                }
                self.hear(session, &octets);
            }
            Delivery::Message { audience, except, own, message } => {
                for session in audience.iter().filter(|&session| Some(session) != except) {
                    let shape = render::shape_for_message(self.shapes[&session].1, &message);
                    let octets = render::message(&server, shape, own, &message);
                    self.note(session, kept.filter(|_| !octets.is_empty()));
                    self.hear(session, &octets);
                }
            }
            Delivery::Event { audience, except, event } => {
                for session in audience.iter().filter(|&session| Some(session) != except) {
                    let octets = render::event(render::shape_for_event(self.shapes[&session].1, &event), &event);
                    self.hear(session, &octets);
                }
            }
            Delivery::Presence { rooms, also, except, event } => {
                let inside = rooms.iter().flat_map(|(_, audience)| audience.iter());
                let audience: Audience = inside.chain(also).filter(|session| !except.contains(session)).collect();
                self.deliver(Delivery::Event { audience, except: None, event }, None);
            }
            Delivery::Shape(session, shape) => {
                self.shapes.get_mut(&session).unwrap().1 = shape;
            }
            Delivery::Replay { session, missed } => self.replay(session, *missed),
            Delivery::Rehash => self.rehashed += 1,
            Delivery::Close(session) => self.hear(session, b"(closed)\r\n"),
            Delivery::Lookup { session, label, lookup } => {
                let replies = vec![answer(&lookup, ask(&mut self.journal, question(&lookup)))];
                self.deliver(Delivery::Replies { session, label, replies }, None);
            }
        }
    }

    /// A session of `account` comes; its wire is empty afterwards.
    pub(super) fn comes(&mut self, session: &'static str, account: &str, dialect: Dialect, caps: &str) {
        self.registers(session, registration(account, dialect, caps));
    }

    /// A session comes; its wire is what it hears of it.
    pub(super) fn registers(&mut self, session: &'static str, registration: Registration) {
        let id = SessionId(self.next);
        self.next += 1;
        self.sessions.insert(session, id);
        self.shapes.insert(
            id,
            (registration.account.clone(), Shape { dialect: registration.dialect, caps: registration.caps }),
        );
        self.wires.insert(id, String::new());
        self.step(id, None, Body::Register(Box::new(registration)));
    }

    pub(super) fn irc(&mut self, session: &'static str, caps: &str) {
        self.comes(session, session, Dialect::Irc, caps);
        self.silence();
    }

    pub(super) fn plain(&mut self, session: &'static str) {
        self.comes(session, session, Dialect::Plain, "");
        self.silence();
    }

    pub(super) fn says(&mut self, session: &str, line: &str) {
        let id = self.sessions[session];
        let shape = self.shapes[&id].1;
        if shape.caps.has(Cap::Multiline) {
            match self.batches.entry(id).or_default().take(&Message::parse(line).unwrap()) {
                Taken::Not => {}
                Taken::Kept => return,
                Taken::Request(label, command) => {
                    return self.step(id, label, command.map_or_else(Body::Refused, Body::Command));
                }
            }
        }
        let (label, body) = body(shape.dialect, line);
        self.step(id, label, body);
    }

    pub(super) fn gone(&mut self, session: &str, gone: Gone) {
        self.step(self.sessions[session], None, Body::Gone(gone));
    }

    pub(super) fn passes(&mut self, ms: u64) {
        self.now_ms += ms;
        self.step(SessionId::NOBODY, None, Body::Tick);
    }

    /// These people have a certificate, and no others.
    pub(super) fn issued(&mut self, names: &[&str]) {
        let people = names.iter().map(|name| name.parse().unwrap()).collect();
        self.step(SessionId::NOBODY, None, Body::Issued(Arc::new(people)));
    }

    /// Forgets what was heard.
    pub(super) fn silence(&mut self) {
        self.wires.values_mut().for_each(String::clear);
    }

    /// What the session heard since it was last asked, without CR LF.
    pub(super) fn heard(&mut self, session: &str) -> Vec<String> {
        let wire = std::mem::take(self.wires.get_mut(&self.sessions[session]).unwrap());
        assert!(wire.is_empty() || wire.ends_with("\r\n"), "half a line: {wire:?}");
        let lines: Vec<String> = wire.split_terminator("\r\n").map(Into::into).collect();
        for line in &lines {
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            if self.shapes[&self.sessions[session]].1.dialect == Dialect::Irc && line != "(closed)" {
                assert!(LineLimits { tags: 8191, body: 512 }.allow(line.as_bytes()), "too long: {line:?}");
            }
        }
        lines
    }

    #[track_caller]
    pub(super) fn expect(&mut self, session: &str, lines: &[&str]) {
        let heard = self.heard(session);
        assert_eq!(heard, lines, "heard by {session}");
    }
}

//! The client's side of a chat, without any I/O: lines of the server and of the person come in,
//! lines for the server and things to show go out.
//!
//! Implements registration with capability negotiation (IRCv3 `CAP` 302), labels and batches
//! (`labeled-response`, `batch`, `echo-message`), and what survives a lost connection: the rooms,
//! and every line that was not acknowledged. Time comes in as an argument.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    commands::{self, Action},
    event::{Event, Manner, Place, What},
    model::Model,
    pending::{Aim, Pending, Request},
    replies::{self, Told},
};
use crate::protocol::{Line, LineLimits, Message, MessageBuf};

/// Without these no line could be acknowledged.
const REQUIRED: [&str; 4] = ["batch", "echo-message", "labeled-response", "message-tags"];
/// What is asked for besides, where the server has it.
const WELCOME: [&str; 3] = ["account-tag", "server-time", ID_TAG];
/// The capability and the tag by which the server knows a line that is sent again.
const ID_TAG: &str = "conclave.chat/id";
/// The ISUPPORT token that names the room for everybody.
const LOBBY_TOKEN: &str = "conclave.chat/LOBBY=";
/// That room's name where the server does not tell.
const LOBBY: &str = "#lobby";

/// The token of the PING after the welcome: its PONG comes when we are back in all our rooms.
const FENCE: &str = "welcome";
/// How long the server may take for the registration, and for the answer to a PING.
const REGISTRATION: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(30);
/// After how much silence a PING asks whether the connection still stands.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);
/// How many lines of a person are kept while they cannot be sent, and batches while they are open.
const MOST_PENDING: usize = 10_000;
const MOST_BATCHES: usize = 256;

/// Who talks, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's name, as the certificate has it.
    pub account: String,
    /// The rooms to be in, the first one to talk in. None: the server's room for everybody.
    pub rooms: Vec<String>,
    /// Where the lines come from.
    pub source: Source,
    /// Different for every run of the program.
    pub origin: String,
}

/// Where the typed lines come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A keyboard: lines are always taken, and shown as pending while they cannot be sent.
    Person,
    /// A file or a pipe: it waits while lines cannot be sent.
    Pipe,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this line, without its line end.
    Send(String),
    /// Show this.
    Show(Event),
    /// Show a line that waits to be sent, with its place.
    Pending(usize, String),
    /// Tell this about the connection.
    Note(String),
    /// The connection is of no use any more: end it.
    Drop(String),
    /// This server cannot be used: end the program.
    Unfit(String),
    /// All is said: end the program.
    End,
}

/// The time, twice.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For deadlines.
    pub at: Instant,
    /// For people: milliseconds since 1970.
    pub unix_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Offline,
    /// CAP LS or CAP REQ was sent.
    Negotiating,
    /// CAP END was sent, and the fence after the welcome.
    Welcoming,
    Ready,
    /// QUIT was sent.
    Leaving,
}

#[derive(Debug, Default)]
struct Batch {
    label: Option<String>,
    parent: Option<String>,
    replay: bool,
}

/// How far leaving has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Leave {
    No,
    /// As soon as everything is acknowledged, with this reason.
    Wanted(Option<String>),
}

/// The state of one run of the client.
#[derive(Debug)]
pub struct Core {
    options: Options,
    phase: Phase,
    /// Lines that were typed before the first registration, when no room was known yet.
    held: VecDeque<String>,
    pending: Pending,
    model: Model,
    batches: HashMap<String, Batch>,
    outputs: VecDeque<Output>,
    offered: Vec<String>,
    /// Whether the server knows lines by their ids.
    ids: bool,
    lobby: Option<String>,
    leave: Leave,
    warned: bool,
    was_ready: bool,
    refusals: usize,
    /// What the server said last with ERROR.
    farewell: Option<String>,
    /// When something was last heard, or the phase began.
    heard: Option<Instant>,
    pinged: Option<Instant>,
    names: Vec<String>,
}

impl Core {
    /// A client that has not connected yet.
    pub fn new(options: Options) -> Self {
        let pending = Pending::new(options.origin.clone());
        let mut model = Model::default();
        for room in options.rooms.iter().rev() {
            model.want(room);
            model.switch(room);
        }
        Self {
            options,
            phase: Phase::Offline,
            held: VecDeque::new(),
            pending,
            model,
            batches: HashMap::new(),
            outputs: VecDeque::new(),
            offered: Vec::new(),
            ids: false,
            lobby: None,
            leave: Leave::No,
            warned: false,
            was_ready: false,
            refusals: 0,
            farewell: None,
            heard: None,
            pinged: None,
            names: Vec::new(),
        }
    }

    /// The next thing to do.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The rooms and the one that text goes to.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether lines can be sent.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether the server was told goodbye.
    pub fn is_leaving(&self) -> bool {
        self.phase == Phase::Leaving
    }

    /// Whether there ever was a registered connection.
    pub fn was_ready(&self) -> bool {
        self.was_ready
    }

    /// How many lines are not acknowledged.
    pub fn unsent(&self) -> usize {
        self.held.len() + self.pending.len()
    }

    /// How many typed lines were refused, here or by the server.
    pub fn refusals(&self) -> usize {
        self.refusals
    }

    /// Whether a typed line may be taken now.
    pub fn wants_input(&self) -> bool {
        if self.leave != Leave::No {
            return self.options.source == Source::Person;
        }
        match self.options.source {
            Source::Person => true,
            Source::Pipe => self.is_ready() && self.pending.len() < Pending::WINDOW,
        }
    }

    /// A connection stands: registers.
    pub fn connected(&mut self, now: Now) {
        self.phase = Phase::Negotiating;
        (self.heard, self.pinged, self.farewell) = (Some(now.at), None, None);
        self.offered.clear();
        self.ids = false;
        let account = self.options.account.clone();
        let user = format!("{account}@conclave");
        self.send(MessageBuf::new("CAP").param("LS").param("302"));
        self.send(MessageBuf::new("NICK").param(&account));
        self.send(MessageBuf::new("USER").param(&user).param("0").param("*").param(&account));
    }

    /// The connection is gone. Tells the server's own reason, if it gave one.
    pub fn lost(&mut self) -> Option<String> {
        if self.phase == Phase::Leaving {
            self.outputs.push_back(Output::End);
        }
        self.phase = Phase::Offline;
        (self.heard, self.pinged) = (None, None);
        self.batches.clear();
        self.names.clear();
        self.model.lost();
        self.pending.lost();
        let waiting = self.pending.typed().chain(self.held.iter().map(String::as_str));
        for (at, typed) in waiting.enumerate() {
            self.outputs.push_back(Output::Pending(at + 1, typed.to_owned()));
        }
        self.farewell.take()
    }

    /// The time when [`tick`](Self::tick) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let heard = self.heard?;
        Some(match (self.phase, self.pinged) {
            (Phase::Offline, _) => return None,
            (Phase::Negotiating | Phase::Welcoming, _) => heard + REGISTRATION,
            (Phase::Ready, None) => heard + SILENCE,
            (Phase::Ready, Some(pinged)) => pinged + ANSWER,
            (Phase::Leaving, _) => heard + GOODBYE,
        })
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) {
        if self.deadline().is_none_or(|deadline| now.at < deadline) {
            return;
        }
        match (self.phase, self.pinged) {
            (Phase::Ready, None) => {
                self.pinged = Some(now.at);
                self.send(MessageBuf::new("PING").param("alive"));
            }
            (Phase::Leaving, _) => self.outputs.push_back(Output::End),
            _ => {
                self.heard = None;
                let span = if self.phase == Phase::Ready { ANSWER } else { REGISTRATION };
                let text = format!("the server has not answered for {} s", span.as_secs());
                self.outputs.push_back(Output::Drop(text));
            }
        }
    }

    /// A line was typed.
    pub fn typed(&mut self, now: Now, line: &str) {
        let leaving = line.starts_with('/') && matches!(commands::parse(line, None), Action::Quit(_));
        if self.was_ready || leaving {
            self.perform(now, line);
        } else if self.held.len() >= MOST_PENDING {
            self.not_sent(now, line, "too many lines wait for the connection");
        } else if !line.trim().is_empty() {
            self.held.push_back(line.to_owned());
            self.outputs.push_back(Output::Pending(self.unsent(), line.to_owned()));
        }
    }

    /// A line came in that is no text and cannot be sent.
    pub fn unfit(&mut self, now: Now, why: &str) {
        self.refusals += 1;
        self.happened(now.unix_ms, None, format!("a line was not sent: {why}"));
    }

    /// No more lines will be typed: leaves when everything is acknowledged.
    pub fn input_ended(&mut self, now: Now) {
        self.quit(now, None);
    }

    /// The person breaks off: a last word to the server, if it can hear it.
    pub fn interrupted(&mut self) {
        if matches!(self.phase, Phase::Ready | Phase::Welcoming) {
            self.send(MessageBuf::new("QUIT"));
        }
    }

    fn perform(&mut self, now: Now, line: &str) {
        match commands::parse(line, self.model.current()) {
            Action::Nothing => {}
            Action::Ask(requests) => requests.into_iter().for_each(|request| self.ask(now, request)),
            Action::TalkIn(room, request) => {
                let joined = self.model.room(&room).is_some_and(|known| known.joined);
                self.model.switch(&room);
                if joined {
                    self.happened(now.unix_ms, None, format!("you talk in {room} now"));
                } else {
                    self.ask(now, request);
                }
            }
            Action::Help(lines) => lines.into_iter().for_each(|line| self.happened(now.unix_ms, None, line)),
            Action::Wrong(sentence) => {
                self.refusals += 1;
                self.happened(now.unix_ms, None, sentence);
            }
            Action::Quit(reason) => self.quit(now, reason),
        }
    }

    fn ask(&mut self, now: Now, request: Request) {
        if self.pending.len() >= MOST_PENDING {
            return self.not_sent(now, &request.typed, "too many lines wait for the connection");
        }
        let typed = request.typed.clone();
        let at = self.pending.push(request);
        if self.is_ready() {
            self.pump(now);
        } else {
            self.outputs.push_back(Output::Pending(at, typed));
        }
    }

    fn quit(&mut self, now: Now, reason: Option<String>) {
        let person = self.options.source == Source::Person;
        if self.phase != Phase::Ready && person && self.unsent() > 0 && !self.warned {
            self.warned = true;
            let count = self.unsent();
            let text = format!("{count} lines are not sent yet; quit again to leave without sending them");
            return self.happened(now.unix_ms, None, text);
        }
        self.leave = Leave::Wanted(reason);
        if self.phase != Phase::Ready && (person || self.was_ready && self.unsent() == 0) {
            self.outputs.push_back(Output::End);
        }
        self.pump(now);
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Now) {
        if !self.is_ready() {
            return;
        }
        while let Some(next) = self.pending.next_line(self.ids.then_some(ID_TAG)) {
            match next {
                Ok(line) => self.outputs.push_back(Output::Send(line)),
                Err((request, error)) => self.not_sent(now, &request.typed, &error.to_string()),
            }
        }
        if let Leave::Wanted(reason) = &self.leave
            && self.unsent() == 0
        {
            let reason = reason.clone();
            let message = MessageBuf::new("QUIT");
            self.send(match &reason {
                Some(reason) => message.param(reason),
                None => message,
            });
            self.phase = Phase::Leaving;
            self.heard = Some(now.at);
        }
    }

    /// A line came from the server.
    pub fn received(&mut self, now: Now, line: Line<'_>) {
        let message = match line {
            Line::Text(text) => Message::parse(text).map_err(|error| error.to_string()),
            Line::Bad(bad) => Err(bad.to_string()),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => {
                let text = format!("the server sent a line that cannot be read: {error}");
                return self.outputs.push_back(Output::Note(text));
            }
        };
        if self.phase != Phase::Leaving {
            (self.heard, self.pinged) = (Some(now.at), None);
        }
        if message.is("BATCH") {
            return self.batch(now, &message);
        }
        let direct = message.tags.get("label").map(String::from);
        let batch = message.tags.get("batch");
        let label = direct.clone().or_else(|| self.label_of(batch.as_deref()));
        let hidden = label.is_some_and(|label| self.part_of_answer(&label, &message));
        let replay = self.is_replay(batch.as_deref());
        let known = message.tags.get("msgid").is_some_and(|id| !self.model.is_new(&id));
        let repeated = known && replay;
        if !hidden && !repeated {
            self.show(now, &message);
        }
        if let Some(label) = direct {
            self.answered(now, &label);
        }
    }

    fn batch(&mut self, now: Now, message: &Message<'_>) {
        let Some(reference) = message.params.nth(0) else { return };
        if let Some(name) = reference.strip_prefix('+') {
            let batch = Batch {
                label: message.tags.get("label").map(String::from),
                parent: message.tags.get("batch").map(String::from),
                replay: message.params.nth(1) == Some("chathistory"),
            };
            if self.batches.len() < MOST_BATCHES {
                self.batches.insert(name.to_owned(), batch);
            }
        } else if let Some(batch) = reference.strip_prefix('-').and_then(|name| self.batches.remove(name))
            && let Some(label) = batch.label
        {
            self.answered(now, &label);
        }
    }

    /// The batch of this name and those that it is in.
    fn batches_of<'a>(&'a self, name: Option<&'a str>) -> impl Iterator<Item = &'a Batch> {
        let first = name.and_then(|name| self.batches.get(name));
        // A parent is opened before its child: a circle would need a server that lies.
        std::iter::successors(first, |batch| self.batches.get(batch.parent.as_deref()?)).take(MOST_BATCHES)
    }

    fn label_of(&self, batch: Option<&str>) -> Option<String> {
        self.batches_of(batch).find_map(|batch| batch.label.clone())
    }

    fn is_replay(&self, batch: Option<&str>) -> bool {
        self.batches_of(batch).any(|batch| batch.replay)
    }

    /// Notes what a part of an answer means for its request, and tells whether it is shown with the
    /// request's end instead of by itself.
    fn part_of_answer(&mut self, label: &str, message: &Message<'_>) -> bool {
        let params = message.params.get(1..).unwrap_or_default();
        let text = replies::reason(message.command, params);
        let own = nick_of(message.source).eq_ignore_ascii_case(&self.options.account);
        match message.command {
            "PRIVMSG" | "NOTICE" if own => {
                self.pending.echoed(label);
                false
            }
            // What has no numeric is refused by a notice.
            "NOTICE" => self.pending.refused(label, &text),
            command if replies::is_refusal(command) => self.pending.refused(label, &text),
            _ => false,
        }
    }

    fn answered(&mut self, now: Now, label: &str) {
        let Some(outcome) = self.pending.answered(label) else { return };
        let request = outcome.request;
        match (request.aim, outcome.refused) {
            (Aim::Message, _) if outcome.echoed => {}
            (Aim::Message, Some(reason)) => self.not_sent(now, &request.typed, &reason),
            (Aim::Message, None) => {
                // Acknowledged without an echo.
                let from = self.options.account.clone();
                if let [target, text] = &request.params[..] {
                    self.said(now.unix_ms, &from, target, Manner::Text, text);
                }
            }
            (Aim::Join(room), Some(_)) => {
                self.refusals += 1;
                if !self.model.room(&room).is_some_and(|room| room.joined) {
                    self.model.leave(&room);
                }
            }
            (Aim::Other, Some(_)) => self.refusals += 1,
            (Aim::Other, None) if request.command == "HISTORY" => {
                self.happened(now.unix_ms, None, "end of the history".into());
            }
            (Aim::Join(_) | Aim::Other, None) => {}
        }
        self.pump(now);
    }

    fn show(&mut self, now: Now, message: &Message<'_>) {
        let at = time_of(message).unwrap_or(now.unix_ms);
        let from = nick_of(message.source);
        let param = |index: usize| message.params.get(index).copied().unwrap_or_default();
        let reason = |index: usize| match param(index) {
            "" => String::new(),
            reason => format!(" ({reason})"),
        };
        let ours = from.eq_ignore_ascii_case(&self.options.account);
        match message.command {
            "PING" => self.send(MessageBuf::new("PONG").param(param(0))),
            "PONG" if self.phase == Phase::Welcoming && message.params.last() == Some(&FENCE) => self.ready(now),
            "CAP" => self.cap(message),
            "PRIVMSG" => self.said(at, from, param(0), Manner::Text, param(1)),
            "NOTICE" if message.source.is_some_and(|source| source.contains('!')) => {
                self.said(at, from, param(0), Manner::Notice, param(1));
            }
            "NOTICE" => self.happened(at, None, param(1).to_owned()),
            "JOIN" => {
                let room = param(0);
                if ours {
                    let first = !self.model.room(room).is_some_and(|room| room.joined);
                    self.model.we_joined(room);
                    if self.was_ready && self.model.current().is_none() {
                        self.model.switch(room);
                    }
                    if !first {
                        return;
                    }
                }
                self.model.came(room, from);
                self.happened(at, Some(room), format!("{from} joined"));
            }
            "PART" => {
                self.model.went(param(0), from);
                self.happened(at, Some(param(0)), format!("{from} left{}", reason(1)));
                if ours {
                    self.we_left(at, param(0));
                }
            }
            "KICK" => {
                self.model.went(param(0), param(1));
                self.happened(at, Some(param(0)), format!("{from} removed {}{}", param(1), reason(2)));
                if param(1).eq_ignore_ascii_case(&self.options.account) {
                    self.we_left(at, param(0));
                }
            }
            "QUIT" => {
                let room = self.model.gone(from);
                self.happened(at, room.as_deref(), format!("{from} disconnected{}", reason(0)));
            }
            "TOPIC" if param(1).is_empty() => {
                self.happened(at, Some(param(0)), format!("{from} removed the topic"));
            }
            "TOPIC" => self.happened(at, Some(param(0)), format!("{from} set the topic: {}", param(1))),
            "MODE" => {
                let changes = message.params.get(1..).unwrap_or_default().join(" ");
                self.happened(at, Some(param(0)), format!("{from} set the modes {changes}"));
            }
            "INVITE" => self.happened(at, None, format!("{from} invites you into {}; /join {}", param(1), param(1))),
            "ERROR" => {
                self.farewell = Some(param(0).to_owned());
                if self.phase != Phase::Leaving {
                    self.happened(at, None, param(0).to_owned());
                }
            }
            "FAIL" | "WARN" | "NOTE" => {
                let text = message.params.last().copied().unwrap_or_default();
                self.happened(at, None, text.to_owned());
            }
            // Protocol, or of no interest in this view: ACK, PONG, TAGMSG, AWAY, ACCOUNT, ...
            command => {
                if let Ok(code) = command.parse() {
                    self.numeric(at, code, message);
                }
            }
        }
    }

    fn numeric(&mut self, at: u64, code: u16, message: &Message<'_>) {
        let params = message.params.get(1..).unwrap_or_default();
        match (code, params) {
            (5, tokens) => {
                let lobby = tokens.iter().find_map(|token| token.strip_prefix(LOBBY_TOKEN));
                if let Some(lobby) = lobby {
                    self.lobby = Some(lobby.to_owned());
                }
            }
            (1, _) if self.phase == Phase::Negotiating => {
                self.unfit_server("it does not negotiate capabilities");
            }
            (376 | 422, _) if self.phase == Phase::Welcoming => self.send(MessageBuf::new("PING").param(FENCE)),
            (353, [.., room, names]) => {
                for name in names.split(' ').filter(|name| !name.is_empty()) {
                    self.model.came(room, name.trim_start_matches(['@', '+']));
                    if self.names.len() < MOST_PENDING {
                        self.names.push(name.to_owned());
                    }
                }
            }
            (366, [room, ..]) => {
                let mut names = std::mem::take(&mut self.names);
                names.sort_by_key(|name| name.to_ascii_lowercase());
                let text =
                    if names.is_empty() { "nobody is here".into() } else { format!("here: {}", names.join(" ")) };
                self.happened(at, Some(room), text);
            }
            (432 | 433 | 465, [.., text]) if !self.is_ready() => self.unfit_server(text),
            _ => {
                if let Told::Say(room, text) = replies::sentence(code, params) {
                    self.happened(at, room.as_deref(), text);
                }
            }
        }
    }

    fn cap(&mut self, message: &Message<'_>) {
        let (Some(subcommand), Some(list)) = (message.params.nth(1), message.params.last().copied()) else { return };
        if self.phase != Phase::Negotiating {
            return;
        }
        match subcommand {
            "LS" => {
                let names = list.split(' ').map(|cap| cap.split('=').next().unwrap_or_default().to_owned());
                self.offered.extend(names.take(1000));
                // A star before the list: there is more to come.
                if message.params.len() < 4 {
                    self.request_capabilities();
                }
            }
            "ACK" => {
                self.ids = list.split(' ').any(|name| name == ID_TAG);
                self.phase = Phase::Welcoming;
                self.send(MessageBuf::new("CAP").param("END"));
            }
            "NAK" => self.unfit_server("it refuses the capabilities that it offers"),
            _ => {}
        }
    }

    fn request_capabilities(&mut self) {
        let offered = |name: &&str| self.offered.iter().any(|offered| offered == name);
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|name| !offered(name)).collect();
        if !missing.is_empty() {
            return self.unfit_server(&format!("it lacks {}", missing.join(", ")));
        }
        let wanted: Vec<&str> = REQUIRED.into_iter().chain(WELCOME).filter(offered).collect();
        let wanted = wanted.join(" ");
        self.send(MessageBuf::new("CAP").param("REQ").param(&wanted));
    }

    fn unfit_server(&mut self, why: &str) {
        let text = format!("this client cannot use the server: {why}");
        self.outputs.push_back(Output::Unfit(text));
    }

    /// Registered: back into the rooms first, then all that waits.
    fn ready(&mut self, now: Now) {
        self.phase = Phase::Ready;
        self.was_ready = true;
        self.outputs.push_back(Output::Note(format!("connected as {}", self.options.account)));
        if self.model.current().is_none() {
            let lobby = self.lobby.as_deref().unwrap_or(LOBBY);
            let lobby_or_first = self.model.room(lobby).or_else(|| self.model.rooms().next());
            let room = lobby_or_first.map_or_else(|| lobby.to_owned(), |room| room.name.clone());
            self.model.want(&room);
            self.model.switch(&room);
        }
        let missing: Vec<String> =
            self.model.rooms().filter(|room| !room.joined).map(|room| room.name.clone()).collect();
        for room in missing {
            self.send(MessageBuf::new("JOIN").param(&room));
        }
        for line in std::mem::take(&mut self.held) {
            self.perform(now, &line);
        }
        self.pump(now);
    }

    fn we_left(&mut self, at: u64, room: &str) {
        let talked = self.model.current().is_some_and(|current| current.eq_ignore_ascii_case(room));
        self.model.leave(room);
        if talked {
            let text = match self.model.current() {
                Some(current) => format!("you talk in {current} now"),
                None => "you are in no room now; /join #ROOM, /rooms lists them".into(),
            };
            self.happened(at, None, text);
        }
    }

    fn said(&mut self, at: u64, from: &str, target: &str, manner: Manner, text: &str) {
        let ours = from.eq_ignore_ascii_case(&self.options.account);
        let place = if target.trim_start_matches(['@', '+']).starts_with('#') {
            Place::Room(target.to_owned())
        } else if ours && !target.eq_ignore_ascii_case(&self.options.account) {
            Place::To(target.to_owned())
        } else {
            Place::ToUs
        };
        let (manner, text) = match text.strip_prefix('\u{1}') {
            None => (manner, text),
            Some(ctcp) => {
                let ctcp = ctcp.strip_suffix('\u{1}').unwrap_or(ctcp);
                match ctcp.split_once(' ') {
                    Some(("ACTION", action)) => (Manner::Action, action),
                    _ => {
                        let what = ctcp.split(' ').next().unwrap_or_default();
                        return self.happened(
                            at,
                            None,
                            format!("{from} asks for {what} by CTCP, which is not answered"),
                        );
                    }
                }
            }
        };
        let what = What::Said { place, from: from.to_owned(), manner, text: text.to_owned() };
        self.outputs.push_back(Output::Show(Event { at, what }));
    }

    fn happened(&mut self, at: u64, room: Option<&str>, text: String) {
        let what = What::Happened { room: room.map(ToOwned::to_owned), text };
        self.outputs.push_back(Output::Show(Event { at, what }));
    }

    fn not_sent(&mut self, now: Now, text: &str, reason: &str) {
        self.refusals += 1;
        let what = What::NotSent { text: text.to_owned(), reason: reason.to_owned() };
        self.outputs.push_back(Output::Show(Event { at: now.unix_ms, what }));
    }

    fn send(&mut self, message: MessageBuf<'_>) {
        match message.finish(LineLimits::IRC_CLIENT) {
            Ok(line) => self.outputs.push_back(Output::Send(line)),
            // A token or a reason that no line can carry: the server or the person hears of it.
            Err(error) => self.outputs.push_back(Output::Note(format!("a line was not sent: {error}"))),
        }
    }
}

/// The nick of `nick!user@host`; a server's whole name.
fn nick_of(source: Option<&str>) -> &str {
    source.map_or("", |source| source.split('!').next().unwrap_or(source))
}

/// Milliseconds since 1970 from the tag `time` (`server-time`).
fn time_of(message: &Message<'_>) -> Option<u64> {
    let time: jiff::Timestamp = message.tags.get("time")?.parse().ok()?;
    time.as_millisecond().try_into().ok()
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;

//! The client's side of a chat, without any I/O: lines of the server and of the person come in,
//! lines for the server and things to show go out.
//!
//! Here is what survives a lost connection: the rooms, and every line that was not acknowledged. What
//! belongs to one connection is a `Session`; the other files are what can happen: getting in
//! (`register`), the person types (`typed`), the server answers (`answers`), the chat goes on
//! (`show`, and for programs `record`; what was missed of it, `missed`), leaving (`leave`). Time comes in as an argument.

mod answers;
mod batches;
mod leave;
mod missed;
mod record;
mod register;
mod session;
mod show;
#[cfg(test)]
mod tests;
mod typed;

use std::{collections::VecDeque, time::Instant};

use super::{
    event::{Event, What},
    model::Model,
    pending::{Outcome, Pending, Request},
};
use crate::protocol::{EncodeError, LineLimits, MessageBuf};
use leave::Leave;
use session::{Phase, Session};

/// The capability and the tag by which the server knows a line that is sent again.
const ID_TAG: &str = "conclave.chat/id";

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
    /// Which of the account's programs this is: the server keeps for each how far it has come.
    pub program: &'static str,
}

/// Where the typed lines come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A keyboard: lines are always taken, and shown as pending while they cannot be sent.
    Person,
    /// A file or a pipe: it waits while lines cannot be sent.
    Pipe,
    /// A program that gives whole requests and hears how each has ended. It goes nowhere by itself,
    /// and nobody sees it come and go where the server can do that.
    Script,
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
    /// Tell a script how its request has ended.
    Answered(Box<Outcome>),
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

/// The state of one run of the client.
#[derive(Debug)]
pub struct Core {
    options: Options,
    /// The connection, while there is one.
    session: Option<Session>,
    /// Whether there ever was a registered one.
    was_ready: bool,
    /// Lines that were typed before that, when no room was known yet.
    held: VecDeque<String>,
    pending: Pending,
    model: Model,
    /// What the person calls himself, if not like the account.
    realname: Option<String>,
    leave: Leave,
    /// Whether the person was told what would stay unsent.
    warned: bool,
    refusals: usize,
    outputs: VecDeque<Output>,
}

impl Core {
    /// A client that has not connected yet.
    pub fn new(options: Options) -> Self {
        let mut model = Model::default();
        for room in options.rooms.iter().rev() {
            model.want(room);
            model.switch(room);
        }
        Self {
            pending: Pending::new(options.origin.clone()),
            options,
            session: None,
            was_ready: false,
            held: VecDeque::new(),
            model,
            realname: None,
            leave: Leave::No,
            warned: false,
            refusals: 0,
            outputs: VecDeque::new(),
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
        self.session.as_ref().is_some_and(|session| matches!(session.phase, Phase::Ready { .. }))
    }

    /// Whether the server was told goodbye.
    pub fn is_leaving(&self) -> bool {
        self.session.as_ref().is_some_and(|session| matches!(session.phase, Phase::Parting | Phase::Leaving))
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
        let room = !matches!(self.leave, Leave::Wanted(_)) && self.pending.len() < Pending::WINDOW;
        match self.options.source {
            Source::Person => true,
            Source::Pipe => room && self.is_ready(),
            // Its requests count from when they were given: whoever waits for one has a deadline.
            Source::Script => room,
        }
    }

    /// The connection is gone. Tells the server's own reason, if it gave one.
    pub fn lost(&mut self) -> Option<String> {
        if self.is_leaving() {
            self.outputs.push_back(Output::End);
        }
        // Who waits knows already what waits, and need not read it at each attempt.
        let tell = self.is_ready() || self.is_leaving();
        let session = self.session.take();
        self.model.lost();
        self.pending.lost();
        let waiting = self.pending.typed().chain(self.held.iter().map(String::as_str));
        for (at, typed) in waiting.enumerate().filter(|_| tell) {
            self.outputs.push_back(Output::Pending(at + 1, typed.to_owned()));
        }
        session?.farewell
    }

    /// Does what has become possible: sends what waits, and leaves at its end if that is wanted.
    fn go_on(&mut self, now: Now) {
        if self.is_ready() {
            self.send_pending(now);
            self.leave_if_done(now);
        }
    }

    fn is_us(&self, nick: &str) -> bool {
        nick.eq_ignore_ascii_case(&self.options.account)
    }

    fn send(&mut self, message: MessageBuf<'_>) {
        match message.finish(LineLimits::IRC_CLIENT) {
            Ok(line) => self.outputs.push_back(Output::Send(line)),
            // A token or a reason that no line can carry: the server or the person hears of it.
            Err(error) => self.outputs.push_back(Output::Note(format!("a line was not sent: {error}"))),
        }
    }

    fn happened(&mut self, at: u64, room: Option<&str>, text: String) {
        let what = What::Happened { room: room.map(ToOwned::to_owned), text };
        self.outputs.push_back(Output::Show(Event { at, what, record: None }));
    }

    /// A typed line cannot be sent, or was refused.
    fn not_sent(&mut self, now: Now, text: &str, reason: &str) {
        self.refusals += 1;
        let what = What::NotSent { text: text.to_owned(), reason: reason.to_owned() };
        self.outputs.push_back(Output::Show(Event { at: now.unix_ms, what, record: None }));
    }

    /// A request cannot be written as a line.
    fn unwritten(&mut self, now: Now, request: Request, error: EncodeError) {
        if self.is_script() {
            self.refusals += 1;
            let outcome = Outcome { request, refused: Some(error.to_string()), echo: None };
            self.outputs.push_back(Output::Answered(Box::new(outcome)));
        } else {
            self.not_sent(now, &request.typed, &error.to_string());
        }
    }

    fn is_script(&self) -> bool {
        self.options.source == Source::Script
    }
}

/// The nick of `nick!user@host`; a server's whole name.
fn nick_of(source: Option<&str>) -> &str {
    source.map_or("", |source| source.split('!').next().unwrap_or(source))
}

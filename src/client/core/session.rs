//! One connection as the core sees it: how far it has come, and for how long it may be silent.

use std::time::{Duration, Instant};

use super::{Core, Now, Output, batches::Batches, missed::Pieces};
use crate::protocol::MessageBuf;

/// How long the server may take for the registration, and for the answer to a PING.
const REGISTRATION: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(30);
/// After how much silence a PING asks whether the connection still stands.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// What is known of a connection. Nothing of it outlives the connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) phase: Phase,
    /// Since when the server is waited for. `None`: it was given up.
    waiting: Option<Instant>,
    /// Whether the server knows lines by their ids.
    pub(super) knows_ids: bool,
    /// The server's room for everybody, once it was told.
    pub(super) lobby: Option<String>,
    pub(super) batches: Batches,
    /// The message whose lines come.
    pub(super) pieces: Option<Pieces>,
    /// How many messages were shown that were missed.
    pub(super) missed: usize,
    /// Whether the person was told that it stands.
    pub(super) told: bool,
    /// How many messages came that were asked for, until the end of the history.
    pub(super) past: usize,
    /// How many messages a search has found, until its end.
    pub(super) found: usize,
    /// What a list of names has brought, until its end.
    pub(super) names: Vec<String>,
    /// Whether another list has brought any row, until its end.
    pub(super) rows: bool,
    /// Whether the person of a WHOIS seems not to be here, until its end.
    pub(super) absent: bool,
    /// What the server said last with ERROR.
    pub(super) farewell: Option<String>,
}

/// How far a connection has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// CAP LS or CAP REQ was sent. Of the capabilities that we can use the server has these.
    Negotiating(Vec<&'static str>),
    /// CAP END was sent, and the fence after the welcome.
    Welcoming,
    /// Lines can be sent.
    Ready {
        /// A PING asks whether the server is still there.
        asked: bool,
    },
    /// All is said and acknowledged; what was read is being confirmed.
    Parting,
    /// QUIT was sent.
    Leaving,
}

impl Session {
    /// A connection that stands since now.
    pub(super) fn new(now: Now) -> Self {
        Self {
            phase: Phase::Negotiating(Vec::new()),
            waiting: Some(now.at),
            knows_ids: false,
            lobby: None,
            batches: Batches::default(),
            pieces: None,
            missed: 0,
            told: false,
            past: 0,
            found: 0,
            names: Vec::new(),
            rows: false,
            absent: false,
            farewell: None,
        }
    }

    /// Something was heard. Once we are leaving, only the end counts.
    pub(super) fn heard(&mut self, now: Now) {
        match &mut self.phase {
            Phase::Parting | Phase::Leaving => return,
            Phase::Ready { asked } => *asked = false,
            Phase::Negotiating(_) | Phase::Welcoming => {}
        }
        self.waiting = Some(now.at);
    }

    /// The next phase begins.
    pub(super) fn enter(&mut self, phase: Phase, now: Now) {
        (self.phase, self.waiting) = (phase, Some(now.at));
    }

    /// How long the server may be silent.
    fn patience(&self) -> Duration {
        match self.phase {
            Phase::Negotiating(_) | Phase::Welcoming => REGISTRATION,
            Phase::Ready { asked: false } => SILENCE,
            Phase::Ready { asked: true } => ANSWER,
            Phase::Parting | Phase::Leaving => GOODBYE,
        }
    }
}

impl Core {
    /// The time when [`tick`](Self::tick) has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let session = self.session.as_ref()?;
        Some(session.waiting? + session.patience())
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Now) {
        if self.deadline().is_none_or(|deadline| now.at < deadline) {
            return;
        }
        let Some(session) = &mut self.session else { return };
        match session.phase {
            Phase::Ready { asked: false } => {
                session.enter(Phase::Ready { asked: true }, now);
                self.send(MessageBuf::new("PING").param("alive"));
            }
            Phase::Parting => self.say_goodbye(now),
            Phase::Leaving => self.outputs.push_back(Output::End),
            Phase::Negotiating(_) | Phase::Welcoming | Phase::Ready { asked: true } => {
                session.waiting = None;
                let text = format!("the server has not answered for {} s", session.patience().as_secs());
                self.outputs.push_back(Output::Drop(text));
            }
        }
    }
}

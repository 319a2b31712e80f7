//! A registered session as the shell sees it: its outbox, and what must wait for an answer of the
//! journal's before it goes in there.
//!
//! Everything that is said to a session goes in one line: behind a question that the journal has not
//! answered yet, all waits that was said after it.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;

use super::{fence::Reading, replay::Playing};
use crate::{
    hub::{
        delivery::Lookup,
        outbox::{Cut, Outbox},
    },
    ident::Nick,
    protocol::{
        caps::Shape,
        durable::Position,
        render,
        reply::{Reply, ServerInfo},
    },
};

/// A registered session.
pub(super) struct Member {
    pub nick: Nick,
    pub outbox: Arc<Outbox>,
    pub shape: Shape,
    pub pinged: bool,
    pub reading: Reading,
    held: Option<Box<Held>>,
}

/// What waits behind a question.
#[derive(Default)]
struct Held {
    queue: VecDeque<Waiting>,
    bytes: usize,
}

/// Something in the line to the outbox.
pub(super) enum Waiting {
    /// Rendered already; where a kept message among it stands.
    Octets(Bytes, Option<Position>),
    /// A question, with the label of its answer and what the session looked like when it asked.
    Lookup(Box<Asked>),
    /// What the session missed.
    Replay(Box<Playing>),
    /// The end.
    Close,
}

/// See [`Waiting::Lookup`].
pub(super) struct Asked {
    pub label: Option<Box<str>>,
    pub shape: Shape,
    pub lookup: Lookup,
}

impl Member {
    pub(super) fn new(nick: Nick, outbox: Arc<Outbox>, shape: Shape) -> Self {
        Self { nick, outbox, shape, pinged: false, reading: Reading::default(), held: None }
    }

    /// Says something, now or after what waits. Gives back the waker of a session that sleeps.
    /// `kept`: where a kept message among it stands; `now_s`: the hub's last tick.
    pub(super) fn push(&mut self, octets: Bytes, kept: Option<Position>, now_s: u32) -> Option<Waker> {
        if self.held.is_some() { self.hold(Waiting::Octets(octets, kept)) } else { self.out(octets, kept, now_s) }
    }

    /// Puts something into the outbox.
    pub(super) fn out(&mut self, octets: Bytes, kept: Option<Position>, now_s: u32) -> Option<Waker> {
        if let Some(at) = kept.filter(|_| !octets.is_empty()) {
            self.reading.note(at, octets.len(), now_s);
        }
        self.outbox.push(octets)
    }

    /// Says something of the server's own.
    pub(super) fn tell(&mut self, server: &ServerInfo, replies: &[Reply]) -> Option<Waker> {
        let octets = render::replies(server, &self.nick, self.shape, None, replies);
        self.push(octets, None, 0)
    }

    /// Ends the session after all that was said to it.
    pub(super) fn close(&mut self) -> Option<Waker> {
        if self.held.is_some() { self.hold(Waiting::Close) } else { self.outbox.close() }
    }

    /// Puts something at the end of the line. What waits there counts as what waits in the outbox.
    pub(super) fn hold(&mut self, waiting: Waiting) -> Option<Waker> {
        let held = self.held.get_or_insert_default();
        if let Waiting::Octets(octets, _) = &waiting {
            held.bytes += octets.len();
        }
        if held.bytes > self.outbox.bound() {
            self.held = None;
            return self.outbox.cut(Cut::Overflow);
        }
        held.queue.push_back(waiting);
        None
    }

    /// What all else waits for.
    pub(super) fn first(&self) -> Option<&Waiting> {
        self.held.as_ref()?.queue.front()
    }

    /// The same, to be changed.
    pub(super) fn first_mut(&mut self) -> Option<&mut Waiting> {
        self.held.as_mut()?.queue.front_mut()
    }

    /// Takes the first out of the line; `None` when nothing waits any more.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let Some(next) = self.held.as_mut().and_then(|held| held.queue.pop_front()) else {
            self.held = None;
            return None;
        };
        if let (Waiting::Octets(octets, _), Some(held)) = (&next, &mut self.held) {
            held.bytes -= octets.len();
        }
        Some(next)
    }
}

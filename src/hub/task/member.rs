//! A registered session as the shell sees it: its outbox, and what must wait for an answer of the
//! journal's before it goes in there.
//!
//! Everything that is said to a session goes in one line: behind a question that the journal has not
//! answered yet, all waits that was said after it.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;

use crate::{
    hub::{
        delivery::Lookup,
        outbox::{Cut, Outbox},
    },
    ident::Nick,
    protocol::caps::Shape,
};

/// A registered session.
pub(super) struct Member {
    pub nick: Nick,
    pub outbox: Arc<Outbox>,
    pub shape: Shape,
    pub pinged: bool,
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
    /// Rendered already.
    Octets(Bytes),
    /// A question, with the label of its answer and what the session looked like when it asked.
    Lookup(Box<Asked>),
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
    pub(super) const fn new(nick: Nick, outbox: Arc<Outbox>, shape: Shape) -> Self {
        Self { nick, outbox, shape, pinged: false, held: None }
    }

    /// Says something, now or after what waits. Gives back the waker of a session that sleeps.
    pub(super) fn push(&mut self, octets: Bytes) -> Option<Waker> {
        if self.held.is_some() { self.hold(Waiting::Octets(octets)) } else { self.outbox.push(octets) }
    }

    /// Ends the session after all that was said to it.
    pub(super) fn close(&mut self) -> Option<Waker> {
        if self.held.is_some() { self.hold(Waiting::Close) } else { self.outbox.close() }
    }

    /// Puts something at the end of the line. What waits there counts as what waits in the outbox.
    pub(super) fn hold(&mut self, waiting: Waiting) -> Option<Waker> {
        let held = self.held.get_or_insert_default();
        if let Waiting::Octets(octets) = &waiting {
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

    /// Takes the first out of the line; `None` when nothing waits any more.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let Some(next) = self.held.as_mut().and_then(|held| held.queue.pop_front()) else {
            self.held = None;
            return None;
        };
        if let (Waiting::Octets(octets), Some(held)) = (&next, &mut self.held) {
            held.bytes -= octets.len();
        }
        Some(next)
    }
}

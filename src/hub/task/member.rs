//! A registered session as the shell sees it: its outbox, and what must wait for an answer of the
//! journal's before it goes in there.
//!
//! Everything that is said to a session goes in one line: behind a question that the journal has not
//! answered yet, all waits that was said after it.

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;

use super::{
    fence::{Kept, Reading},
    lookup,
    pace::Place,
    replay::Playing,
};
use crate::{
    hub::{
        delivery::Lookup,
        outbox::{Cut, Outbox},
    },
    ident::Nick,
    journal::Ticket,
    protocol::{
        caps::Shape,
        past::Question,
        render::{self, Pages},
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
    /// The question that the journal has of this session.
    pub asked: Option<Ticket>,
    /// Where it stands among those that hear the same of large rooms.
    pub place: Option<Place>,
    held: Option<Box<Held>>,
}

/// What waits behind a question.
#[derive(Default)]
struct Held {
    queue: VecDeque<Waiting>,
    /// What it takes of memory, about.
    weight: usize,
}

/// Something in the line to the outbox.
pub(super) enum Waiting {
    /// Rendered already; where a kept message among it stands.
    Octets(Bytes, Option<Kept>),
    /// A question, with the label of its answer and what the session looked like when it asked.
    Lookup(Box<Asked>),
    /// What the session missed.
    Replay(Box<Playing>),
    /// A long answer.
    Pages(Box<Pages>),
    /// The end.
    Close,
}

impl Waiting {
    /// What it takes of memory, about: never less than the octets that become of it.
    fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Octets(octets, _) => octets.len(),
                Self::Lookup(asked) => size_of::<Asked>() + asked.lookup.weight(),
                Self::Replay(_) => size_of::<Playing>(),
                Self::Pages(pages) => pages.weight(),
                Self::Close => 0,
            }
    }
}

/// See [`Waiting::Lookup`].
pub(super) struct Asked {
    pub label: Option<Box<str>>,
    pub shape: Shape,
    pub lookup: Lookup,
}

impl Member {
    pub(super) fn new(nick: Nick, outbox: Arc<Outbox>, shape: Shape) -> Self {
        Self { nick, outbox, shape, pinged: false, reading: Reading::default(), asked: None, place: None, held: None }
    }

    /// Says something, now or after what waits. Gives back the waker of a session that sleeps.
    /// `kept`: where a kept message among it stands; `now_s`: the hub's last tick.
    pub(super) fn push(&mut self, octets: Bytes, kept: Option<Kept>, now_s: u32) -> Option<Waker> {
        match &self.held {
            // What others are told and he is not.
            _ if octets.is_empty() => None,
            Some(_) => self.hold(Waiting::Octets(octets, kept)),
            None => self.out(octets, kept, now_s),
        }
    }

    /// Puts something into the outbox.
    pub(super) fn out(&mut self, octets: Bytes, kept: Option<Kept>, now_s: u32) -> Option<Waker> {
        if let Some(kept) = kept {
            self.reading.note(kept, octets.len(), now_s);
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
        held.weight += waiting.weight();
        if held.weight > self.outbox.bound() {
            return self.cut(Cut::Overflow);
        }
        held.queue.push_back(waiting);
        None
    }

    /// Ends the session at once; nothing that waits for it is said.
    pub(super) fn cut(&mut self, why: Cut) -> Option<Waker> {
        (self.held, self.asked) = (None, None);
        self.outbox.cut(why)
    }

    /// What waits for it, in the outbox and before it.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.waiting() + self.held.as_ref().map_or(0, |held| held.weight)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.queue.len())
    }

    /// What all else waits for.
    pub(super) fn first(&self) -> Option<&Waiting> {
        self.held.as_ref()?.queue.front()
    }

    /// What must be asked of the journal before anything else is said.
    pub(super) fn question(&self) -> Option<Question> {
        match self.first()? {
            Waiting::Lookup(asked) => Some(lookup::question(&asked.lookup)),
            Waiting::Replay(playing) => playing.question(),
            Waiting::Octets(..) | Waiting::Pages(_) | Waiting::Close => None,
        }
    }

    /// What all else waits for, to be changed.
    pub(super) fn first_mut(&mut self) -> Option<&mut Waiting> {
        self.held.as_mut()?.queue.front_mut()
    }

    /// Takes the first out of the line; `None` when nothing waits any more.
    pub(super) fn next(&mut self) -> Option<Waiting> {
        let Some(next) = self.held.as_mut().and_then(|held| held.queue.pop_front()) else {
            self.held = None;
            return None;
        };
        if let Some(held) = &mut self.held {
            held.weight -= next.weight();
        }
        Some(next)
    }
}

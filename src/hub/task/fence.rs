//! Fences: how the shell learns how far a session has read (`PING conclave-EPOCH-SEQUENCE`), and how
//! far a person can have.
//!
//! A fence goes out after each page of a replay, and while a session is live once a second at most:
//! one at a time, when something was said since the last and either it is quiet now or much was said.

use std::sync::Arc;

use super::Hub;
use crate::{
    hub::request::{Body, Gone, Request},
    protocol::{
        caps::{Dialect, Shape},
        command::Command,
        durable::Position,
        fence::{self, Fence},
        reply::Reply,
    },
};

/// After so many seconds without a message a session is asked.
const QUIET_S: u32 = 15;
/// After so many messages it is asked also while there are more.
const MESSAGES: u32 = 256;
/// Or after so many octets of them.
const OCTETS: usize = 64 << 10;

/// What is kept of something that is said: where the last of it stands, and how many messages it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub at: Position,
    pub messages: u32,
}

/// How far a session has got, and how far it was asked.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The newest kept message that went into its outbox.
    said: Position,
    /// The last fence.
    fence: Position,
    /// What was said since.
    messages: u32,
    octets: usize,
    /// When the last of it was, in seconds of the hub's ticks.
    last_s: u32,
    /// Something that it should have got could not be read. Nothing after that counts as read, so
    /// that all of it comes again when it comes again.
    lost: bool,
}

impl Reading {
    /// Kept messages went into the outbox.
    pub(super) fn note(&mut self, kept: Kept, octets: usize, now_s: u32) {
        self.said = kept.at.max(self.said);
        self.messages += kept.messages;
        self.octets += octets;
        self.last_s = now_s;
    }

    /// A part of a replay went into the outbox, up to this place.
    pub(super) fn note_page(&mut self, end: Position) {
        self.said = end.max(self.said);
    }

    pub(super) const fn lose(&mut self) {
        self.lost = true;
    }

    /// The fence that is to be given out now, if any. `fenced`: what was answered.
    fn due(&self, fenced: Position, now_s: u32) -> Option<Position> {
        let quiet = now_s.saturating_sub(self.last_s) >= QUIET_S;
        let due = quiet || self.messages >= MESSAGES || self.octets >= OCTETS;
        Some(self.said).filter(|&said| due && !self.lost && said > self.fence && fenced >= self.fence)
    }

    /// The token of a fence behind all that was said.
    pub(super) fn fence(&mut self) -> Arc<str> {
        self.fence = self.said;
        self.messages = 0;
        self.octets = 0;
        Fence(self.fence).to_string().into()
    }
}

impl Hub {
    /// Once a second: who has something to confirm is asked.
    pub(super) fn watch_reading(&mut self) {
        for (at, member) in self.members.iter_mut().enumerate() {
            let Some(member) = member else { continue };
            // What waits for a replay comes behind the replay's own fences.
            if member.shape.dialect == Dialect::Plain || member.first().is_some() {
                continue;
            }
            if member.reading.said <= member.reading.fence {
                continue;
            }
            // Fewer sessions than a u32 holds.
            let fenced = self.state.fenced(crate::hub::SessionId(at as u32));
            if fenced.is_some_and(|fenced| member.reading.due(fenced, self.now_s).is_some()) {
                let token = member.reading.fence();
                let waker = member.tell(&self.server, &[Reply::Ping(token)]);
                self.wakers.extend(waker);
            }
        }
    }

    /// A program asks for its fence before it leaves, so that nothing which it has read comes again.
    pub(super) fn fence_on_request(&mut self, request: &Request) {
        let Body::Command(Command::Ping(token)) = &request.body else { return };
        let Some(Some(member)) = self.members.get_mut(request.session.0 as usize) else { return };
        if **token != *fence::ASK || member.shape.dialect == Dialect::Plain || member.first().is_some() {
            return;
        }
        let looked_after = self.state.fenced(request.session).is_some();
        if looked_after && !member.reading.lost && member.reading.said > member.reading.fence {
            self.catch_up(request.session);
            let Some(Some(member)) = self.members.get_mut(request.session.0 as usize) else { return };
            let token = member.reading.fence();
            let waker = member.tell(&self.server, &[Reply::Ping(token)]);
            self.wakers.extend(waker);
        }
    }

    /// Up to where whoever asks has been given what was said to him.
    pub(super) fn seen(&self, request: &Request) -> Option<Position> {
        let member = self.members.get(request.session.0 as usize)?.as_ref()?;
        let reading = &member.reading;
        let said = match (member.shape, &request.body) {
            (Shape { dialect: Dialect::Irc, .. }, Body::Command(Command::Pong(_))) => reading.fence,
            (Shape { dialect: Dialect::Irc, .. }, _) => return None,
            (_, Body::Command(_) | Body::Refused(_) | Body::Gone(Gone::Cut(_))) => {
                Some(reading.said).filter(|_| !reading.lost && member.outbox.is_taken())?
            }
            _ => return None,
        };
        Some(said).filter(|&said| said > Position::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(sequence: u64) -> Position {
        Position { epoch: 0, sequence }
    }

    const fn one(sequence: u64) -> Kept {
        Kept { at: at(sequence), messages: 1 }
    }

    #[test]
    fn a_fence_is_due_when_it_is_quiet_or_much_was_said_and_one_at_a_time() {
        let mut reading = Reading::default();
        assert_eq!(reading.due(at(0), 1000), None, "nothing was said");
        reading.note(one(5), 100, 100);
        assert_eq!(reading.due(at(0), 100), None, "right after a line");
        assert_eq!(reading.due(at(0), 114), None);
        assert_eq!(reading.due(at(0), 115), Some(at(5)));
        assert_eq!(&*reading.fence(), "conclave-0-5");
        assert_eq!(reading.due(at(0), 999), None, "it is given out already");
        reading.note(one(9), 1, 200);
        assert_eq!(reading.due(at(0), 999), None, "one at a time");
        assert_eq!(reading.due(at(5), 214), None);
        assert_eq!(reading.due(at(5), 215), Some(at(9)));
        for _ in 1..256 {
            assert_eq!(reading.due(at(5), 200), None);
            reading.note(one(10), 1, 200);
        }
        assert_eq!(reading.due(at(5), 200), Some(at(10)), "many messages");
        reading.fence();
        reading.note(one(11), (64 << 10) - 1, 200);
        assert_eq!(reading.due(at(10), 200), None);
        reading.note(one(12), 1, 200);
        assert_eq!(reading.due(at(10), 200), Some(at(12)), "many octets");
        reading.lose();
        assert_eq!(reading.due(at(10), 999), None, "what could not be read is not behind a fence");
    }
}

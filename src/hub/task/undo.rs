//! What becomes of requests whose commit failed.

use std::collections::BTreeSet;

use super::{Fate, Hub, Staged, trouble};
use crate::{
    hub::{
        delivery::Delivery,
        request::{Body, Gone, Request, Sequenced, SessionId, Stamp},
        sought::Found,
    },
    protocol::command::{Command, Send},
};

impl Hub {
    /// After a failed commit, when the state is what is on disk again or cannot be: requests that
    /// changed something are refused, those that only asked or only concern their session are done again.
    pub(super) fn undo(&mut self) {
        let mut again = BTreeSet::new();
        for staged in std::mem::take(&mut self.staged) {
            self.undo_one(staged, &mut again);
        }
    }

    /// `again`: the sessions that came once more, for which nothing stands of what they did.
    fn undo_one(&mut self, staged: Staged, again: &mut BTreeSet<SessionId>) {
        let Staged { request, deliveries, fate, .. } = staged;
        let session = request.session;
        if fate == Fate::Settled {
            return self.stage_settled(request, deliveries);
        }
        match &request.body {
            // What has left cannot come back; these change nothing durable.
            Body::Gone(_) | Body::Tick | Body::Drained | Body::Issued(_) => self.stage_settled(request, deliveries),
            // Whom it ended, it cannot end again.
            Body::Command(Command::Kill(..)) => self.stage_settled(request, deliveries),
            Body::Command(command) if command.is_fleeting() && !again.contains(&session) => {
                self.stage_settled(request, deliveries);
            }
            Body::Register(_) if fate == Fate::Durable => self.turn_away(request),
            // Whether it was said already may be another now, and what was said stands.
            Body::Command(Command::Send(Send { id: Some(_), .. })) if fate != Fate::Durable => self.take(request),
            Body::Command(command) if fate == Fate::Durable || command.changes_others() => {
                let refused = trouble::refused(&request, command.verb());
                self.stage_settled(request, refused);
            }
            // It has left already, and nobody heard of it.
            Body::Register(_) if !self.state.sessions.contains_key(&session) => {
                self.stage_settled(request, Vec::new());
            }
            Body::Register(_) => {
                // As if it had not come: it is counted once, and the others are told if they were to be.
                let to_others =
                    |delivery: &Delivery| !matches!(delivery, Delivery::Replies { session: to, .. } if *to == session);
                let how = match deliveries.iter().any(to_others) {
                    true => Gone::Cut(trouble::FAILED.into()),
                    false => Gone::Lost,
                };
                self.forget(session, how);
                again.insert(session);
                self.take(request);
            }
            Body::Command(_) | Body::Refused(_) => self.take(request),
        }
    }

    /// Takes a session out of the state without a word: others never saw it come.
    pub(super) fn forget(&mut self, session: SessionId, how: Gone) {
        let at = Stamp { time_ms: self.last_ms, random: (self.random)(), ..Stamp::default() };
        let body = Body::Gone(how);
        let request = Request { session, label: None, body };
        let outputs = self.state.step(&Sequenced { at, request, found: Found::Nothing });
        self.unkept(&outputs.events);
    }
}

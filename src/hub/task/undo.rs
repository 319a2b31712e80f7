//! What becomes of requests whose commit failed.

use std::collections::BTreeSet;

use tracing::warn;

use super::{Hub, Staged};
use crate::{
    hub::{
        delivery::Delivery,
        request::{Body, Gone, Request, Sequenced, SessionId, Stamp},
    },
    protocol::{command::Command, durable::Position, refusal::Refusal, reply::Reply},
};

/// Why a session is gone that was there in a failed commit only.
const FAILED: &str = "the journal failed";

impl Hub {
    /// After a failed commit: the state goes back to what is on disk; requests that changed
    /// something are refused, those that only asked or only concern their session are done again.
    pub(super) fn undo(&mut self) {
        let lost = std::mem::take(&mut self.staged);
        let journal = &mut self.journal;
        if let Err(error) = self.state.reload(|apply| journal.load(apply).map(|_| ())) {
            // The state in memory is ahead of the disk; refusing below keeps that from being said.
            warn!(%error, "the journal could not be read after a failed commit");
        }
        self.appended = self.committed;
        let mut again = BTreeSet::new();
        for staged in lost {
            self.undo_one(staged, &mut again);
        }
        // What was done again may have appended in its turn.
        self.journal.commit();
    }

    /// `again`: the sessions that came once more, for which nothing stands of what they did.
    fn undo_one(&mut self, staged: Staged, again: &mut BTreeSet<SessionId>) {
        let session = staged.request.session;
        match &staged.request.body {
            // What has left cannot come back; these change nothing durable.
            Body::Gone(_) | Body::Tick => self.stage_again(staged),
            // Whom it ended, it cannot end again.
            Body::Command(Command::Kill(..)) => self.stage_again(staged),
            Body::Command(command) if command.is_fleeting() && !again.contains(&session) => self.stage_again(staged),
            Body::Register(_) if staged.durable => {
                let bye = Reply::Bye("The server cannot write its journal; try again later".into());
                let replies = Delivery::Replies { session, label: None, replies: vec![bye] };
                self.stage_again(Staged { deliveries: vec![replies, Delivery::Close(session)], ..staged });
                self.forget(session, Gone::Cut(FAILED.into()));
            }
            Body::Command(command) if staged.durable || command.changes_others() => {
                let replies = vec![Reply::Refused(Refusal::NotKept(command.verb()))];
                let label = staged.request.label.clone();
                self.stage_again(Staged { deliveries: vec![Delivery::Replies { session, label, replies }], ..staged });
            }
            // It has left already, and nobody heard of it.
            Body::Register(_) if !self.state.sessions.contains_key(&session) => {
                self.stage_again(Staged { deliveries: Vec::new(), ..staged });
            }
            Body::Register(_) => {
                // As if it had not come: it is counted once, and the others are told if they were to be.
                let to_others =
                    |delivery: &Delivery| !matches!(delivery, Delivery::Replies { session: to, .. } if *to == session);
                let how = match staged.deliveries.iter().any(to_others) {
                    true => Gone::Cut(FAILED.into()),
                    false => Gone::Lost,
                };
                self.forget(session, how);
                again.insert(session);
                self.take(staged.request);
            }
            Body::Command(_) | Body::Refused(_) => self.take(staged.request),
        }
    }

    /// Stages what needs no commit of its own any more.
    fn stage_again(&mut self, staged: Staged) {
        self.staged.push_back(Staged { needs: self.appended, durable: false, ..staged });
    }

    /// Takes a session out of the state without a word: others never saw it come.
    fn forget(&mut self, session: SessionId, how: Gone) {
        let at = Stamp { position: Position::default(), time_ms: self.last_ms, random: (self.random)(), waiting: 0 };
        let body = Body::Gone(how);
        let _ = self.state.step(&Sequenced { at, request: Request { session, label: None, body }, found: None });
    }
}

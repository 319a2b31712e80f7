//! What becomes of requests whose commit failed.

use tracing::warn;

use super::{Hub, Staged};
use crate::{
    hub::{
        delivery::Delivery,
        request::{Body, Gone, Request, Sequenced, SessionId, Stamp},
    },
    protocol::{durable::Position, refusal::Refusal, reply::Reply},
};

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
        for staged in lost {
            self.undo_one(staged);
        }
        // What was done again may have appended in its turn.
        self.journal.commit();
    }

    fn undo_one(&mut self, staged: Staged) {
        let session = staged.request.session;
        match &staged.request.body {
            // What has left cannot come back; these change nothing durable.
            Body::Gone(_) | Body::Tick => self.stage_again(staged),
            Body::Command(command) if command.is_fleeting() => self.stage_again(staged),
            Body::Register(_) if staged.durable => {
                let bye = Reply::Bye("The server cannot write its journal; try again later".into());
                let replies = Delivery::Replies { session, label: None, replies: vec![bye] };
                self.stage_again(Staged { deliveries: vec![replies, Delivery::Close(session)], ..staged });
                self.forget(session);
            }
            Body::Command(command) if staged.durable || command.changes_others() => {
                let replies = vec![Reply::Refused(Refusal::NotKept(command.verb()))];
                let label = staged.request.label.clone();
                self.stage_again(Staged { deliveries: vec![Delivery::Replies { session, label, replies }], ..staged });
            }
            Body::Command(_) | Body::Refused(_) | Body::Register(_) => self.take(staged.request),
        }
    }

    /// Stages what needs no commit of its own any more.
    fn stage_again(&mut self, staged: Staged) {
        self.staged.push_back(Staged { needs: self.appended, durable: false, ..staged });
    }

    /// Takes a session out of the state without a word: others never saw it come.
    fn forget(&mut self, session: SessionId) {
        let at = Stamp { position: Position::default(), time_ms: self.last_ms, random: (self.random)(), waiting: 0 };
        let body = Body::Gone(Gone::Cut("the journal failed".into()));
        let _ = self.state.step(&Sequenced { at, request: Request { session, label: None, body }, found: None });
    }
}

//! While the journal cannot be written: what would be kept is refused at once, what only asks is
//! answered, and each tick the hub tries again.
//!
//! After a failed commit the state goes back to what is on disk ([`super::undo`]). Where that cannot
//! be read either, the state is ahead of the disk, and nothing is built on it before it could be.

use tracing::{error, info, warn};

use super::{Fate, Hub, Staged};
use crate::{
    hub::{
        delivery::Delivery,
        request::{Body, Gone, Request, SessionId},
        sought::Found,
    },
    journal::{CommitError, Entry},
    protocol::{
        command::{Command, Send},
        durable::{Durable, Position},
        refusal::Refusal,
        reply::Reply,
    },
};

/// What everybody is told, once.
const BROKEN: &str = "The server cannot write to its disk now: what you say is refused until it can";
/// And when it is over.
const MENDED: &str = "The server can write to its disk again: what you say is taken";
/// What is said to who comes meanwhile and would have to be kept.
const GOODBYE: &str = "The server cannot write to its disk now; try again later";
/// Why a session is gone that nobody saw come.
pub(super) const FAILED: &str = "the journal failed";
/// After how many tries in vain the log says so again.
const REMIND: u32 = 60;

/// The journal cannot be written.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// The state holds what is not on disk.
    ahead: bool,
    /// How many requests were refused for it.
    refused: u64,
    /// How often it was tried again.
    tries: u32,
    /// What was written to see whether it can be.
    probe: Option<Position>,
}

impl Hub {
    /// A commit failed; the state goes back to what is on disk, if that can be read.
    pub(super) fn broke(&mut self, error: &CommitError) {
        self.counters.commits_failed.up();
        self.counters.journal_trouble.set(1);
        if self.trouble.is_none() {
            error!(%error, "nothing can be kept: messages are refused until it can; {}", advice(&error.0));
            self.tell_everybody(BROKEN);
        }
        let trouble = self.trouble.get_or_insert_default();
        // The last try concerned nothing that the state does not hold already.
        trouble.ahead |= trouble.probe.take().is_none();
        self.appended = self.committed;
        self.go_back();
    }

    /// A commit succeeded.
    pub(super) fn mended(&mut self, committed: Position) {
        let probed = |trouble: &Trouble| trouble.probe.is_some_and(|probe| probe <= committed);
        if self.trouble.as_ref().is_some_and(probed)
            && let Some(trouble) = self.trouble.take()
        {
            self.counters.journal_trouble.set(0);
            info!(refused = trouble.refused, "the journal can be written again");
            self.tell_everybody(MENDED);
        }
    }

    /// Once a tick: reads what is on disk, if that is due, and writes something to see whether it stays.
    pub(super) fn try_again(&mut self) {
        let Some(trouble) = &mut self.trouble else { return };
        // A try may be under way still.
        if self.appended != self.committed {
            return;
        }
        trouble.tries += 1;
        if trouble.tries % REMIND == 0 {
            warn!(refused = trouble.refused, "the journal still cannot be written");
        }
        self.go_back();
        if self.trouble.as_ref().is_none_or(|trouble| trouble.ahead) {
            return;
        }
        // Something that changes nothing.
        let Some(known) = self.state.known().cloned() else {
            self.trouble = None;
            self.counters.journal_trouble.set(0);
            return;
        };
        self.sequence += 1;
        let position = Position { epoch: self.epoch, sequence: self.sequence };
        self.journal.append(Entry { position, time_ms: self.last_ms, events: vec![Durable::AccountSeen(known)] });
        self.appended = Some(position);
        if let Some(trouble) = &mut self.trouble {
            trouble.probe = Some(position);
        }
    }

    /// The state becomes what is on disk, if it is not and that can be read.
    fn go_back(&mut self) {
        let Some(trouble) = self.trouble.as_mut().filter(|trouble| trouble.ahead) else { return };
        let journal = &mut self.journal;
        match self.state.reload(|apply| journal.load(apply).map(|_| ())) {
            Ok(()) => trouble.ahead = false,
            Err(error) if trouble.tries % REMIND == 0 => {
                error!(%error, "what is kept cannot be read either; {}", advice(&error.0));
            }
            Err(_) => {}
        }
    }

    /// What is said at once to a request that would have to be kept; `None` where it can be done.
    pub(super) fn cannot_keep(&mut self, request: &Request) -> Option<Vec<Delivery>> {
        self.trouble.as_ref()?;
        // What was said before stands, and is acknowledged again.
        if matches!(self.find_for(request), Found::Sent(_)) {
            return None;
        }
        let trouble = self.trouble.as_mut()?;
        let session = request.session;
        let refused = match &request.body {
            Body::Register(_) if trouble.ahead => turned_away(session),
            // It may be kept already, under its name: then the answer is that.
            Body::Command(Command::Send(Send { id: Some(_), .. })) => return None,
            // Who is not here is not answered.
            Body::Command(command) if command.changes_others() => match self.state.sessions.contains_key(&session) {
                true => refused(request, command.verb()),
                false => Vec::new(),
            },
            _ => return None,
        };
        trouble.refused += 1;
        Some(refused)
    }

    /// A request was done and has changed what cannot be kept: what is said of it after all.
    pub(super) fn not_kept(
        &mut self,
        request: &Request,
        events: &[Durable],
        deliveries: Vec<Delivery>,
    ) -> Vec<Delivery> {
        self.unkept(events);
        let Some(trouble) = &mut self.trouble else { return deliveries };
        let session = request.session;
        match &request.body {
            Body::Register(_) => {
                trouble.refused += 1;
                self.forget(session, Gone::Cut(FAILED.into()));
                turned_away(session)
            }
            Body::Command(command) if must_be_kept(events) => {
                trouble.refused += 1;
                refused(request, command.verb())
            }
            _ => deliveries,
        }
    }

    /// The state has changed by this, which is not kept.
    pub(super) fn unkept(&mut self, events: &[Durable]) {
        if let Some(trouble) = &mut self.trouble {
            trouble.ahead |= events.iter().any(Durable::changes_state);
        }
    }

    /// Stages the answer to a request of which nothing more comes.
    pub(super) fn stage_settled(&mut self, request: Request, deliveries: Vec<Delivery>) {
        let (needs, arrived) = (self.appended, self.arrived);
        self.staged.push_back(Staged { needs, fate: Fate::Settled, kept: None, arrived, request, deliveries });
    }

    /// What is said to who came while nothing could be kept.
    pub(super) fn turn_away(&mut self, request: Request) {
        let session = request.session;
        self.stage_settled(request, turned_away(session));
        self.forget(session, Gone::Cut(FAILED.into()));
    }

    fn tell_everybody(&mut self, words: &'static str) {
        self.say_all();
        for member in self.members.iter_mut().flatten() {
            self.wakers.extend(member.tell(&self.server, &[Reply::Words(words)]));
        }
    }
}

/// Whether more has changed than how far somebody has read: that is written when it changes again.
pub(super) fn must_be_kept(events: &[Durable]) -> bool {
    events.iter().any(|event| !matches!(event, Durable::CursorMoved { .. }))
}

/// What is said to a request that could not be kept.
pub(super) fn refused(request: &Request, verb: &'static str) -> Vec<Delivery> {
    let (session, label) = (request.session, request.label.clone());
    vec![Delivery::Replies { session, label, replies: vec![Reply::Refused(Refusal::NotKept(verb))] }]
}

fn turned_away(session: SessionId) -> Vec<Delivery> {
    let replies = vec![Reply::Bye(GOODBYE.into())];
    vec![Delivery::Replies { session, label: None, replies }, Delivery::Close(session)]
}

/// What the operator does about it.
fn advice(error: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["full"]) {
        "make room on the disk that holds the data directory"
    } else if says(&["read-only", "cannot be opened"]) {
        "see that the data directory is on a disk that can be written, and that the server may"
    } else if says(&["damaged"]) {
        "the database is damaged: stop the server, keep the file aside, and restore a backup"
    } else {
        "see to the disk that holds the data directory"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_what_to_do() {
        for (error, words) in [
            ("the disk is full (SQLite error 13)", "make room"),
            ("the file cannot be written: it is read-only, or was moved (SQLite error 1032)", "can be written"),
            ("the file is damaged (SQLite error 11)", "restore a backup"),
            ("the disk reports an error (SQLite error 778)", "see to the disk"),
        ] {
            assert!(advice(error).contains(words), "{error}");
        }
    }
}

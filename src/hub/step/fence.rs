//! How far a session has read: a program says so by its answer to a fence, a person by what he types
//! next. What all sessions of one origin have read moves the origin's cursor.

use super::Turn;
use crate::{
    hub::{
        account::Session,
        delivery::Outputs,
        request::{SessionId, Stamp},
        state::State,
    },
    ident::Nick,
    protocol::{
        caps::Dialect,
        durable::{Durable, Origin, Position},
        fence::Fence,
    },
};

impl State {
    /// Up to where a session has read for certain, if the server looks after that.
    pub(in crate::hub) fn fenced(&self, session: SessionId) -> Option<Position> {
        self.sessions.get(&session)?.fenced
    }

    /// Up to where all sessions of an origin have read.
    fn least_fenced(&self, account: &Nick, origin: &Origin) -> Option<Position> {
        let sessions = self.accounts.get(account)?.sessions.iter().filter_map(|session| self.sessions.get(session));
        let theirs = sessions.filter(|session| session.device == origin.device && session.client == origin.client);
        theirs.filter_map(|session| session.fenced).min()
    }
}

impl Turn<'_> {
    /// PONG: a fence is answered, if it is one and was given out.
    pub(super) fn answered(&mut self, token: &str) {
        let (Ok(Fence(at)), Some(given)) = (token.parse(), self.at.seen) else { return };
        if at <= given {
            self.has_read(at);
        }
    }

    /// A person who types has read what went out to him before.
    pub(super) fn read_by_hand(&mut self) {
        let Some(seen) = self.at.seen else { return };
        if self.my_session().is_some_and(|session| session.dialect == Dialect::Plain) {
            self.has_read(seen);
        }
    }

    fn has_read(&mut self, at: Position) {
        let Some(session) = self.my_session() else { return };
        let origin = session.origin();
        let Some(fenced) = session.fenced.as_mut() else { return };
        *fenced = at.max(*fenced);
        let me = self.me.clone();
        self.move_cursor(&me, &origin);
    }

    /// The cursor of an origin stands where the last of its sessions has come.
    pub(super) fn move_cursor(&mut self, account: &Nick, origin: &Origin) {
        if let Some(at) = self.state.least_fenced(account, origin) {
            self.set_cursor(account, origin, at);
        }
    }

    fn set_cursor(&mut self, account: &Nick, origin: &Origin, at: Position) {
        let cursor = self.state.accounts.get(account).and_then(|account| account.cursors.get(origin));
        if cursor.is_none_or(|cursor| cursor < at) {
            self.record(Durable::CursorMoved { account: account.clone(), origin: origin.clone(), at });
        }
    }
}

/// The connection of a person who has said goodbye has ended: he has read what went out to him.
pub(super) fn parted(state: &mut State, at: Stamp, from: SessionId) -> Outputs {
    let Some(session) = state.parted.remove(&from) else { return Outputs::default() };
    let Session { account, fenced, .. } = &*session;
    let Some(seen) = at.seen.filter(|&seen| fenced.is_some_and(|fenced| fenced < seen)) else {
        return Outputs::default();
    };
    let (me, origin) = (account.clone(), session.origin());
    let others = state.least_fenced(&me, &origin);
    let mut turn = Turn::by(state, at, from, me.clone());
    turn.set_cursor(&me, &origin, others.map_or(seen, |others| others.min(seen)));
    turn.finish()
}

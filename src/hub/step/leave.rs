//! QUIT, lost connections, and accounts that linger after one.

use std::sync::Arc;

use super::{Turn, fence};
use crate::{
    hub::{
        account::remove,
        delivery::{Delivery, Outputs},
        request::{Gone, SessionId, Stamp},
        state::State,
    },
    ident::Nick,
    protocol::{
        caps::Dialect,
        limits::{self, cut},
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn quit(&mut self, reason: Option<&str>) {
        // Modern IRC has the prefix stand there for others also where nothing follows it.
        let reason: Arc<str> = format!("Quit: {}", cut(reason.unwrap_or_default(), limits::REASON)).into();
        self.reply(Reply::Bye(reason.strip_suffix(": ").unwrap_or(&reason).into()));
        self.after.push(Delivery::Close(self.from));
        if let Some(session) = self.state.sessions.get(&self.from).filter(|session| session.dialect == Dialect::Plain) {
            self.state.parted.insert(self.from, session.clone());
        }
        self.detach(self.from, &reason, Linger::No);
    }

    /// Takes a session out of everything; when it was its account's last, the others see it go.
    pub(super) fn detach(&mut self, session: SessionId, reason: &Arc<str>, linger: Linger) {
        let state = &mut *self.state;
        let Some(gone) = state.sessions.remove(&session) else { return };
        for nick in gone.watches.keys() {
            unwatch(state, nick, session);
        }
        let unseen = gone.unseen();
        let held = gone.fenced.map(|_| gone.origin());
        let nick = gone.account;
        let Some(account) = state.accounts.get_mut(&nick) else { return };
        remove(&mut account.sessions, session);
        for id in &account.rooms {
            if let Some(room) = state.rooms.get_mut(id) {
                room.audience.remove(session);
            }
        }
        if let Some(origin) = held {
            self.move_cursor(&nick, &origin);
        }
        let state = &mut *self.state;
        let Some(account) = state.accounts.get_mut(&nick) else { return };
        if unseen {
            account.unseen -= 1;
            if account.sessions.is_empty() && !account.present() {
                state.forget_modes(&nick);
            }
        } else if account.seen() {
            self.settle_away(&nick);
        } else if linger == Linger::Yes && state.settings.linger_ms > 0 {
            account.lingers_until_ms = Some(self.at.time_ms + state.settings.linger_ms);
            account.parting = Some(Arc::clone(reason));
            state.lingering.insert(nick);
        } else {
            self.disappear(&nick, reason);
        }
    }

    /// An account that lingers is present no longer.
    pub(super) fn linger_no_more(&mut self, nick: &Nick, reason: &Arc<str>) {
        self.state.lingering.remove(nick);
        let Some(account) = self.state.accounts.get_mut(nick) else { return };
        if account.lingers_until_ms.take().is_some() {
            self.disappear(nick, reason);
        }
    }
}

/// Whether an account whose last session ended still counts as present for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Linger {
    Yes,
    No,
}

pub(super) fn gone(state: &mut State, at: Stamp, from: SessionId, gone: &Gone) -> Outputs {
    let Some(mut turn) = Turn::of(state, at, from) else { return fence::parted(state, at, from) };
    turn.read_by_hand();
    match gone {
        Gone::Lost => turn.detach(from, &"Connection lost".into(), Linger::Yes),
        Gone::Cut(reason) => turn.detach(from, reason, Linger::No),
    }
    turn.finish()
}

pub(super) fn tick(state: &mut State, at: Stamp) -> Outputs {
    let lingering = state.lingering.iter().filter_map(|nick| state.accounts.get(nick));
    let over = lingering.filter(|account| account.lingers_until_ms.is_none_or(|until| until <= at.time_ms));
    let over: Vec<(Nick, Arc<str>)> =
        over.map(|account| (account.source.nick.clone(), account.parting.clone().unwrap_or_default())).collect();
    let (mut deliveries, mut ids) = (Vec::new(), 0);
    for (nick, reason) in over {
        let mut turn = Turn::by(state, at, SessionId::NOBODY, nick.clone());
        turn.ids = ids;
        turn.linger_no_more(&nick, &reason);
        ids = turn.ids;
        deliveries.append(&mut turn.finish().deliveries);
    }
    Outputs { events: Vec::new(), deliveries }
}

/// A session watches a person no longer.
pub(super) fn unwatch(state: &mut State, nick: &Nick, session: SessionId) {
    if let Some(watchers) = state.watchers.get_mut(nick) {
        remove(watchers, session);
        if watchers.is_empty() {
            state.watchers.remove(nick);
        }
    }
}

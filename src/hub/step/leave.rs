//! QUIT, lost connections, and accounts that linger after one.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{
        account::remove,
        delivery::{Delivery, Outputs},
        request::{Gone, SessionId, Stamp},
        state::State,
    },
    ident::Nick,
    protocol::{
        chat::{Act, Event},
        limits::{self, cut},
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn quit(&mut self, reason: Option<&str>) {
        let reason: Arc<str> = match reason {
            Some(reason) => format!("Quit: {}", cut(reason, limits::REASON)).into(),
            None => "Quit".into(),
        };
        self.reply(Reply::Bye(Arc::clone(&reason)));
        self.after.push(Delivery::Close(self.from));
        if let Some(event) = detach(self.state, self.at, self.from, &reason, Linger::No) {
            self.deliveries.push(event);
        }
    }
}

/// Whether an account whose last session ended still counts as present for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linger {
    Yes,
    No,
}

pub(super) fn gone(state: &mut State, at: Stamp, from: SessionId, gone: &Gone) -> Outputs {
    let (reason, linger) = match gone {
        Gone::Lost => ("Connection lost".into(), Linger::Yes),
        Gone::Cut(reason) => (Arc::clone(reason), Linger::No),
    };
    let deliveries = detach(state, at, from, &reason, linger).into_iter().collect();
    Outputs { events: Vec::new(), deliveries }
}

pub(super) fn tick(state: &mut State, at: Stamp) -> Outputs {
    let over = |nick: &&Nick| {
        let until = state.accounts.get(*nick).and_then(|account| account.lingers_until_ms);
        until.is_none_or(|until| until <= at.time_ms)
    };
    let over: Vec<Nick> = state.lingering.iter().filter(over).cloned().collect();
    let mut deliveries = Vec::new();
    for (n, nick) in (1u32..).zip(over) {
        state.lingering.remove(&nick);
        let Some(account) = state.accounts.get_mut(&nick) else { continue };
        account.lingers_until_ms = None;
        let reason = Arc::clone(&account.parting);
        deliveries.extend(disappear(state, at, n, &nick, &reason));
    }
    Outputs { events: Vec::new(), deliveries }
}

/// Takes the session out of everything; when it was its account's last, the others see it go.
fn detach(state: &mut State, at: Stamp, from: SessionId, reason: &Arc<str>, linger: Linger) -> Option<Delivery> {
    let session = state.sessions.remove(&from)?;
    for nick in session.watches.keys() {
        unwatch(state, nick, from);
    }
    let unseen = session.unseen();
    let nick = session.account;
    let account = state.accounts.get_mut(&nick)?;
    remove(&mut account.sessions, from);
    for id in &account.rooms {
        if let Some(room) = state.rooms.get_mut(id) {
            remove(&mut room.audience, from);
        }
    }
    if unseen {
        account.unseen -= 1;
        return None;
    }
    if account.seen() {
        return None;
    }
    if linger == Linger::Yes && state.settings.linger_ms > 0 {
        account.lingers_until_ms = Some(at.time_ms + state.settings.linger_ms);
        account.parting = Arc::clone(reason);
        state.lingering.insert(nick);
        return None;
    }
    disappear(state, at, 1, &nick, reason)
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

/// The account is present no longer: QUIT to everybody who shares a room with it.
fn disappear(state: &mut State, at: Stamp, n: u32, nick: &Nick, reason: &Arc<str>) -> Option<Delivery> {
    state.present -= 1;
    let account = state.accounts.get(nick)?;
    let audience = state.neighbours(account);
    let source = Arc::clone(&account.source);
    let event = Arc::new(Event { id: at.id(n), time_ms: at.time_ms, source, act: Act::Quit(Arc::clone(reason)) });
    Some(Delivery::Event { audience, except: None, event })
}

//! A session is ready: it joins its account's others, and finds itself in the account's rooms.

use std::{collections::BTreeMap, sync::Arc};

use super::Turn;
use crate::{
    hub::{
        account::{Session, UserModes, add},
        delivery::Outputs,
        request::{Body, Registration, Request, Sequenced, SessionId, Stamp},
        state::State,
    },
    protocol::durable::Durable,
    protocol::{
        caps::{Cap, Dialect},
        chat::{Act, Event, Source},
        limits::{self, cut},
        reply::{Reply, Welcome},
        sasl::Sasl,
    },
};

pub(super) fn register(state: &mut State, at: Stamp, from: SessionId, registration: &Registration) -> Outputs {
    let me = registration.account.clone();
    let known = state.accounts.contains_key(&me);
    let mut turn = Turn::by(state, at, from, me.clone());
    if !known {
        turn.record(Durable::AccountSeen(me));
    }
    let was_present = turn.attach(registration);
    turn.greet(was_present);
    if registration.dialect == Dialect::Plain {
        let lobby = turn.state.settings.server.lobby.clone();
        turn.join_one(&lobby, None);
    }
    let mut outputs = turn.finish();
    if let Some(first) = &registration.first {
        // The line that made the session known is its first request, at the same moment: its ids
        // must not be given twice.
        let body = match first {
            Ok(command) => Body::Command(command.clone()),
            Err(refusal) => Body::Refused(refusal.clone()),
        };
        let at = Stamp { random: at.random.wrapping_add(1 << 40), ..at };
        let mut more = state.step(&Sequenced { at, request: Request { session: from, label: None, body } });
        outputs.events.append(&mut more.events);
        outputs.deliveries.append(&mut more.deliveries);
    }
    outputs
}

impl Turn<'_> {
    /// Adds the session to its account and to the audiences of the account's rooms; tells whether
    /// the account was present before.
    fn attach(&mut self, registration: &Registration) -> bool {
        let (from, now, state) = (self.from, self.at.time_ms, &mut *self.state);
        let Registration { device, device_label, client, dialect, caps, .. } = registration.clone();
        let account = self.me.clone();
        state.sessions.insert(
            from,
            Session {
                account,
                device,
                device_label,
                client,
                dialect,
                caps,
                sasl: Sasl::default(),
                current: None,
                previous: None,
                away: None,
                watches: BTreeMap::new(),
            },
        );
        let host = &state.settings.server.network;
        let Some(account) = state.accounts.get_mut(&self.me) else { return false };
        let was_present = account.present();
        if account.sessions.is_empty() {
            // One account looks the same from all its sessions: the first one says how.
            let nick = registration.account.clone();
            let user = match cut(&registration.user, limits::USER) {
                "" => nick.as_str().into(),
                user => user.into(),
            };
            account.source = Arc::new(Source { nick, user, host: Arc::clone(host) });
            account.since_ms = now;
            account.spoke_ms = now;
        }
        account.realname = match cut(&registration.realname, limits::REALNAME) {
            "" => registration.account.as_str().into(),
            realname => realname.into(),
        };
        add(&mut account.sessions, from);
        if caps.has(Cap::Unseen) {
            account.unseen += 1;
        } else {
            account.lingers_until_ms = None;
            state.lingering.remove(&self.me);
        }
        for id in &account.rooms {
            if let Some(room) = state.rooms.get_mut(id) {
                add(&mut room.audience, from);
            }
        }
        if !was_present && !caps.has(Cap::Unseen) {
            state.present += 1;
            state.most = state.most.max(state.present);
        }
        was_present
    }

    /// Welcomes the session and puts it back into its account's rooms; to the others the account
    /// comes back only if it was away.
    fn greet(&mut self, was_present: bool) {
        let Some(account) = self.my_account() else { return };
        let (source, rooms) = (Arc::clone(&account.source), account.rooms.clone());
        let realname = Arc::clone(&account.realname);
        let account_modes = account.modes;
        let counts = self.state.counts();
        let modes = Some(account_modes.shown().into()).filter(|_| account_modes != UserModes::default());
        self.reply(Reply::Welcome(Box::new(Welcome { source: Arc::clone(&source), counts, modes })));
        let unseen = self.my_session().is_some_and(|session| session.unseen());
        for id in rooms {
            let Some(room) = self.state.rooms.get(&id) else { continue };
            let (name, audience) = (room.name.clone(), Arc::clone(&room.audience));
            let act = Act::Join { room: name, realname: Arc::clone(&realname) };
            if was_present || unseen {
                let event = Event { id: self.id(), time_ms: self.at.time_ms, source: Arc::clone(&source), act };
                self.reply(Reply::Event(Arc::new(event)));
            } else {
                self.tell(&audience, &source, act);
            }
            let replies = self.show(id, self.from);
            self.replies.extend(replies);
            if !(was_present || unseen) {
                self.tell_status(id, &audience);
            }
        }
    }
}

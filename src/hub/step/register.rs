//! A session is ready: it joins its account's others, and finds itself in the account's rooms.

use std::{collections::BTreeMap, sync::Arc};

use super::Turn;
use crate::{
    hub::{
        account::{Session, UserModes, add},
        delivery::Outputs,
        request::{Body, Registration, Request, Sequenced, SessionId, Stamp},
        sought::Found,
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
    let known = state.accounts.get(&me).is_some_and(|account| account.kept);
    let mut turn = Turn::by(state, at, from, me.clone());
    if !known {
        turn.record(Durable::AccountSeen(me));
    }
    let before = turn.attach(registration);
    turn.metadata_from_early(&registration.metadata);
    turn.greet(before.present);
    turn.show_changes(&before);
    if registration.dialect == Dialect::Plain {
        let lobby = turn.state.settings.server.lobby.clone();
        turn.join_one(&lobby, None);
    }
    turn.catch_up();
    let mut outputs = turn.finish();
    if let Some(first) = &registration.first {
        // The line that made the session known is its first request, at the same moment: its ids
        // must not be given twice.
        let body = match first {
            Ok(command) => Body::Command(command.clone()),
            Err(refusal) => Body::Refused(refusal.clone()),
        };
        let at = Stamp { random: at.random.wrapping_add(1 << 40), ..at };
        let mut more =
            state.step(&Sequenced { at, request: Request { session: from, label: None, body }, found: Found::Nothing });
        outputs.events.append(&mut more.events);
        outputs.deliveries.append(&mut more.deliveries);
    }
    outputs
}

/// An account before one more session of it came.
#[derive(Default)]
struct Before {
    present: bool,
    source: Option<Arc<Source>>,
    realname: Arc<str>,
}

impl Turn<'_> {
    /// Adds the session to its account and to the audiences of the account's rooms; tells what the
    /// account was before.
    fn attach(&mut self, registration: &Registration) -> Before {
        let (from, now, state) = (self.from, self.at.time_ms, &mut *self.state);
        let Registration { device, device_label, client, dialect, caps, away, metadata, .. } = registration.clone();
        let away = away.map(|reason| cut(&reason, limits::REASON).into());
        let account = self.me.clone();
        state.sessions.insert(
            from,
            Box::new(Session {
                account,
                device,
                device_label,
                client,
                dialect,
                caps,
                sasl: Sasl::default(),
                current: None,
                previous: None,
                away,
                watches: BTreeMap::new(),
                subscriptions: metadata.subscriptions,
                fenced: None,
            }),
        );
        let host = &state.settings.server.network;
        let Some(account) = state.accounts.get_mut(&self.me) else { return Before::default() };
        let before = Before {
            present: account.present(),
            source: Some(Arc::clone(&account.source)),
            realname: Arc::clone(&account.realname),
        };
        let seen = !caps.has(Cap::Unseen);
        if seen && !account.seen() || account.sessions.is_empty() && !before.present {
            // One account looks the same from all its sessions: the first that is seen says how.
            // Who is still taken for present goes on writing his name as he did.
            let nick = if before.present { account.source.nick.clone() } else { registration.account.clone() };
            let user = match cut(&registration.user, limits::USER) {
                "" => registration.account.as_str().into(),
                user => user.into(),
            };
            let source = Source { nick, user, host: Arc::clone(host), bot: account.modes.bot };
            // Names are the same also in other capitals.
            if source != *account.source || source.nick.as_str() != account.source.nick.as_str() {
                account.source = Arc::new(source);
            }
            account.since_ms = now;
            account.spoke_ms = now;
        }
        if seen || !before.present {
            let realname = match cut(&registration.realname, limits::REALNAME) {
                "" => registration.account.as_str(),
                realname => realname,
            };
            if *account.realname != *realname {
                account.realname = realname.into();
            }
        }
        add(&mut account.sessions, from);
        if seen {
            account.lingers_until_ms = None;
            state.lingering.remove(&self.me);
            state.letterboxes.empty(&self.me);
        } else {
            account.unseen += 1;
        }
        for id in &account.rooms {
            if let Some(room) = state.rooms.get_mut(id) {
                room.audience.insert(from);
            }
        }
        state.show(&self.me);
        if !before.present && seen {
            state.present += 1;
            state.most = state.most.max(state.present);
        }
        before
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
        let metadata = self.own_metadata();
        self.reply(Reply::Welcome(Box::new(Welcome { source: Arc::clone(&source), counts, modes, metadata })));
        let unseen = self.my_session().is_some_and(|session| session.unseen());
        for id in rooms {
            let Some(room) = self.state.rooms.get(&id) else { continue };
            let (name, audience) = (room.name.clone(), room.audience.clone());
            let act = Act::Join { room: name, realname: Arc::clone(&realname) };
            if was_present || unseen {
                let event = Event { id: self.id(), time_ms: self.at.time_ms, source: Arc::clone(&source), act };
                self.reply(Reply::Event(Arc::new(event)));
            } else {
                let event = self.event(&source, act);
                self.show_presence(vec![(id, audience.clone())], Vec::new(), &[], event);
            }
            let replies = self.show(id, self.from, &mut None);
            self.replies.extend(replies);
            if !(was_present || unseen) {
                self.tell_status(id, &audience);
            }
        }
        let metadata = self.sync_rooms();
        self.replies.extend(metadata);
    }

    /// What the session makes of its account others learn after its JOINs: who watches it, that it
    /// is here; everybody else, what is not as it was.
    fn show_changes(&mut self, before: &Before) {
        let Some(account) = self.my_account().filter(|account| account.present()) else { return };
        let (source, realname) = (Arc::clone(&account.source), Arc::clone(&account.realname));
        let me = self.me.clone();
        if before.present {
            if let Some(old) = before.source.as_ref().filter(|old| ***old != *source) {
                self.change_host(old);
            }
            if before.realname != realname {
                self.tell_about(&me, &source, Act::SetName(realname));
            }
        } else {
            self.appear(&source);
        }
        self.settle_away(&me);
    }
}

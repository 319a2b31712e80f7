//! The state, and how durable events change it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    account::{Account, Session, add},
    delivery::Audience,
    request::SessionId,
    room::{Membership, Modes, Room},
};
use crate::{
    ident::{Nick, RoomId, RoomName},
    protocol::durable::Durable,
    protocol::{
        chat::Source,
        reply::{Counts, ServerInfo, Was},
    },
};

/// What the operator of the server decided; fixed while it runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the server is.
    pub server: Arc<ServerInfo>,
    /// Who administers it.
    pub administrators: BTreeSet<Nick>,
    /// Whether messages are kept at all (`--history off` keeps none).
    pub keep_messages: bool,
    /// How many rooms there may be.
    pub rooms: usize,
    /// How long an account whose last session was lost still counts as present.
    pub linger_ms: u64,
}

/// Everything that the chat knows. Collections are ordered, so that every server that applies
/// the same requests says the same things in the same order.
#[derive(Debug)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) rooms: BTreeMap<RoomId, Room>,
    pub(super) names: BTreeMap<RoomName, RoomId>,
    pub(super) accounts: BTreeMap<Nick, Account>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// Accounts that linger.
    pub(super) lingering: BTreeSet<Nick>,
    pub(super) next_room: u64,
    /// The most people that were here at once.
    pub(super) most: usize,
    /// How many are here.
    pub(super) present: usize,
    /// When the last request happened, milliseconds since the epoch.
    pub(super) now_ms: u64,
    /// Who watches whom (MONITOR).
    pub(super) watchers: BTreeMap<Nick, Audience>,
    /// Who was here, the newest last.
    pub(super) were: VecDeque<Was>,
}

impl State {
    /// The state of a server that has just been installed.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            rooms: BTreeMap::new(),
            names: BTreeMap::new(),
            accounts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            lingering: BTreeSet::new(),
            next_room: 1,
            most: 0,
            present: 0,
            now_ms: 0,
            watchers: BTreeMap::new(),
            were: VecDeque::new(),
        }
    }

    /// Applies one durable event: the only way in which rooms and memberships change.
    ///
    /// Events that make no sense in this state (a journal that was tampered with) change nothing.
    pub fn apply(&mut self, event: &Durable) {
        match event {
            Durable::AccountSeen(nick) => {
                self.account(nick);
            }
            Durable::RoomCreated { room, name, kind, visibility, founder, at } => {
                self.next_room = self.next_room.max(room.0 + 1);
                self.names.insert(name.clone(), *room);
                self.rooms.insert(
                    *room,
                    Room {
                        name: name.clone(),
                        kind: *kind,
                        visibility: *visibility,
                        founder: founder.clone(),
                        created: *at,
                        topic: None,
                        modes: Modes::default(),
                        members: BTreeMap::new(),
                        invited: BTreeSet::new(),
                        audience: Audience::default(),
                    },
                );
            }
            Durable::RoomRemoved(id) => {
                if let Some(room) = self.rooms.remove(id) {
                    self.names.remove(&room.name);
                }
            }
            Durable::Joined { room: id, account: nick, operator, at_ms } => {
                if !self.rooms.contains_key(id) {
                    return;
                }
                let account = self.account(nick);
                if !account.rooms.contains(id) {
                    account.rooms.push(*id);
                }
                let sessions = Arc::clone(&account.sessions);
                if let Some(room) = self.rooms.get_mut(id) {
                    let membership = Membership { operator: *operator, voiced: false, since_ms: *at_ms };
                    room.members.insert(nick.clone(), membership);
                    room.invited.remove(nick);
                    sessions.iter().for_each(|&session| add(&mut room.audience, session));
                }
            }
            Durable::Left { room: id, account: nick } => {
                let Some(account) = self.accounts.get_mut(nick) else { return };
                account.rooms.retain(|other| other != id);
                for &session in &*account.sessions {
                    if let Some(session) = self.sessions.get_mut(&session)
                        && session.current == Some(*id)
                    {
                        session.current = None;
                    }
                }
                if let Some(room) = self.rooms.get_mut(id) {
                    room.members.remove(nick);
                    if account.sessions.iter().any(|session| room.audience.contains(session)) {
                        Arc::make_mut(&mut room.audience).retain(|session| !account.sessions.contains(session));
                    }
                }
            }
            Durable::TopicSet(id, topic) => {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.topic.clone_from(topic);
                }
            }
            Durable::ModeChanged(id, change) => {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.change(change);
                }
            }
            Durable::Renamed(id, name) => {
                if let Some(room) = self.rooms.get_mut(id) {
                    let old = std::mem::replace(&mut room.name, name.clone());
                    self.names.remove(&old);
                    self.names.insert(name.clone(), *id);
                    let (old, new) = (old.folded(), name.folded());
                    self.accounts.values_mut().for_each(|account| account.move_mark(&old, &new));
                }
            }
            Durable::Invited { room: id, account } => {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.invited.insert(account.clone());
                }
            }
            Durable::MarkedRead { account, target, time_ms } => {
                self.account(account).marks.insert(target.clone(), *time_ms);
            }
            Durable::Message(_) | Durable::Event(..) | Durable::Redacted(..) => {}
        }
    }

    fn account(&mut self, nick: &Nick) -> &mut Account {
        let host = &self.settings.server.network;
        self.accounts.entry(nick.clone()).or_insert_with(|| {
            let user = nick.as_str().into();
            Account::new(Arc::new(Source { nick: nick.clone(), user, host: Arc::clone(host) }))
        })
    }

    /// Starts again from what was committed, after a commit failed: `load` applies every durable
    /// event; who is connected stays as it is.
    pub fn reload<E>(&mut self, load: impl FnOnce(&mut dyn FnMut(Durable)) -> Result<(), E>) -> Result<(), E> {
        let mut fresh = Self::new(self.settings.clone());
        load(&mut |event| fresh.apply(&event))?;
        fresh.most = self.most;
        fresh.present = self.present;
        fresh.now_ms = self.now_ms;
        fresh.watchers = std::mem::take(&mut self.watchers);
        fresh.were = std::mem::take(&mut self.were);
        fresh.sessions = std::mem::take(&mut self.sessions);
        fresh.lingering = std::mem::take(&mut self.lingering);
        for (nick, old) in std::mem::take(&mut self.accounts) {
            if !old.present() {
                continue;
            }
            let account = fresh.account(&nick);
            let rooms = std::mem::take(&mut account.rooms);
            let marks = std::mem::take(&mut account.marks);
            for room in &rooms {
                if let Some(room) = fresh.rooms.get_mut(room) {
                    old.sessions.iter().for_each(|&session| add(&mut room.audience, session));
                }
            }
            for session in old.sessions.iter() {
                if let Some(session) = fresh.sessions.get_mut(session) {
                    let kept = |room: &RoomId| rooms.contains(room);
                    session.current = session.current.filter(kept).or(session.previous.filter(kept));
                }
            }
            fresh.accounts.insert(nick, Account { rooms, marks, ..old });
        }
        *self = fresh;
        Ok(())
    }

    /// The room of this name.
    pub(super) fn room_named(&self, name: &str) -> Option<(RoomId, &Room)> {
        let id = *self.names.get(&name.parse::<RoomName>().ok()?)?;
        Some((id, self.rooms.get(&id)?))
    }

    /// The account of this name, if it is known.
    pub(super) fn account_named(&self, name: &str) -> Option<(&Nick, &Account)> {
        self.accounts.get_key_value(&name.parse::<Nick>().ok()?)
    }

    /// Why the account is away: all its sessions are, those that are not seen left out, and the last
    /// of them says why.
    pub(super) fn away(&self, account: &Account) -> Option<Arc<str>> {
        let mut reason = None;
        for session in account.sessions.iter().filter_map(|session| self.sessions.get(session)) {
            if !session.unseen() {
                reason = Some(session.away.clone()?);
            }
        }
        reason
    }

    /// Everybody who shares a room with the account, its own sessions included.
    pub(super) fn neighbours(&self, account: &Account) -> Audience {
        let rooms = account.rooms.iter().filter_map(|id| self.rooms.get(id));
        let mut sessions: Vec<SessionId> = rooms.flat_map(|room| room.audience.iter().copied()).collect();
        sessions.sort_unstable();
        sessions.dedup();
        Arc::new(sessions)
    }

    /// Numbers for LUSERS.
    pub(super) fn counts(&self) -> Counts {
        let here = |with: fn(&Account) -> bool| self.accounts.values().filter(|a| a.present() && with(a)).count();
        Counts {
            people: self.present,
            sessions: self.sessions.len(),
            most: self.most,
            rooms: self.rooms.len(),
            invisible: here(|account| account.modes.invisible),
            administrators: here(|account| account.modes.operator),
        }
    }
}

//! The state, and how durable events change it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    account::{Account, Session, Sessions, UserModes},
    audience::Audience,
    letterboxes::Letterboxes,
    request::SessionId,
    room::{Membership, Modes, Room},
};
use crate::{
    ident::{Nick, RoomId, RoomName},
    protocol::durable::Durable,
    protocol::{
        caps::Cap,
        chat::Source,
        metadata::{Owner, Values},
        modes::Change,
        reply::{Counts, ServerInfo, Was},
        roster::Roster,
    },
};

/// The reason of who is away for none (IRCv3 `draft/pre-away`).
const ABSENT: &str = "*";

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
    pub(super) accounts: BTreeMap<Nick, Box<Account>>,
    pub(super) sessions: BTreeMap<SessionId, Box<Session>>,
    /// Who has a certificate, whether he was ever here or not.
    pub(super) issued: Arc<BTreeSet<Nick>>,
    /// What waits for those who are not here.
    pub(super) letterboxes: Letterboxes,
    /// Plain sessions that have said goodbye and whose connection has not ended yet.
    pub(super) parted: BTreeMap<SessionId, Box<Session>>,
    /// Accounts that have modes.
    pub(super) moded: BTreeSet<Nick>,
    /// How many of those who are here are invisible, and how many act as administrators.
    pub(super) invisible: usize,
    /// See `invisible`.
    pub(super) operators: usize,
    /// Accounts that say something about themselves.
    pub(super) described: BTreeSet<Nick>,
    /// Accounts that linger.
    pub(super) lingering: BTreeSet<Nick>,
    pub(super) next_room: u64,
    /// The most people that were here at once.
    pub(super) most: usize,
    /// How many are here.
    pub(super) present: usize,
    /// When the last request happened, milliseconds since the epoch.
    pub(super) now_ms: u64,
    /// How many connections are not registered yet.
    pub(super) waiting: usize,
    /// Who watches whom (MONITOR).
    pub(super) watchers: BTreeMap<Nick, Sessions>,
    /// Who was here, the newest last.
    pub(super) were: VecDeque<Was>,
}

impl State {
    /// The state of a server that has just been installed.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            rooms: BTreeMap::new(),
            names: BTreeMap::new(),
            accounts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            issued: Arc::default(),
            letterboxes: Letterboxes::default(),
            parted: BTreeMap::new(),
            moded: BTreeSet::new(),
            invisible: 0,
            operators: 0,
            described: BTreeSet::new(),
            lingering: BTreeSet::new(),
            next_room: 1,
            most: 0,
            present: 0,
            now_ms: 0,
            waiting: 0,
            watchers: BTreeMap::new(),
            were: VecDeque::new(),
        }
    }

    /// Applies one durable event: the only way in which rooms and memberships change.
    ///
    /// Events that make no sense in this state (a journal that was tampered with) change nothing.
    pub fn apply(&mut self, event: &Durable) {
        match event {
            Durable::AccountSeen(nick) => self.account(nick).kept = true,
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
                        metadata: Values::new(),
                        people: Roster::default(),
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
                let sessions = account.sessions.clone();
                if let Some(room) = self.rooms.get_mut(id) {
                    let membership = Membership { operator: *operator, voiced: false, since_ms: *at_ms };
                    room.members.insert(nick.clone(), membership);
                    room.invited.remove(nick);
                    sessions.iter().for_each(|&session| room.audience.insert(session));
                }
                self.show_in(*id, nick);
            }
            Durable::Left { room: id, account: nick } => {
                let Some(account) = self.accounts.get_mut(nick) else { return };
                account.rooms.retain(|other| other != id);
                for &session in &account.sessions {
                    if let Some(session) = self.sessions.get_mut(&session)
                        && session.current == Some(*id)
                    {
                        session.current = None;
                    }
                }
                if let Some(room) = self.rooms.get_mut(id) {
                    room.members.remove(nick);
                    room.people.remove(nick);
                    account.sessions.iter().for_each(|&session| room.audience.remove(session));
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
                if let Change::Status(_, nick, _) = change {
                    self.show_in(*id, nick);
                }
            }
            Durable::Renamed(id, name) => {
                if let Some(room) = self.rooms.get_mut(id) {
                    let old = std::mem::replace(&mut room.name, name.clone());
                    self.names.remove(&old);
                    self.names.insert(name.clone(), *id);
                    let (old, new) = (old.folded(), name.folded());
                    // Who is not in the room must not learn from his marks that it has another name.
                    for nick in room.members.keys() {
                        if let Some(account) = self.accounts.get_mut(nick) {
                            account.marks.rename(&old, &new);
                        }
                    }
                }
            }
            Durable::Invited { room: id, account } => {
                if let Some(room) = self.rooms.get_mut(id) {
                    room.invited.insert(account.clone());
                }
            }
            Durable::MarkedRead { account, target, time_ms } => {
                self.account(account).marks.set(target, *time_ms);
            }
            Durable::MetadataSet { owner, key, value } => {
                let values = match owner {
                    Owner::Account(nick) => Some(&mut self.account(nick).metadata),
                    Owner::Room(id) => self.rooms.get_mut(id).map(|room| &mut room.metadata),
                };
                match (values, value) {
                    (Some(values), Some(value)) => values.insert(key.clone(), Arc::clone(value)),
                    (Some(values), None) => values.remove(key),
                    (None, _) => None,
                };
                if let Owner::Account(nick) = owner {
                    // Under the name as the account first had it, whoever wrote it how.
                    match self.accounts.get_key_value(nick).filter(|(_, account)| !account.metadata.is_empty()) {
                        Some((nick, _)) => self.described.insert(nick.clone()),
                        None => self.described.remove(nick),
                    };
                }
            }
            Durable::CursorMoved { account, origin, at } => self.account(account).cursors.set(origin, *at),
            Durable::Sent { .. } => {}
            Durable::Message(_) | Durable::Event(..) | Durable::Redacted(..) => {}
        }
    }

    fn account(&mut self, nick: &Nick) -> &mut Account {
        let host = &self.settings.server.network;
        self.accounts.entry(nick.clone()).or_insert_with(|| {
            let user = nick.as_str().into();
            Box::new(Account::new(Arc::new(Source { nick: nick.clone(), user, host: Arc::clone(host), bot: false })))
        })
    }

    /// Starts again from what was committed, after a commit failed: `load` applies every durable
    /// event; who is connected stays as it is. How much waits for the others is counted anew, as after
    /// a restart: some of it may have been lost.
    pub fn reload<E>(&mut self, load: impl FnOnce(&mut dyn FnMut(Durable)) -> Result<(), E>) -> Result<(), E> {
        let mut fresh = Self::new(self.settings.clone());
        load(&mut |event| fresh.apply(&event))?;
        fresh.most = self.most;
        fresh.present = self.present;
        fresh.now_ms = self.now_ms;
        fresh.moded = std::mem::take(&mut self.moded);
        fresh.watchers = std::mem::take(&mut self.watchers);
        fresh.were = std::mem::take(&mut self.were);
        fresh.sessions = std::mem::take(&mut self.sessions);
        fresh.parted = std::mem::take(&mut self.parted);
        fresh.lingering = std::mem::take(&mut self.lingering);
        fresh.issued = Arc::clone(&self.issued);
        for (nick, old) in std::mem::take(&mut self.accounts) {
            if !old.present() && old.sessions.is_empty() {
                continue;
            }
            let account = fresh.account(&nick);
            let rooms = std::mem::take(&mut account.rooms);
            let marks = std::mem::take(&mut account.marks);
            let cursors = std::mem::take(&mut account.cursors);
            let metadata = std::mem::take(&mut account.metadata);
            let kept = account.kept;
            for room in &rooms {
                if let Some(room) = fresh.rooms.get_mut(room) {
                    old.sessions.iter().for_each(|&session| room.audience.insert(session));
                }
            }
            for session in &old.sessions {
                if let Some(session) = fresh.sessions.get_mut(session) {
                    let kept = |room: &RoomId| rooms.contains(room);
                    session.current = session.current.filter(kept).or(session.previous.filter(kept));
                }
            }
            let counted = UserModes::default();
            let account = Account { rooms, marks, cursors, metadata, kept, counted, ..*old };
            fresh.accounts.insert(nick.clone(), Box::new(account));
            fresh.show(&nick);
        }
        *self = fresh;
        Ok(())
    }

    /// Has the lists of a person's rooms show him as he is now, and counts him so.
    pub(super) fn show(&mut self, nick: &Nick) {
        let Some(account) = self.accounts.get_mut(nick) else { return };
        let now = if account.present() { account.modes } else { UserModes::default() };
        let before = std::mem::replace(&mut account.counted, now);
        self.invisible = self.invisible + usize::from(now.invisible) - usize::from(before.invisible);
        self.operators = self.operators + usize::from(now.operator) - usize::from(before.operator);
        for id in &account.rooms {
            if let Some(room) = self.rooms.get_mut(id) {
                room.show(account);
            }
        }
    }

    /// The same of one room.
    fn show_in(&mut self, id: RoomId, nick: &Nick) {
        if let (Some(room), Some(account)) = (self.rooms.get_mut(&id), self.accounts.get(nick)) {
            room.show(account);
        }
    }

    /// An account that the journal has, whichever.
    pub(super) fn known(&self) -> Option<&Nick> {
        self.accounts.iter().find(|(_, account)| account.kept).map(|(nick, _)| nick)
    }

    /// The room of this name.
    pub(super) fn room_named(&self, name: &str) -> Option<(RoomId, &Room)> {
        let id = *self.names.get(&name.parse::<RoomName>().ok()?)?;
        Some((id, self.rooms.get(&id)?))
    }

    /// The person of this name, if there is one: he was here, or has a certificate to come with.
    pub(super) fn person_named(&self, name: &str) -> Option<&Nick> {
        let nick = name.parse::<Nick>().ok()?;
        self.accounts.get_key_value(&nick).map(|(nick, _)| nick).or_else(|| self.issued.get(&nick))
    }

    /// The account of this name, if it was ever here.
    pub(super) fn account_named(&self, name: &str) -> Option<(&Nick, &Account)> {
        self.accounts.get_key_value(&name.parse::<Nick>().ok()?).map(|(nick, account)| (nick, &**account))
    }

    /// Why the account is away: all its sessions are, those that are not seen left out, and the last
    /// of them says why, unless it is away for no reason (IRCv3 `draft/pre-away`). One that lingers
    /// is what it was.
    pub(super) fn sum_of_away(&self, account: &Account) -> Option<Arc<str>> {
        if !account.seen() {
            return account.away.clone();
        }
        let mut sum: Option<Arc<str>> = None;
        for session in account.sessions.iter().filter_map(|session| self.sessions.get(session)) {
            if !session.unseen() {
                let reason = session.away.clone()?;
                sum = sum.filter(|_| *reason == *ABSENT).or(Some(reason));
            }
        }
        sum
    }

    /// Whether they have a room in common.
    pub(super) fn share_a_room(&self, one: &Nick, other: &Account) -> bool {
        let one = self.accounts.get(one);
        one.is_some_and(|one| one.rooms.iter().any(|room| other.rooms.contains(room)))
    }

    /// Whether the account is shown to `viewer` where he did not ask for it by name (Modern IRC,
    /// section "Invisible User Mode").
    pub(super) fn shown_to(&self, viewer: &Nick, account: &Account) -> bool {
        !account.modes.invisible || account.source.nick == *viewer || self.share_a_room(viewer, account)
    }

    /// The rooms of an account of which `viewer` may know that it is in them.
    pub(super) fn rooms_shown<'s>(&'s self, viewer: &'s Nick, account: &'s Account) -> impl Iterator<Item = &'s Room> {
        let open = !account.modes.invisible;
        let rooms = account.rooms.iter().filter_map(|id| self.rooms.get(id));
        rooms.filter(move |room| open && room.visible_to(viewer) || room.members.contains_key(viewer))
    }

    /// All modes of an account go.
    pub(super) fn forget_modes(&mut self, nick: &Nick) {
        if self.moded.remove(nick)
            && let Some(account) = self.accounts.get_mut(nick)
        {
            account.modes = UserModes::default();
            account.show_bot();
        }
    }

    /// Everybody who shares a room with the account, its own sessions included.
    pub(super) fn neighbours(&self, account: &Account) -> Audience {
        let rooms = account.rooms.iter().filter_map(|id| self.rooms.get(id));
        rooms.flat_map(|room| room.audience.iter()).collect()
    }

    /// An account's rooms, and who hears what is said there.
    pub(super) fn rooms_of(&self, account: &Account) -> Vec<(RoomId, Audience)> {
        let audience = |id: &RoomId| Some((*id, self.rooms.get(id)?.audience.clone()));
        account.rooms.iter().filter_map(audience).collect()
    }

    /// Whom it concerns what becomes of a person, besides who shares a room with him: his own sessions, and
    /// who watches him closely (IRCv3 `extended-monitor`).
    pub(super) fn concerned(&self, account: &Account) -> Vec<SessionId> {
        let watchers = self.watchers.get(&account.source.nick).into_iter().flat_map(|watchers| watchers.iter());
        let closely =
            |id: &&SessionId| self.sessions.get(id).is_some_and(|session| session.caps.has(Cap::ExtendedMonitor));
        account.sessions.iter().chain(watchers.filter(closely)).copied().collect()
    }

    /// Numbers for LUSERS.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            people: self.present,
            sessions: self.sessions.len(),
            waiting: self.waiting,
            most: self.most,
            rooms: self.rooms.len(),
            invisible: self.invisible,
            administrators: self.operators,
        }
    }

    /// Whether the lists of all rooms show who is there, as he is.
    #[cfg(test)]
    pub(super) fn check_lists(&self) {
        for room in self.rooms.values() {
            let here = room.members.keys().filter_map(|nick| self.accounts.get(nick)).filter(|a| a.present());
            let mut list = Room { people: Roster::default(), ..room.clone() };
            here.clone().for_each(|account| list.show(account));
            assert_eq!(room.people, list.people, "the list of {}", room.name);
            assert!(
                room.people.people().zip(here).all(|(person, account)| Arc::ptr_eq(&person.source, &account.source))
            );
        }
        let here = |with: fn(&Account) -> bool| self.accounts.values().filter(|a| a.present() && with(a)).count();
        let count = (here(|account| account.modes.invisible), here(|account| account.modes.operator));
        assert_eq!((self.invisible, self.operators), count);
        let described = self.accounts.iter().filter(|(_, account)| !account.metadata.is_empty());
        assert!(self.described.iter().eq(described.map(|(nick, _)| nick)));
    }
}

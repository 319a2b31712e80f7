//! People and their sessions.

use std::{collections::BTreeMap, sync::Arc};

use smallvec::SmallVec;

use super::{cursors::Cursors, metadata::Subscriptions, request::SessionId};
use crate::{
    ident::{ClientLabel, DeviceId, Nick, RoomId},
    protocol::{
        caps::{Cap, Caps, Dialect, Shape},
        chat::Source,
        durable::{Origin, Position},
        limits,
        metadata::Values,
        sasl::Sasl,
    },
};

/// A few sessions, in the order of their coming.
pub(super) type Sessions = SmallVec<[SessionId; 4]>;

/// An account that the server has seen.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// How others see it.
    pub source: Arc<Source>,
    /// Its real name, from its newest session.
    pub realname: Arc<str>,
    /// Whether the journal has it: not yet, where its first session came in a commit that failed.
    pub kept: bool,
    /// Its sessions.
    pub sessions: Sessions,
    /// Its rooms, in the order of its joining.
    pub rooms: Vec<RoomId>,
    /// How many of its sessions do not make it present.
    pub unseen: u32,
    /// Its modes.
    pub modes: UserModes,
    /// Those of them with which it is counted ([`super::state::State::show`]).
    pub counted: UserModes,
    /// Up to when it has read.
    pub marks: Marks,
    /// Up to where it has read, for each device and program.
    pub cursors: Cursors,
    /// Why it is away, by the sum of its sessions; what the others were told last.
    pub away: Option<Arc<str>>,
    /// What it says about itself.
    pub metadata: Values,
    /// Until when it counts as present although its last session was lost.
    pub lingers_until_ms: Option<u64>,
    /// Why its last session ended.
    pub parting: Option<Arc<str>>,
    /// When it came, and when it last said something (ms).
    pub since_ms: u64,
    /// See `since_ms`.
    pub spoke_ms: u64,
}

impl Account {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self {
            realname: source.nick.as_str().into(),
            source,
            kept: false,
            sessions: Sessions::new(),
            rooms: Vec::new(),
            unseen: 0,
            modes: UserModes::default(),
            counted: UserModes::default(),
            marks: Marks::default(),
            cursors: Cursors::default(),
            away: None,
            metadata: Values::new(),
            lingers_until_ms: None,
            parting: None,
            since_ms: 0,
            spoke_ms: 0,
        }
    }

    /// Has its lines say whether it is a program.
    pub(super) fn show_bot(&mut self) {
        if self.source.bot != self.modes.bot {
            self.source = Arc::new(Source { bot: self.modes.bot, ..Source::clone(&self.source) });
        }
    }

    /// Whether others see it as connected.
    pub(super) fn present(&self) -> bool {
        self.seen() || self.lingers_until_ms.is_some()
    }

    /// Whether any of its sessions makes it present.
    pub(super) fn seen(&self) -> bool {
        self.sessions.len() > self.unseen as usize
    }
}

/// Up to when an account has read, by the names of rooms and people in lower case; milliseconds
/// since the epoch. The oldest goes when there are too many.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(BTreeMap<Box<str>, u64>);

impl Marks {
    pub(super) fn get(&self, target: &str) -> Option<u64> {
        self.0.get(target).copied()
    }

    /// Sets a mark; never back.
    pub(super) fn set(&mut self, target: &str, time_ms: u64) {
        if let Some(mark) = self.0.get_mut(target) {
            *mark = time_ms.max(*mark);
            return;
        }
        if self.0.len() >= limits::MARKS
            && let Some(oldest) = self.0.iter().min_by_key(|(_, time_ms)| **time_ms).map(|(name, _)| name.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(target.into(), time_ms);
    }

    /// What was read under one name of a room, was read under another.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if let Some(time_ms) = self.0.remove(from) {
            self.set(to, time_ms);
        }
    }
}

/// The modes of a person (Modern IRC, section "User Modes"), the same in all his sessions; gone when he goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserModes {
    /// `B`: a program.
    pub bot: bool,
    /// `i`: not shown to people who share no room with him.
    pub invisible: bool,
    /// `o`: acts as administrator.
    pub operator: bool,
    /// `w`: wants to hear WALLOPS.
    pub wallops: bool,
}

impl UserModes {
    /// Each with its letter.
    const fn letters(self) -> [(bool, char); 4] {
        [(self.bot, 'B'), (self.invisible, 'i'), (self.operator, 'o'), (self.wallops, 'w')]
    }

    /// The mode of this letter that anybody may give himself.
    pub(super) const fn by_letter(&mut self, letter: char) -> Option<&mut bool> {
        match letter {
            'B' => Some(&mut self.bot),
            'i' => Some(&mut self.invisible),
            'w' => Some(&mut self.wallops),
            _ => None,
        }
    }

    /// As 221 shows them: `+Bi`.
    pub(super) fn shown(self) -> String {
        let on = self.letters().into_iter().filter_map(|(on, letter)| on.then_some(letter));
        ['+'].into_iter().chain(on).collect()
    }

    /// What makes others of them: `+B-i`; empty when they are the same.
    pub(super) fn changes_to(self, new: Self) -> String {
        let mut changes = String::new();
        for (sign, now) in [('+', true), ('-', false)] {
            let both = self.letters().into_iter().zip(new.letters());
            let changed = both.filter(|((old, _), (new, _))| old != new && *new == now).map(|(_, (_, letter))| letter);
            let before = changes.len();
            changes.extend([sign].into_iter().chain(changed));
            if changes.len() == before + 1 {
                changes.truncate(before);
            }
        }
        changes
    }
}

/// One session of an account.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Whose.
    pub account: Nick,
    /// On which device.
    pub device: DeviceId,
    /// What its owner calls the device.
    pub device_label: Arc<str>,
    /// With which client.
    pub client: Option<ClientLabel>,
    /// Its dialect.
    pub dialect: Dialect,
    /// Its capabilities.
    pub caps: Caps,
    /// How far it is with SASL.
    pub sasl: Sasl,
    /// Where a plain session's text goes.
    pub current: Option<RoomId>,
    /// Where it went before: a room that could not be kept is left for this one.
    pub previous: Option<RoomId>,
    /// Why nobody sits in front of it.
    pub away: Option<Arc<str>>,
    /// Whom it watches (MONITOR), as it wrote them.
    pub watches: BTreeMap<Nick, Box<str>>,
    /// Of which keys of metadata it is told.
    pub subscriptions: Subscriptions,
    /// Up to where it has read for certain; `None`: it looks after that itself, or nothing is kept.
    pub fenced: Option<Position>,
}

impl Session {
    pub(super) const fn shape(&self) -> Shape {
        Shape { dialect: self.dialect, caps: self.caps }
    }

    /// From where it reads and writes.
    pub(super) fn origin(&self) -> Origin {
        Origin { device: self.device, client: self.client.clone() }
    }

    /// Whether it can be told of metadata at all (IRCv3 `draft/metadata-3`, section "Definitions").
    pub(super) const fn metadata_aware(&self) -> bool {
        self.caps.has(Cap::Metadata) && self.caps.has(Cap::Batch)
    }

    /// Whether it does not make its account present.
    pub(super) const fn unseen(&self) -> bool {
        self.caps.has(Cap::Unseen)
    }
}

/// Adds a session to some.
pub(super) fn add(sessions: &mut Sessions, session: SessionId) {
    if !sessions.contains(&session) {
        sessions.push(session);
    }
}

/// Takes a session out of some.
pub(super) fn remove(sessions: &mut Sessions, session: SessionId) {
    sessions.retain(|other| *other != session);
}

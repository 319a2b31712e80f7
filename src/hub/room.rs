//! Rooms and who is a member of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::Arc,
};

use super::{account::Account, audience::Audience};
use crate::{
    ident::{Nick, RoomName},
    protocol::{
        chat::Topic,
        durable::{RoomKind, Visibility},
        metadata::Values,
        modes::{Change, Flag, List, Listed, Status},
        roster::{Person, Roster},
    },
};

/// One room.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub name: RoomName,
    pub kind: RoomKind,
    pub visibility: Visibility,
    pub founder: Option<Nick>,
    /// When it was made, seconds since the epoch.
    pub created: u64,
    pub topic: Option<Topic>,
    pub modes: Modes,
    /// Present or not.
    pub members: BTreeMap<Nick, Membership>,
    /// Who may come in although the room is closed.
    pub invited: BTreeSet<Nick>,
    /// What it says about itself.
    pub metadata: Values,
    /// The members who are here, as others see them.
    pub people: Roster,
    /// The sessions of the members.
    pub audience: Audience,
}

/// An account's place in a room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Membership {
    pub operator: bool,
    pub voiced: bool,
    pub since_ms: u64,
}

/// A room's modes (Modern IRC, section "Channel Modes").
#[derive(Clone, Debug)]
pub(super) struct Modes {
    /// Those that are on.
    pub flags: BTreeSet<Flag>,
    /// +k: the key that joining takes.
    pub key: Option<Arc<str>>,
    /// +l: the most members who come in by themselves.
    pub limit: Option<u32>,
    /// +b, +e and +I, each in the order of its setting.
    pub lists: BTreeMap<List, Vec<Listed>>,
}

impl Default for Modes {
    fn default() -> Self {
        let flags = [Flag::NoExternal, Flag::TopicLocked].into();
        Self { flags, key: None, limit: None, lists: BTreeMap::new() }
    }
}

impl Modes {
    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }

    /// The masks of a list.
    pub(super) fn listed(&self, list: List) -> &[Listed] {
        self.lists.get(&list).map_or(&[], Vec::as_slice)
    }
}

impl Room {
    /// Whether the account may know that the room exists and who is in it.
    pub(super) fn visible_to(&self, account: &Nick) -> bool {
        !self.modes.has(Flag::Secret) || self.members.contains_key(account)
    }

    /// Has the list of its people show one of them as he is now.
    pub(super) fn show(&mut self, account: &Account) {
        match self.members.get(&account.source.nick).filter(|_| account.present()) {
            None => self.people.remove(&account.source.nick),
            Some(place) => self.people.set(Person {
                source: Arc::clone(&account.source),
                realname: Arc::clone(&account.realname),
                operator: place.operator,
                voiced: place.voiced,
                invisible: account.modes.invisible,
                away: account.away.is_some(),
                administrator: account.modes.operator,
            }),
        }
    }

    /// Applies one change of the modes.
    pub(super) fn change(&mut self, change: &Change) {
        let modes = &mut self.modes;
        match change {
            Change::Flag(flag, true) => {
                modes.flags.insert(*flag);
            }
            Change::Flag(flag, false) => {
                modes.flags.remove(flag);
            }
            Change::Key(key) => modes.key.clone_from(key),
            Change::Limit(limit) => modes.limit = *limit,
            Change::Listed(list, listed) => {
                let masks = modes.lists.entry(*list).or_default();
                masks.retain(|other| !other.mask.eq_ignore_ascii_case(&listed.mask));
                masks.push(listed.clone());
            }
            Change::Unlisted(list, mask) => {
                if let Some(masks) = modes.lists.get_mut(list) {
                    masks.retain(|other| !other.mask.eq_ignore_ascii_case(mask));
                    if masks.is_empty() {
                        modes.lists.remove(list);
                    }
                }
            }
            Change::Status(status, account, on) => {
                if let Some(member) = self.members.get_mut(account) {
                    match status {
                        Status::Operator => member.operator = *on,
                        Status::Voiced => member.voiced = *on,
                    }
                }
            }
        }
    }

    /// The modes as 324 shows them: `+klnt key 5`; members see the key.
    pub(super) fn modes_for(&self, account: &Nick) -> String {
        let modes = &self.modes;
        let mut letters: Vec<char> = modes.flags.iter().map(|flag| flag.letter()).collect();
        letters.extend(modes.key.as_ref().map(|_| 'k'));
        letters.extend(modes.limit.map(|_| 'l'));
        letters.sort_unstable();
        let mut shown: String = ['+'].into_iter().chain(letters).collect();
        if let Some(key) = &modes.key {
            let key = if self.members.contains_key(account) { key } else { "*" };
            // Writing to a String cannot fail.
            let _ = write!(shown, " {key}");
        }
        if let Some(limit) = modes.limit {
            let _ = write!(shown, " {limit}");
        }
        shown
    }
}

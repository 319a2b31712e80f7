//! Rooms and who is a member of them.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use super::delivery::Audience;
use crate::{
    ident::{Nick, RoomName},
    protocol::chat::Topic,
    protocol::durable::{RoomKind, Visibility},
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
    /// +k: the key that joining takes.
    pub key: Option<Arc<str>>,
    /// +n: only members speak.
    pub no_external: bool,
    /// +s: outsiders do not see it.
    pub secret: bool,
    /// +t: only operators set the topic.
    pub topic_locked: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self { key: None, no_external: true, secret: false, topic_locked: true }
    }
}

impl Room {
    pub(super) fn is_operator(&self, account: &Nick) -> bool {
        self.members.get(account).is_some_and(|member| member.operator)
    }

    /// Whether the account may know that the room exists and who is in it.
    pub(super) fn visible_to(&self, account: &Nick) -> bool {
        !self.modes.secret || self.members.contains_key(account)
    }

    /// The modes as 324 shows them: `+knt key`; members see the key.
    pub(super) fn modes_for(&self, account: &Nick) -> String {
        let mut flags = String::from("+");
        let modes = &self.modes;
        for (set, flag) in
            [(modes.key.is_some(), 'k'), (modes.no_external, 'n'), (modes.secret, 's'), (modes.topic_locked, 't')]
        {
            if set {
                flags.push(flag);
            }
        }
        if let Some(key) = modes.key.as_ref().filter(|_| self.members.contains_key(account)) {
            // Writing to a String cannot fail.
            let _ = write!(flags, " {key}");
        }
        flags
    }
}

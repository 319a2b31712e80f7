//! Who comes into a room, and who speaks there (Modern IRC, section "Channel Modes").

use super::{
    mask::{Concern, means},
    room::Room,
};
use crate::protocol::{
    chat::{Kind, Source},
    durable::RoomKind,
    modes::{Flag, List},
    refusal::Refusal,
};

impl Room {
    /// Whether an entry of the list that is about this means the person.
    fn lists(&self, list: List, about: Concern, who: &Source) -> bool {
        self.modes.listed(list).iter().any(|listed| means(&listed.mask, who) == (about, true))
    }

    /// Banned, and no exception (`+b`, `+e`): he may neither come in nor speak.
    pub(super) fn bans(&self, who: &Source) -> bool {
        self.lists(List::Ban, Concern::Entry, who) && !self.lists(List::Except, Concern::Entry, who)
    }

    /// Whether bans keep him silent: those that are only about speaking (`m:`) too.
    fn silences(&self, who: &Source) -> bool {
        let either = |list| self.lists(list, Concern::Entry, who) || self.lists(list, Concern::Speech, who);
        either(List::Ban) && !either(List::Except)
    }

    /// Whether somebody who is no member may come in. An invitation opens every door.
    pub(super) fn admits(&self, who: &Source, key: Option<&str>) -> Result<(), Refusal> {
        let quoted = || Box::from(self.name.as_str());
        if self.invited.contains(&who.nick) {
            return Ok(());
        }
        if self.bans(who) {
            return Err(Refusal::Banned(quoted()));
        }
        if self.modes.has(Flag::InviteOnly) && !self.lists(List::InviteExcept, Concern::Entry, who) {
            return Err(Refusal::InviteOnly(quoted()));
        }
        if self.modes.key.is_some() && self.modes.key.as_deref() != key {
            return Err(Refusal::BadKey(quoted()));
        }
        let full = |most| usize::try_from(most).is_ok_and(|most| self.members.len() >= most);
        if self.modes.limit.is_some_and(full) {
            return Err(Refusal::RoomFull(quoted()));
        }
        Ok(())
    }

    /// Whether he may say this here.
    pub(super) fn hears(&self, who: &Source, kind: Kind, text: &str) -> bool {
        let member = self.members.get(&who.nick);
        let privileged = member.is_some_and(|member| member.operator || member.voiced);
        // Wherever it is: a long text may be divided in front of it. An ACTION has a kind of its own.
        let ctcp = || matches!(kind, Kind::Text | Kind::Notice) && text.contains('\u{1}');
        (member.is_some() || !self.modes.has(Flag::NoExternal))
            && (privileged || !self.modes.has(Flag::Moderated) && !self.silences(who))
            && !(self.modes.has(Flag::NoCtcp) && ctcp())
            && (self.kind == RoomKind::Open || kind == Kind::Opaque)
    }
}

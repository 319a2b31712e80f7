//! METADATA: what people and rooms say about themselves (IRCv3 `draft/metadata-3`).
//!
//! A person's is changed by himself, a room's by its operators, everybody's by the administrators.
//! Who may know of neither a target nor its presence is answered as if there were none.

mod sync;
mod tell;

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{
        metadata::{Early, changed, full, no_target, row_of, rows_of, without_values},
        state::State,
    },
    ident::Nick,
    protocol::{
        command::{Ask, KeyWish, Metadata},
        durable::Durable,
        limits,
        metadata::{ALL, Key, MetadataReply, Owner, Row, Values},
        modes::Flag,
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn metadata(&mut self, Metadata { target, ask }: &Metadata) {
        if let Ask::Sub(_) | Ask::Unsub(_) | Ask::Subs = ask {
            return self.subscriptions(target, ask);
        }
        if **target == *ALL && *ask == Ask::Sync {
            return self.sync_everything();
        }
        let Some((owner, name)) = self.state.metadata_target(&self.me, target) else {
            return self.refuse(no_target(target));
        };
        match ask {
            Ask::Set(key, _) if !self.may_set(&owner) => self.refuse(forbidden(&name, key.as_str())),
            Ask::Clear if !self.may_set(&owner) => self.refuse(forbidden(&name, "*")),
            Ask::Set(key, value) => self.set(&owner, &name, key, value.as_ref()),
            Ask::Clear => self.clear(&owner, name),
            _ if !self.may_read(&owner) => self.refuse(forbidden(&name, "*")),
            Ask::Get(wishes) => self.get(&owner, name, wishes),
            Ask::List => {
                let rows = self.state.values_of(&owner).map_or_else(Vec::new, |values| rows_of(&name, values));
                self.reply(Reply::Metadata(MetadataReply::Rows(name, rows)));
            }
            Ask::Sync => self.sync(&owner, name),
            Ask::Sub(_) | Ask::Unsub(_) | Ask::Subs => {}
        }
    }

    fn get(&mut self, owner: &Owner, name: Arc<str>, wishes: &[KeyWish]) {
        let values = self.state.values_of(owner);
        let value = |key: &Key| values.and_then(|values| values.get(key)).cloned();
        let rows = wishes.iter().map(|wish| row_of(&name, wish, value)).collect();
        self.reply(Reply::Metadata(MetadataReply::Rows(name, rows)));
    }

    fn set(&mut self, owner: &Owner, name: &Arc<str>, key: &Key, value: Option<&Arc<str>>) {
        if !self.has_room_for(owner, key, value) {
            return self.replies.push(full(name, limits::METADATA_KEYS));
        }
        self.write(owner, name, key, value);
        self.replies.push(changed(name, key, value));
    }

    fn clear(&mut self, owner: &Owner, name: Arc<str>) {
        let rows = self.state.values_of(owner).map_or_else(Vec::new, |values| rows_of(&name, values));
        let rows = without_values(rows);
        for row in &rows {
            if let Row::Key { key, .. } = row {
                self.write(owner, &name, key, None);
            }
        }
        self.reply(Reply::Metadata(MetadataReply::Rows(name, rows)));
    }

    /// Gives a key its value and tells who is subscribed to it; nothing happens where it has it.
    fn write(&mut self, owner: &Owner, name: &Arc<str>, key: &Key, value: Option<&Arc<str>>) {
        if self.state.values_of(owner).and_then(|values| values.get(key)) == value {
            return;
        }
        self.record(Durable::MetadataSet { owner: owner.clone(), key: key.clone(), value: value.cloned() });
        self.tell_subscribers(owner, &Row::Key { target: Arc::clone(name), key: key.clone(), value: value.cloned() });
    }

    fn has_room_for(&self, owner: &Owner, key: &Key, value: Option<&Arc<str>>) -> bool {
        let values = self.state.values_of(owner);
        value.is_none() || values.is_none_or(|set| set.contains_key(key) || set.len() < limits::METADATA_KEYS)
    }

    /// What a session has said before it was registered comes true, as far as there is room.
    pub(super) fn metadata_from_early(&mut self, early: &Early) {
        let (me, name) = (Owner::Account(self.me.clone()), Arc::from(self.me.as_str()));
        if early.cleared {
            self.clear(&me, Arc::clone(&name));
            self.replies.pop();
        }
        for (key, value) in &early.values {
            if self.has_room_for(&me, key, value.as_ref()) {
                self.write(&me, &name, key, value.as_ref());
            }
        }
    }

    fn may_set(&self, owner: &Owner) -> bool {
        let mine = match owner {
            Owner::Account(nick) => *nick == self.me,
            Owner::Room(id) => {
                self.state.rooms.get(id).and_then(|room| room.members.get(&self.me)).is_some_and(|me| me.operator)
            }
        };
        mine || self.is_administrator()
    }

    /// A room that takes only the invited says nothing to others about itself.
    fn may_read(&self, owner: &Owner) -> bool {
        let Owner::Room(id) = owner else { return true };
        let open = |room: &crate::hub::room::Room| {
            !room.modes.has(Flag::InviteOnly) || room.members.contains_key(&self.me) || self.is_administrator()
        };
        self.state.rooms.get(id).is_some_and(open)
    }
}

impl State {
    /// Whom or which room `me` means by a target, and how it is written; none that he may not know
    /// of.
    fn metadata_target(&self, me: &Nick, target: &str) -> Option<(Owner, Arc<str>)> {
        if target == "*" {
            return Some((Owner::Account(me.clone()), me.as_str().into()));
        }
        if let Some((id, room)) = self.room_named(target) {
            return room.visible_to(me).then(|| (Owner::Room(id), room.name.as_str().into()));
        }
        let (nick, _) = self.account_named(target).filter(|(nick, _)| self.reveals(nick, me))?;
        Some((Owner::Account(nick.clone()), nick.as_str().into()))
    }

    pub(super) fn values_of(&self, owner: &Owner) -> Option<&Values> {
        match owner {
            Owner::Account(nick) => self.accounts.get(nick).map(|account| &account.metadata),
            Owner::Room(id) => self.rooms.get(id).map(|room| &room.metadata),
        }
    }

    /// Whether a person lets `to` know of him: not one who is invisible (`+i`) or not here, unless
    /// they share a room. Were those not here shown, it would be seen who is here and invisible.
    pub(super) fn reveals(&self, who: &Nick, to: &Nick) -> bool {
        let Some(account) = self.accounts.get(who) else { return false };
        who == to
            || account.present() && !account.modes.invisible
            || self.settings.administrators.contains(to)
            || account.rooms.iter().filter_map(|id| self.rooms.get(id)).any(|room| room.members.contains_key(to))
    }
}

fn forbidden(target: &str, key: &str) -> Refusal {
    Refusal::fail("METADATA", "KEY_NO_PERMISSION", &[target, key], "you may not do that with this target")
}

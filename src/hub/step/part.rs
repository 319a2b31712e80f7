//! PART: out of a room for good.

use std::sync::Arc;

use super::Turn;
use crate::{
    ident::RoomId,
    protocol::durable::Durable,
    protocol::{
        caps::Dialect,
        chat::Act,
        command::Place,
        limits::{self, cut},
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn part(&mut self, places: &[Place], reason: Option<&Arc<str>>) {
        for place in places {
            let Some(id) = self.room(place) else { continue };
            let Some(room) = self.state.rooms.get(&id) else { continue };
            if !room.members.contains_key(&self.me) {
                self.refuse(Refusal::NotOnRoom(room.name.as_str().into()));
                continue;
            }
            self.leave_room(id, reason);
        }
    }

    pub(super) fn part_all(&mut self) {
        let rooms = self.my_account().map(|account| account.rooms.clone()).unwrap_or_default();
        for id in rooms {
            self.leave_room(id, None);
        }
    }

    fn leave_room(&mut self, id: RoomId, reason: Option<&Arc<str>>) {
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let (audience, source, name) = (Arc::clone(&room.audience), Arc::clone(&account.source), room.name.clone());
        let was_current = self.my_session().is_some_and(|session| session.current == Some(id));
        let reason = reason.map(|reason| cut(reason, limits::REASON).into());
        self.tell(&audience, &source, Act::Part(name.clone(), reason));
        self.record(Durable::Left { room: id, account: self.me.clone() });
        let empty = self.state.rooms.get(&id).is_some_and(|room| room.members.is_empty());
        if empty && name != self.state.settings.server.lobby {
            self.record(Durable::RoomRemoved(id));
        }
        if was_current {
            self.talk_elsewhere();
        }
    }

    /// A plain session that left its current room talks in the room it joined last.
    fn talk_elsewhere(&mut self) {
        match self.my_account().and_then(|account| account.rooms.last().copied()) {
            Some(id) => self.talk_in(id),
            None if self.my_session().is_some_and(|s| s.dialect == Dialect::Plain) => {
                self.reply(Reply::TalkIn(None));
            }
            None => {}
        }
    }
}

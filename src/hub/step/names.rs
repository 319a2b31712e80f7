//! NAMES: who is in a room now.

use std::sync::Arc;

use super::{Turn, present_members};
use crate::{
    hub::{account::Account, room::Room, state::State},
    protocol::{
        command::Place,
        modes::Flag,
        reply::{Member, Reply},
    },
};

impl Turn<'_> {
    pub(super) fn names(&mut self, places: &[Place]) {
        if places.is_empty() {
            return self.reply(Reply::NoNames("*".into()));
        }
        for place in places {
            let reply = match place {
                Place::Current => {
                    let Some(id) = self.room(place) else { continue };
                    self.state.rooms.get(&id).map(|room| names_of(self.state, room))
                }
                Place::Named(name) => self
                    .state
                    .room_named(name)
                    .filter(|(_, room)| room.visible_to(&self.me))
                    .map(|(_, room)| names_of(self.state, room)),
            };
            let name = match place {
                Place::Named(name) => name.clone(),
                Place::Current => "*".into(),
            };
            self.reply(reply.unwrap_or(Reply::NoNames(name)));
        }
    }
}

/// The members of a room who are here.
pub(super) fn names_of(state: &State, room: &Room) -> Reply {
    let people = present_members(state, room).map(|(_, account)| member(state, account, Some(room))).collect();
    Reply::Names(room.name.clone(), room.modes.has(Flag::Secret), people)
}

/// A person as a row of a list, with his place in the room.
pub(super) fn member(state: &State, account: &Account, room: Option<&Room>) -> Member {
    let place = room.and_then(|room| room.members.get(&account.source.nick));
    Member {
        source: Arc::clone(&account.source),
        realname: Arc::clone(&account.realname),
        room: room.map(|room| room.name.clone()),
        operator: place.is_some_and(|place| place.operator),
        voiced: place.is_some_and(|place| place.voiced),
        away: state.away(account).is_some(),
        administrator: account.modes.operator,
        bot: account.modes.bot,
        idle: state.now_ms.saturating_sub(account.spoke_ms) / 1000,
    }
}

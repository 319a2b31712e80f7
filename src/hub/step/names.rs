//! NAMES: who is in a room now.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{account::Account, room::Room, state::State},
    ident::{Nick, RoomName},
    protocol::{
        command::Place,
        modes::Flag,
        reply::{Member, Reply},
        roster::Roster,
    },
};

impl Turn<'_> {
    pub(super) fn names(&mut self, places: &[Place]) {
        match places {
            [] => self.reply(Reply::NoNames("*".into())),
            [Place::Named(name)] => {
                let shown = self.shown(name).map(|room| names_of(room, &self.me));
                self.reply(shown.unwrap_or_else(|| Reply::NoNames(name.clone())));
            }
            [place @ Place::Current] => {
                let Some(id) = self.room(place) else { return };
                let shown = self.state.rooms.get(&id).map(|room| names_of(room, &self.me));
                self.replies.extend(shown);
            }
            places => self.names_of_many(places),
        }
    }

    fn names_of_many(&mut self, places: &[Place]) {
        let mut names: Vec<&str> = Vec::new();
        for place in places {
            if let Place::Named(name) = place {
                names.push(name);
            }
        }
        let rooms = names.iter().filter_map(|name| self.shown(name)).map(|room| people_of(room, &self.me));
        let reply = Reply::NamesOfMany(rooms.collect(), names.join(",").into());
        self.reply(reply);
    }

    /// The room of this name, if I may know of it.
    fn shown(&self, name: &str) -> Option<&Room> {
        self.state.room_named(name).map(|(_, room)| room).filter(|room| room.visible_to(&self.me))
    }
}

/// The members of a room who are here, as far as `asker` may see them.
pub(super) fn names_of(room: &Room, asker: &Nick) -> Reply {
    let (name, secret, people) = people_of(room, asker);
    Reply::Names(name, secret, people)
}

fn people_of(room: &Room, asker: &Nick) -> (RoomName, bool, Roster) {
    (room.name.clone(), room.modes.has(Flag::Secret), seen_in(room, asker))
}

/// The members who are here; outsiders do not see those who are invisible (user mode `i`).
pub(super) fn seen_in(room: &Room, asker: &Nick) -> Roster {
    if room.members.contains_key(asker) { room.people.clone() } else { room.people.for_outsiders() }
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
        away: account.away.is_some(),
        administrator: account.modes.operator,
        bot: account.modes.bot,
        idle: state.now_ms.saturating_sub(account.spoke_ms) / 1000,
    }
}

//! KICK: somebody out of a room, whether he is here or not (Modern IRC, section "KICK message").

use std::sync::Arc;

use super::Turn;
use crate::{
    ident::Nick,
    protocol::{
        chat::Act,
        command::Place,
        limits::{self, cut},
        refusal::Refusal,
    },
};

impl Turn<'_> {
    pub(super) fn kick(&mut self, who: &[(Place, Box<str>)], reason: Option<&Arc<str>>) {
        let reason = reason.map_or(self.me.as_str(), |reason| cut(reason, limits::KICK)).into();
        for (place, nick) in who {
            if let Err(refusal) = self.kick_one(place, nick, &reason) {
                self.refuse(refusal);
            }
        }
    }

    fn kick_one(&mut self, place: &Place, nick: &str, reason: &Arc<str>) -> Result<(), Refusal> {
        // Refused already, where there is no such room.
        let Some(id) = self.room(place) else { return Ok(()) };
        let Some(room) = self.state.rooms.get(&id) else { return Ok(()) };
        self.operates(room)?;
        let member = nick.parse::<Nick>().ok().and_then(|nick| room.members.get_key_value(&nick));
        let Some((who, _)) = member else {
            return Err(Refusal::NotInRoom(nick.into(), room.name.as_str().into()));
        };
        let (who, reason) = (who.clone(), Arc::clone(reason));
        self.tell_room(id, |room| Act::Kick { room, who: who.clone(), reason });
        self.leave(id, &who);
        Ok(())
    }
}

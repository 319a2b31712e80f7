//! RENAME: a room gets another name and stays what it is (IRCv3 `draft/channel-rename`).

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{delivery::Delivery, request::SessionId},
    ident::{RoomId, RoomName},
    protocol::{
        caps::{Cap, Dialect},
        chat::{Act, Event},
        command::Place,
        durable::Durable,
        limits::{self, cut},
        refusal::Refusal,
        reply::Reply,
    },
};

/// In a room of more sessions than this, those that are moved get no list of its people: so many lists
/// of so many would be hundreds of megabytes for one line.
const MOVED: usize = 1000;

impl Turn<'_> {
    pub(super) fn rename(&mut self, place: &Place, new: &str, reason: Option<&Arc<str>>) {
        let Some(id) = self.room(place) else { return };
        match self.may_rename(id, new) {
            Ok(new) => self.rename_to(id, &new, reason.map(|reason| cut(reason, limits::RENAME).into())),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn may_rename(&self, id: RoomId, new: &str) -> Result<RoomName, Refusal> {
        let Some(room) = self.state.rooms.get(&id) else { return Err(Refusal::NoCurrentRoom) };
        self.operates(room)?;
        let old = room.name.as_str();
        let fail = |code, what: &'static str| Refusal::fail("RENAME", code, &[old, new], what);
        let lobby = &self.state.settings.server.lobby;
        if room.name == *lobby {
            return Err(fail("CANNOT_RENAME", "this room is where everybody finds the others: it keeps its name"));
        }
        if !new.starts_with('#') {
            return Err(fail("CANNOT_RENAME", "a room's name starts with #"));
        }
        let name: RoomName = new.parse().map_err(|_| Refusal::BadRoomName(new.into()))?;
        if name.as_str() == old {
            return Err(fail("CANNOT_RENAME", "that is its name already"));
        }
        if name == *lobby || self.state.names.get(&name).is_some_and(|other| *other != id) {
            return Err(fail("CHANNEL_NAME_IN_USE", "another room has that name"));
        }
        Ok(name)
    }

    /// Programs that do not know of renaming see each of their own accounts leave the old name and
    /// come in under the new one, unless only the case has changed.
    fn rename_to(&mut self, id: RoomId, new: &RoomName, reason: Option<Arc<str>>) {
        let Some(room) = self.state.rooms.get(&id) else { return };
        let (old, audience) = (room.name.clone(), room.audience.clone());
        self.record(Durable::Renamed(id, new.clone()));
        if old != *new {
            let room = self.state.rooms.get(&id).filter(|_| audience.len() > MOVED);
            // Who wants the list asks, as with `draft/no-implicit-names`.
            let mut names = room.map(|room| Reply::NoNames(room.name.as_str().into()));
            for session in audience.iter() {
                let unaware =
                    |s: &crate::hub::account::Session| s.dialect == Dialect::Irc && !s.caps.has(Cap::ChannelRename);
                if self.state.sessions.get(&session).is_some_and(|session| unaware(session)) {
                    self.move_session(id, session, (&old, reason.as_ref()), &mut names);
                }
            }
        }
        self.tell_room(id, |to| Act::Rename { from: old, to, reason });
    }

    fn move_session(
        &mut self,
        id: RoomId,
        session: SessionId,
        (old, reason): (&RoomName, Option<&Arc<str>>),
        names: &mut Option<Reply>,
    ) {
        let account = self.state.sessions.get(&session).and_then(|session| self.state.accounts.get(&session.account));
        let (Some(account), Some(room)) = (account, self.state.rooms.get(&id)) else { return };
        let (source, realname, room) = (Arc::clone(&account.source), Arc::clone(&account.realname), room.name.clone());
        let mut replies = Vec::new();
        for act in [Act::Part(old.clone(), reason.cloned()), Act::Join { room, realname }] {
            let event = Event { id: self.id(), time_ms: self.at.time_ms, source: Arc::clone(&source), act };
            replies.push(Reply::Event(Arc::new(event)));
        }
        replies.extend(self.show(id, session, names));
        if session == self.from {
            self.replies.extend(replies);
        } else {
            self.deliveries.push(Delivery::Replies { session, label: None, replies });
        }
    }
}

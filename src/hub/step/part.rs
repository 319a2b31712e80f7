//! PART: out of a room for good.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{delivery::Delivery, request::SessionId},
    ident::{Nick, RoomId},
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
        let reason = reason.map(|reason| cut(reason, limits::REASON).into());
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let (name, audience, source) = (room.name.clone(), room.audience.clone(), Arc::clone(&account.source));
        self.tell_presence(id, &audience, &source, Act::Part(name, reason));
        let me = self.me.clone();
        self.leave(id, &me);
    }

    /// The account is a member no longer: an empty room is gone (the lobby stays), and plain
    /// sessions that talked there talk elsewhere.
    pub(super) fn leave(&mut self, id: RoomId, who: &Nick) {
        let talks_there = |session: &&SessionId| {
            self.state.sessions.get(session).is_some_and(|s| s.dialect == Dialect::Plain && s.current == Some(id))
        };
        let sessions = self.state.accounts.get(who).map(|account| account.sessions.clone()).unwrap_or_default();
        let homeless: Vec<SessionId> = sessions.iter().filter(talks_there).copied().collect();
        self.record(Durable::Left { room: id, account: who.clone() });
        let lobby = &self.state.settings.server.lobby;
        if self.state.rooms.get(&id).is_some_and(|room| room.members.is_empty() && room.name != *lobby) {
            self.record(Durable::RoomRemoved(id));
        }
        homeless.into_iter().for_each(|session| self.talk_elsewhere(session));
    }

    /// A plain session that lost its current room talks where it did before, or else in the room
    /// that its account joined last.
    fn talk_elsewhere(&mut self, id: SessionId) {
        let Some(session) = self.state.sessions.get_mut(&id) else { return };
        let rooms = self.state.accounts.get(&session.account).map_or(&[][..], |account| &account.rooms);
        session.current = session.previous.filter(|room| rooms.contains(room)).or(rooms.last().copied());
        session.previous = None;
        let name = session.current.and_then(|room| self.state.rooms.get(&room)).map(|room| room.name.clone());
        let reply = Reply::TalkIn(name);
        if id == self.from {
            self.reply(reply);
        } else {
            self.deliveries.push(Delivery::Replies { session: id, label: None, replies: vec![reply] });
        }
    }
}

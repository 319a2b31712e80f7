//! JOIN: into a room, which is made if there is none.

use std::sync::Arc;

use super::{Turn, mode_line::Line, names};
use crate::{
    hub::{audience::Audience, delivery::Delivery, request::SessionId},
    ident::{RoomId, RoomName},
    protocol::durable::{Durable, RoomKind, Visibility},
    protocol::{
        caps::{Cap, Dialect},
        chat::Act,
        modes::Status,
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn join(&mut self, rooms: &[(Box<str>, Option<Box<str>>)]) {
        for (name, key) in rooms {
            match name.parse::<RoomName>() {
                Ok(room) => self.join_one(&room, key.as_deref()),
                Err(_) if name.starts_with('#') => self.refuse(Refusal::BadRoomName(name.clone())),
                Err(_) => self.refuse(Refusal::NoSuchRoom(name.clone())),
            }
        }
    }

    /// Joins the room, or makes it current where the account is in it already.
    pub(super) fn join_one(&mut self, name: &RoomName, key: Option<&str>) {
        let found = self.state.names.get(name).copied();
        let member = found.and_then(|id| self.state.rooms.get(&id)).is_some_and(|r| r.members.contains_key(&self.me));
        if let Some(id) = found.filter(|_| member) {
            return self.talk_in(id);
        }
        match self.enter(name, found, key) {
            Ok(id) => self.welcome_to(id),
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn enter(&mut self, name: &RoomName, found: Option<RoomId>, key: Option<&str>) -> Result<RoomId, Refusal> {
        let settings = &self.state.settings;
        let quoted = || Box::from(name.as_str());
        if self.my_account().is_some_and(|account| account.rooms.len() >= settings.server.rooms_per_account) {
            return Err(Refusal::TooManyRooms(quoted(), settings.server.rooms_per_account));
        }
        let is_lobby = *name == settings.server.lobby;
        let administrator = settings.administrators.contains(&self.me);
        let id = match found {
            Some(id) => {
                let (room, account) = (self.state.rooms.get(&id), self.my_account());
                if let (Some(room), Some(account)) = (room, account) {
                    room.admits(&account.source, key)?;
                }
                id
            }
            None if self.state.rooms.len() >= settings.rooms => return Err(Refusal::ServerFull(quoted())),
            None => {
                let room = RoomId(self.state.next_room);
                // The lobby is the administrators', whoever comes first.
                let founder = (!is_lobby).then(|| self.me.clone());
                self.record(Durable::RoomCreated {
                    room,
                    name: name.clone(),
                    kind: RoomKind::Open,
                    visibility: Visibility::All,
                    founder,
                    at: self.at.time_ms / 1000,
                });
                room
            }
        };
        let operator = match found {
            Some(id) => {
                let founder = self.state.rooms.get(&id).and_then(|room| room.founder.as_ref());
                founder == Some(&self.me) || is_lobby && administrator
            }
            None => !is_lobby || administrator,
        };
        self.record(Durable::Joined { room: id, account: self.me.clone(), operator, at_ms: self.at.time_ms });
        Ok(id)
    }

    /// Tells everybody, and shows the room to all the account's sessions.
    fn welcome_to(&mut self, id: RoomId) {
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let (audience, name) = (room.audience.clone(), room.name.clone());
        let (source, sessions) = (Arc::clone(&account.source), account.sessions.clone());
        let realname = Arc::clone(&account.realname);
        self.tell_presence(id, &audience, &source, Act::Join { room: name, realname });
        self.show_away(id, &audience);
        self.introduce(id);
        let mut names = None;
        for &session in &sessions {
            let mut replies = self.show(id, session, &mut names);
            replies.extend(self.sync_room(id, session));
            if session == self.from {
                self.replies.extend(replies);
            } else {
                self.deliveries.push(Delivery::Replies { session, label: None, replies });
            }
        }
        self.tell_status(id, &audience);
        self.talk_in(id);
    }

    /// Who is back in a room where he has a status has not got it from anybody whom the others saw:
    /// so they are told. Who founds a room is alone there.
    pub(super) fn tell_status(&mut self, id: RoomId, audience: &Audience) {
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let Some(place) = room.members.get(&self.me).filter(|_| room.members.len() > 1) else { return };
        let mut line = Line::default();
        for (status, has) in [(Status::Operator, place.operator), (Status::Voiced, place.voiced)] {
            if has {
                line.add(true, status.letter(), Some(self.me.as_str()));
            }
        }
        let (name, source) = (room.name.clone(), Arc::clone(&account.source));
        for changes in line.finish() {
            // Nothing has changed in the room: no part of its history.
            let event = self.event(&source, Act::Mode(name.clone(), changes));
            self.show_presence(vec![(id, audience.clone())], Vec::new(), &[], event);
        }
    }

    /// What a session that is now in the room gets to see of it. `names` is made once for all
    /// members: with a list for each, a large room would not fit into the memory.
    pub(super) fn show(&self, id: RoomId, session: SessionId, names: &mut Option<Reply>) -> Vec<Reply> {
        let Some(room) = self.state.rooms.get(&id) else { return Vec::new() };
        let mut replies = Vec::new();
        if room.topic.is_some() {
            replies.push(Reply::Topic(room.name.clone(), room.topic.clone()));
        }
        replies.extend(self.mark_for(&room.name, session));
        // IRCv3 `draft/no-implicit-names`: who wants to know asks.
        let session = self.state.sessions.get(&session);
        if let Some(session) = session.filter(|session| !session.caps.has(Cap::NoImplicitNames)) {
            let all = names.get_or_insert_with(|| names::names_of(room, &session.account));
            replies.push(all.clone());
        }
        replies
    }

    /// A plain session's text goes to the room from now on.
    pub(super) fn talk_in(&mut self, id: RoomId) {
        let Some(name) = self.state.rooms.get(&id).map(|room| room.name.clone()) else { return };
        let Some(session) = self.my_session() else { return };
        if session.dialect == Dialect::Plain && session.current != Some(id) {
            session.previous = session.current.replace(id);
            self.reply(Reply::TalkIn(Some(name)));
        }
    }
}

//! HISTORY and CHATHISTORY (IRCv3 `draft/chathistory`): what is kept, within what one may read.
//!
//! The journal has it; here is decided what is asked of it.

use super::Turn;
use crate::{
    hub::{
        delivery::{Delivery, Lookup, Names},
        state::State,
    },
    ident::{Nick, RoomId},
    protocol::{
        caps::Cap,
        command::{Chathistory, Place},
        durable::{Conversation, Visibility},
        past::{Content, Newest, Page, Range},
        refusal::Refusal,
    },
};

/// A conversation that one may read.
#[derive(Debug)]
pub(in crate::hub) struct Readable {
    pub conversation: Conversation,
    /// What the room or person is called.
    pub name: Box<str>,
    /// None said before this (milliseconds since the epoch).
    pub since_ms: u64,
}

impl State {
    /// The conversation of this name, if there is one and `me` may read it. A room that he is not
    /// in looks like one that there is not.
    pub(in crate::hub) fn readable(&self, me: &Nick, name: &str) -> Option<Readable> {
        if name.starts_with('#') {
            return self.room_history(me, self.room_named(name)?.0).ok();
        }
        let nick = self.person_named(name)?;
        let conversation = Conversation::between(me.clone(), nick.clone());
        Some(Readable { conversation, name: nick.as_str().into(), since_ms: 0 })
    }

    fn room_history(&self, me: &Nick, id: RoomId) -> Result<Readable, Refusal> {
        let Some(room) = self.rooms.get(&id) else { return Err(Refusal::NoCurrentRoom) };
        let name = Box::from(room.name.as_str());
        let Some(member) = room.members.get(me) else { return Err(Refusal::NotOnRoom(name)) };
        let since_ms = match room.visibility {
            Visibility::All => 0,
            Visibility::SinceJoining => member.since_ms,
        };
        Ok(Readable { conversation: Conversation::Room(id), name, since_ms })
    }
}

impl Turn<'_> {
    pub(super) fn history(&mut self, place: &Place, most: usize) {
        let found = match place {
            Place::Named(name) if !name.starts_with('#') => name
                .parse::<Nick>()
                .map(|nick| Conversation::between(self.me.clone(), nick))
                .map(|conversation| Readable { conversation, name: name.clone(), since_ms: 0 })
                .map_err(|_| Refusal::NoSuchNick(name.clone())),
            place => {
                let Some(id) = self.room(place) else { return };
                self.state.room_history(&self.me, id)
            }
        };
        match found {
            Err(refusal) => self.refuse(refusal),
            Ok(found) => {
                let (name, page) = self.page(found, Range::Latest(None), Content::Texts, most);
                self.look_up(Lookup::History(name, page));
            }
        }
    }

    pub(super) fn chathistory(&mut self, asked: &Chathistory) {
        let (target, range, most) = match asked {
            Chathistory::Latest(target, bound, most) => (target, Range::Latest(*bound), *most),
            Chathistory::Before(target, bound, most) => (target, Range::Before(*bound), *most),
            Chathistory::After(target, bound, most) => (target, Range::After(*bound), *most),
            Chathistory::Around(target, bound, most) => (target, Range::Around(*bound), *most),
            Chathistory::Between(target, one, other, most) => (target, Range::Between(*one, *other), *most),
            Chathistory::Targets(from, to, most) => return self.conversations((*from, *to), *most),
        };
        let Some(found) = self.state.readable(&self.me, target) else {
            let context = [asked.name(), target];
            let what = "there is no such room or person, or you may not read it";
            return self.refuse(Refusal::fail("CHATHISTORY", "INVALID_TARGET", &context, what));
        };
        let content = match self.my_session().is_some_and(|session| session.caps.has(Cap::EventPlayback)) {
            true => Content::Everything,
            false => Content::Texts,
        };
        let (name, page) = self.page(found, range, content, most);
        self.look_up(Lookup::Page(asked.name(), name, page));
    }

    /// `CHATHISTORY TARGETS`: my rooms and those with whom I spoke.
    fn conversations(&mut self, between_ms: (u64, u64), most: usize) {
        let (names, rooms) = self.my_rooms();
        let newest = Newest { account: self.me.clone(), rooms, between_ms, until: self.at.position, most };
        self.look_up(Lookup::Targets(names, newest));
    }

    /// My rooms: how each is called, and since when what was said there is mine to read.
    pub(super) fn my_rooms(&self) -> (Names, Vec<(RoomId, u64)>) {
        let ids = self.my_account().map_or(&[][..], |account| &account.rooms);
        let room = |&id: &RoomId| {
            let room = self.state.rooms.get(&id)?;
            let found = self.state.room_history(&self.me, id).ok()?;
            Some(((id, room.name.clone()), (id, found.since_ms)))
        };
        ids.iter().filter_map(room).unzip()
    }

    fn page(&self, found: Readable, range: Range, content: Content, most: usize) -> (Box<str>, Page) {
        let Readable { conversation, name, since_ms } = found;
        (name, Page { conversation, range, content, since_ms, until: self.at.position, most })
    }

    pub(super) fn look_up(&mut self, lookup: Lookup) {
        let (session, label) = (self.from, self.label.take());
        self.after.push(Delivery::Lookup { session, label, lookup: Box::new(lookup) });
    }
}

//! Where we are: the rooms with their people, the one that is talked to, and what was seen.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// How many ids of messages are remembered to know a repeated one. More than the server says again: a
/// replay of 5,000, and what came live since it last asked how far we are, which it does every 256.
const REMEMBERED: usize = 10_000;

/// The rooms as the server tells of them. Names are compared without ASCII case.
#[derive(Debug, Default)]
pub struct Model {
    rooms: BTreeMap<String, Room>,
    current: Option<String>,
    /// Rooms that were talked to before, the last one at the end.
    before: Vec<String>,
    seen: Seen,
}

/// A room that we are in, or want to come back to.
#[derive(Debug, Default)]
pub struct Room {
    /// The name as the server writes it.
    pub name: String,
    /// Whether this connection is in it.
    pub joined: bool,
    /// Who is in it: name by folded name.
    pub people: BTreeMap<String, String>,
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Model {
    /// The room that typed text goes to.
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Text goes to this room from now on.
    pub fn switch(&mut self, room: &str) {
        let before = self.current.replace(room.to_owned());
        if let Some(before) = before.filter(|before| !before.eq_ignore_ascii_case(room)) {
            self.before.retain(|name| !name.eq_ignore_ascii_case(&before));
            self.before.push(before);
        }
    }

    /// We are no longer in a room, or never came into it: text goes to the one before.
    pub fn leave(&mut self, room: &str) {
        self.rooms.remove(&fold(room));
        self.before.retain(|name| !name.eq_ignore_ascii_case(room));
        if self.current.as_deref().is_some_and(|current| current.eq_ignore_ascii_case(room)) {
            self.current = self.before.pop().or_else(|| self.rooms.values().next().map(|room| room.name.clone()));
        }
    }

    /// A room by its name.
    pub fn room(&self, name: &str) -> Option<&Room> {
        self.rooms.get(&fold(name))
    }

    /// Whether this connection is in the room.
    pub fn is_joined(&self, name: &str) -> bool {
        self.room(name).is_some_and(|room| room.joined)
    }

    /// All rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &Room> {
        self.rooms.values()
    }

    /// A room that we are in or want to be in.
    pub fn want(&mut self, name: &str) -> &mut Room {
        self.rooms.entry(fold(name)).or_insert_with(|| Room { name: name.to_owned(), ..Room::default() })
    }

    /// The server says that we are in the room.
    pub fn we_joined(&mut self, name: &str) {
        let room = self.want(name);
        name.clone_into(&mut room.name);
        room.joined = true;
        room.people.clear();
    }

    /// A room has another name.
    pub fn rename(&mut self, old: &str, new: &str) {
        let Some(mut room) = self.rooms.remove(&fold(old)) else { return };
        new.clone_into(&mut room.name);
        self.rooms.insert(fold(new), room);
        let names = self.before.iter_mut().chain(&mut self.current);
        names.filter(|name| name.eq_ignore_ascii_case(old)).for_each(|name| new.clone_into(name));
    }

    /// Somebody came in.
    pub fn came(&mut self, room: &str, nick: &str) {
        if let Some(room) = self.rooms.get_mut(&fold(room)) {
            room.people.insert(fold(nick), nick.to_owned());
        }
    }

    /// Somebody writes his name otherwise.
    pub fn spelled(&mut self, nick: &str, new: &str) {
        let places = self.rooms.values_mut().filter_map(|room| room.people.get_mut(&fold(nick)));
        places.for_each(|name| new.clone_into(name));
    }

    /// Somebody went out.
    pub fn went(&mut self, room: &str, nick: &str) {
        if let Some(room) = self.rooms.get_mut(&fold(room)) {
            room.people.remove(&fold(nick));
        }
    }

    /// Somebody is gone altogether. Of the rooms where he was, the current one or the first.
    pub fn gone(&mut self, nick: &str) -> Option<String> {
        let mut from: Vec<&str> = Vec::new();
        for room in self.rooms.values_mut() {
            if room.people.remove(&fold(nick)).is_some() {
                from.push(&room.name);
            }
        }
        let current = self.current.as_deref();
        let shown = from.iter().find(|name| current.is_some_and(|current| current.eq_ignore_ascii_case(name)));
        shown.or(from.first()).map(|name| (*name).to_owned())
    }

    /// The connection is lost: we are nowhere, and want back to where we were.
    pub fn lost(&mut self) {
        for room in self.rooms.values_mut() {
            room.joined = false;
            room.people.clear();
        }
    }

    /// Remembers a line of a message by the message's id, with who said it and when, and tells whether
    /// it is new. The lines of a message are counted from 0.
    pub fn remember(&mut self, id: &str, line: u32, from: &str, at: u64) -> bool {
        self.seen.insert(id, line, from, at)
    }

    /// Who said the message of this id, and when, if it was seen lately.
    pub fn said(&self, id: &str) -> Option<(String, u64)> {
        self.seen.ids.get(id).map(|said| (String::from(&*said.from), said.at))
    }
}

/// The ids that were seen last.
#[derive(Debug, Default)]
struct Seen {
    order: VecDeque<Box<str>>,
    ids: HashMap<Box<str>, Said>,
}

#[derive(Debug)]
struct Said {
    from: Box<str>,
    at: u64,
    /// How many of its lines came.
    lines: u32,
}

impl Seen {
    fn insert(&mut self, id: &str, line: u32, from: &str, at: u64) -> bool {
        if let Some(said) = self.ids.get_mut(id) {
            let new = line >= said.lines;
            said.lines = said.lines.max(line + 1);
            return new;
        }
        self.ids.insert(id.into(), Said { from: from.into(), at, lines: line + 1 });
        self.order.push_back(id.into());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_goes_back_to_the_room_before() {
        let mut model = Model::default();
        for room in ["#a", "#b", "#c"] {
            model.we_joined(room);
            model.switch(room);
        }
        model.leave("#C");
        assert_eq!(model.current(), Some("#b"));
        model.leave("#a");
        assert_eq!(model.current(), Some("#b"));
        model.leave("#b");
        assert_eq!(model.current(), None);
    }

    #[test]
    fn a_renamed_room_stays_where_it_was() {
        let mut model = Model::default();
        for room in ["#a", "#b"] {
            model.we_joined(room);
            model.switch(room);
        }
        model.came("#a", "Bob");
        model.rename("#A", "#c");
        model.rename("#b", "#B");
        assert_eq!(model.current(), Some("#B"));
        model.leave("#b");
        assert_eq!(model.current(), Some("#c"));
        assert_eq!(model.gone("bob").as_deref(), Some("#c"));
    }

    #[test]
    fn people_come_and_go() {
        let mut model = Model::default();
        model.we_joined("#a");
        model.we_joined("#b");
        model.switch("#b");
        for room in ["#a", "#B"] {
            model.came(room, "Bob");
        }
        assert_eq!(model.gone("bob").as_deref(), Some("#b"));
        assert_eq!(model.gone("bob"), None);
    }

    #[test]
    fn a_repeated_message_is_known_within_bounds() {
        let mut model = Model::default();
        assert!(model.remember("first", 0, "bob", 7) && !model.remember("first", 0, "bob", 7));
        assert!(model.remember("first", 1, "bob", 7) && !model.remember("first", 0, "bob", 7));
        assert_eq!(model.said("first"), Some(("bob".into(), 7)));
        for id in 0..REMEMBERED {
            assert!(model.remember(&id.to_string(), 0, "bob", 8));
        }
        assert_eq!(model.said("first"), None);
        assert!(model.remember("first", 0, "bob", 7));
    }
}

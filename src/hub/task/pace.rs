//! Who comes and goes in large rooms.
//!
//! In a room of thousands each JOIN and QUIT would go into thousands of outboxes, and when many people come
//! back at once, so would thousands of them. Instead they are collected, rendered once for all members that
//! see them alike, and pushed together: the first at once, and those that follow it after a pause.
//!
//! - What a session gets is what it would have got, in the same order: before anything else is said to it,
//!   it gets what was collected for it.
//! - Sessions in the same large rooms that look alike are one class; it has one text, into which all that
//!   they are to hear is written once. A session that came later begins where it came.
//! - Whom a class has, the audiences tell that come with each event; of two that follow each other in a room
//!   only what differs is looked at.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use bytes::Bytes;
use slab::Slab;
use smallvec::SmallVec;

use super::Hub;
use crate::{
    hub::{
        audience::{Audience, Change},
        request::SessionId,
    },
    ident::RoomId,
    protocol::{
        caps::{Cap, Caps, Shape},
        chat::Event,
        render,
    },
};

/// A room with so many sessions is large; until it has less than half of them.
pub(in crate::hub) const LARGE: usize = 200;

/// For so long what happens is collected, after something was said.
pub(super) const PAUSE: Duration = Duration::from_millis(300);

/// What one session gets before the others is copied for it while it is no more than this.
const COPIED: usize = 4 << 10;

/// So much is said before the pause is over.
const MUCH: usize = 64 << 10;

/// So many sessions that are about to hear something else get what was collected together with all others.
const MANY: usize = 16;

/// The capabilities that make a difference to who comes and goes.
const RELEVANT: Caps = Caps::of(&[
    Cap::ServerTime,
    Cap::MessageTags,
    Cap::AccountTag,
    Cap::ExtendedJoin,
    Cap::AwayNotify,
    Cap::ChgHost,
    Cap::SetName,
]);

type Rooms = SmallVec<[RoomId; 4]>;

/// What is collected, and for whom.
pub(super) struct Pace {
    /// From how many sessions on a room is large.
    large: usize,
    rooms: HashMap<RoomId, Large>,
    classes: Slab<Class>,
    keys: HashMap<Key, usize>,
    /// The classes that have something to hear.
    waiting: Vec<usize>,
    /// Whether something was said so lately that what comes now waits.
    resting: bool,
}

/// A large room.
#[derive(Default)]
struct Large {
    /// Who was there when something was collected last.
    audience: Audience,
    /// Of what classes they are.
    classes: Vec<usize>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    shape: Shape,
    /// In order.
    rooms: Rooms,
}

/// Sessions that hear the same of who comes and goes.
struct Class {
    key: Key,
    members: Vec<SessionId>,
    text: Vec<u8>,
}

/// Where a session stands in its class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    class: u32,
    /// Where among the members.
    at: u32,
    /// From where on the text is for it.
    from: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            large: LARGE,
            rooms: HashMap::new(),
            classes: Slab::new(),
            keys: HashMap::new(),
            waiting: Vec::new(),
            resting: false,
        }
    }
}

impl Pace {
    /// Whether what happens now waits.
    pub(super) const fn rests(&self) -> bool {
        self.resting
    }

    fn class_of(&mut self, key: Key) -> usize {
        match self.keys.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let key = entry.key().clone();
                let class = self.classes.insert(Class { key, members: Vec::new(), text: Vec::new() });
                for room in &entry.key().rooms {
                    self.rooms.entry(*room).or_default().classes.push(class);
                }
                *entry.insert(class)
            }
        }
    }

    /// A class that nobody is in any more is gone.
    fn remove_class(&mut self, at: usize) {
        let Some(class) = self.classes.try_remove(at) else { return };
        for room in &class.key.rooms {
            if let Some(room) = self.rooms.get_mut(room) {
                room.classes.retain(|other| *other != at);
            }
        }
        self.keys.remove(&class.key);
    }

    /// The large rooms of a session, as far as anything has happened there.
    fn rooms_of(&self, place: Option<Place>) -> Rooms {
        let class = place.and_then(|place| self.classes.get(place.class as usize));
        class.map(|class| class.key.rooms.clone()).unwrap_or_default()
    }
}

impl Hub {
    #[cfg(test)]
    pub(in crate::hub) fn pace_from(&mut self, large: usize) {
        self.pace.large = large;
    }

    /// Tells what becomes of a person: those in large rooms perhaps a little later.
    pub(super) fn tell_presence(
        &mut self,
        rooms: &[(RoomId, Audience)],
        also: &[SessionId],
        except: &[SessionId],
        event: &Event,
    ) {
        self.end_burst();
        let large: Rooms =
            rooms.iter().filter(|(id, audience)| self.follow(*id, audience)).map(|(id, _)| *id).collect();
        let shape = |shape| render::shape_for_event(shape, event);
        let render = |shape| render::event(shape, event);
        if let ([(_, audience)], [], []) = (rooms, also, &large[..]) {
            return self.fan_out(audience.iter(), except, None, shape, render);
        }
        if !large.is_empty() {
            self.collect(&large, except, event);
        }
        let small = rooms.iter().filter(|(id, _)| !large.contains(id)).flat_map(|(_, audience)| audience.iter());
        let others: Audience = small.chain(also.iter().copied()).filter(|id| !self.hears(*id, &large)).collect();
        self.fan_out(others.iter(), except, None, shape, render);
    }

    /// Whether the session hears what is collected in any of these rooms.
    fn hears(&self, session: SessionId, rooms: &[RoomId]) -> bool {
        let place = self.members.get(session.0 as usize).and_then(Option::as_ref).and_then(|member| member.place);
        let class = place.and_then(|place| self.pace.classes.get(place.class as usize));
        class.is_some_and(|class| rooms.iter().any(|room| class.key.rooms.contains(room)))
    }

    /// Whether a room is large; if it is, its sessions are in their classes.
    fn follow(&mut self, room: RoomId, audience: &Audience) -> bool {
        let known = self.pace.rooms.contains_key(&room);
        let least = if known { self.pace.large / 2 } else { self.pace.large };
        if audience.len() < least {
            self.forget_room(room);
            return false;
        }
        let large = self.pace.rooms.entry(room).or_default();
        let before = std::mem::replace(&mut large.audience, audience.clone());
        for change in before.changes(audience) {
            match change {
                Change::Came(session) if self.is_member(session) => self.move_to(session, room, Move::In),
                // Its end is on the way already; if not, it comes once more.
                Change::Came(session) => {
                    if let Some(large) = self.pace.rooms.get_mut(&room) {
                        large.audience.remove(session);
                    }
                }
                Change::Went(session) => self.move_to(session, room, Move::Out),
            }
        }
        true
    }

    /// The room is large no longer.
    fn forget_room(&mut self, room: RoomId) {
        let Some(audience) = self.pace.rooms.get(&room).map(|large| large.audience.clone()) else { return };
        for session in audience.iter() {
            self.move_to(session, room, Move::Out);
        }
        self.pace.rooms.remove(&room);
    }

    /// Rooms that are no more are not large.
    pub(super) fn forget_rooms(&mut self) {
        let gone = |id: &&RoomId| !self.state.rooms.contains_key(id);
        let gone: Vec<RoomId> = self.pace.rooms.keys().filter(gone).copied().collect();
        gone.into_iter().for_each(|room| self.forget_room(room));
    }

    fn is_member(&self, session: SessionId) -> bool {
        self.members.get(session.0 as usize).is_some_and(Option::is_some)
    }

    /// A session is in one large room more or less.
    fn move_to(&mut self, session: SessionId, room: RoomId, how: Move) {
        let Some(Some(member)) = self.members.get(session.0 as usize) else { return };
        let mut rooms = self.pace.rooms_of(member.place);
        match (rooms.binary_search(&room), how) {
            (Err(at), Move::In) => rooms.insert(at, room),
            (Ok(at), Move::Out) => {
                rooms.remove(at);
            }
            _ => return,
        }
        self.put(session, rooms);
    }

    /// The session looks otherwise now.
    pub(super) fn change_class(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get(session.0 as usize) else { return };
        if member.place.is_some() {
            let rooms = self.pace.rooms_of(member.place);
            self.put(session, rooms);
        }
    }

    /// Puts a session into the class that it belongs to, when it has got what was collected for it.
    fn put(&mut self, session: SessionId, rooms: Rooms) {
        self.catch_up(session);
        self.take_out(session);
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        if rooms.is_empty() {
            return;
        }
        let shape = Shape { caps: member.shape.caps.and(RELEVANT), ..member.shape };
        let class = self.pace.class_of(Key { shape, rooms });
        if let Some(of) = self.pace.classes.get_mut(class) {
            // Fewer classes and members than a u32 holds, and not so much text.
            let (at, from) = (of.members.len() as u32, of.text.len() as u32);
            member.place = Some(Place { class: class as u32, at, from });
            of.members.push(session);
        }
    }

    /// Takes a session out of its class.
    fn take_out(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(place) = member.place.take() else { return };
        let Some(class) = self.pace.classes.get_mut(place.class as usize) else { return };
        class.members.swap_remove(place.at as usize);
        match class.members.get(place.at as usize) {
            Some(moved) => {
                if let Some(Some(moved)) = self.members.get_mut(moved.0 as usize)
                    && let Some(its) = &mut moved.place
                {
                    its.at = place.at;
                }
            }
            None if class.members.is_empty() => self.pace.remove_class(place.class as usize),
            None => {}
        }
    }

    /// A session is gone: whoever gets its number is somebody else.
    pub(super) fn forget_place(&mut self, session: SessionId) {
        let Some(Some(member)) = self.members.get(session.0 as usize) else { return };
        for room in self.pace.rooms_of(member.place) {
            if let Some(large) = self.pace.rooms.get_mut(&room) {
                large.audience.remove(session);
            }
        }
        self.take_out(session);
    }

    /// Writes what happened down for everybody in these rooms.
    fn collect(&mut self, rooms: &[RoomId], except: &[SessionId], event: &Event) {
        let except: SmallVec<[SessionId; 4]> =
            except.iter().copied().filter(|session| self.hears(*session, rooms)).collect();
        except.iter().for_each(|&session| self.catch_up(session));
        let mut classes: SmallVec<[usize; 8]> = SmallVec::new();
        for room in rooms.iter().filter_map(|room| self.pace.rooms.get(room)) {
            classes.extend_from_slice(&room.classes);
        }
        classes.sort_unstable();
        classes.dedup();
        let mut rendered: SmallVec<[(Shape, Bytes); 4]> = SmallVec::new();
        let mut full: SmallVec<[usize; 4]> = SmallVec::new();
        let mut deliveries = 0;
        for at in classes {
            let Some(class) = self.pace.classes.get_mut(at) else { continue };
            let shape = render::shape_for_event(class.key.shape, event);
            let known = rendered.iter().position(|(of, _)| *of == shape).unwrap_or_else(|| {
                rendered.push((shape, render::event(shape, event)));
                rendered.len() - 1
            });
            let octets = &rendered[known].1;
            if octets.is_empty() {
                continue;
            }
            if class.text.is_empty() {
                self.pace.waiting.push(at);
            }
            class.text.extend_from_slice(octets);
            deliveries += class.members.len() as u64;
            if class.text.len() >= MUCH {
                full.push(at);
            }
        }
        for session in except {
            self.pass_over(session);
            deliveries = deliveries.saturating_sub(1);
        }
        self.counters.deliveries.add(deliveries);
        full.into_iter().for_each(|class| self.say_to(class));
    }

    /// What was written down is not for this session.
    fn pass_over(&mut self, session: SessionId) {
        if let Some(Some(member)) = self.members.get_mut(session.0 as usize)
            && let Some(place) = &mut member.place
            && let Some(class) = self.pace.classes.get(place.class as usize)
        {
            place.from = class.text.len() as u32;
        }
    }

    /// A session gets what was collected for it, since something else is to be said to it.
    pub(super) fn catch_up(&mut self, session: SessionId) {
        self.give_part(session);
        if self.pace.waiting.is_empty() {
            return;
        }
        let Some(Some(member)) = self.members.get_mut(session.0 as usize) else { return };
        let Some(place) = &mut member.place else { return };
        let Some(class) = self.pace.classes.get(place.class as usize) else { return };
        let text = &class.text[place.from as usize..];
        if text.len() > COPIED {
            let class = place.class as usize;
            return self.say_to(class);
        }
        place.from = class.text.len() as u32;
        let octets = Bytes::copy_from_slice(text);
        self.wakers.extend(member.push(octets, None, self.now_s));
    }

    /// All these get what was collected for them.
    pub(super) fn catch_up_all(&mut self, sessions: impl Iterator<Item = SessionId>) {
        if self.pace.waiting.is_empty() {
            return;
        }
        for (n, session) in sessions.enumerate() {
            let member = self.members.get(session.0 as usize).and_then(Option::as_ref);
            match member.and_then(|member| member.place) {
                Some(place) if n >= MANY => self.say_to(place.class as usize),
                _ => self.catch_up(session),
            }
        }
    }

    /// A class gets what was collected for it.
    fn say_to(&mut self, class: usize) {
        let Some(class) = self.pace.classes.get_mut(class).filter(|class| !class.text.is_empty()) else { return };
        let text = Bytes::from(std::mem::take(&mut class.text));
        for session in &class.members {
            if let Some(Some(member)) = self.members.get_mut(session.0 as usize)
                && let Some(place) = &mut member.place
            {
                let from = std::mem::take(&mut place.from);
                self.wakers.extend(member.push(text.slice(from as usize..), None, self.now_s));
            }
        }
    }

    /// Everybody gets what was collected.
    pub(super) fn say_all(&mut self) {
        for class in std::mem::take(&mut self.pace.waiting) {
            self.say_to(class);
        }
    }

    /// What is to be said goes out unless something did a moment ago.
    pub(super) fn say_or_rest(&mut self) {
        if !self.pace.resting && !self.pace.waiting.is_empty() {
            self.say_all();
            self.pace.resting = true;
        }
    }

    /// The pause is over.
    pub(in crate::hub) fn breathe(&mut self) {
        self.pace.resting = !self.pace.waiting.is_empty();
        self.say_all();
        self.wakers.drain(..).for_each(std::task::Waker::wake);
    }
}

/// Into a room or out of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    In,
    Out,
}

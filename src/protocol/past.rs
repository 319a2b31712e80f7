//! Questions for what is kept, and what comes back (IRCv3 `draft/chathistory`): asked by the hub,
//! answered by the journal.

use std::sync::Arc;

use crate::{
    ident::{MsgId, Nick, RoomId, RoomName},
    protocol::{
        chat::{Audience, Event, Kind, Message},
        durable::{Bound, Conversation, Position},
    },
};

/// One thing that a conversation's history holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Something was said.
    Message(Arc<Message>),
    /// Something happened in the room.
    Event(Arc<Event>),
}

impl Kept {
    /// Its id.
    pub fn id(&self) -> MsgId {
        match self {
            Self::Message(message) => message.id,
            Self::Event(event) => event.id,
        }
    }

    /// When it happened, milliseconds since the epoch.
    pub fn time_ms(&self) -> u64 {
        match self {
            Self::Message(message) => message.time_ms,
            Self::Event(event) => event.time_ms,
        }
    }

    /// The same under the name that its room has now: clients file a line by the name in it.
    #[must_use]
    pub fn in_room(self, room: &RoomName) -> Self {
        match self {
            Self::Message(message) => match &message.audience {
                Audience::Room(id, name) if name.as_str() != room.as_str() => {
                    let audience = Audience::Room(*id, room.clone());
                    Self::Message(Arc::new(Message { audience, ..Message::clone(&message) }))
                }
                _ => Self::Message(message),
            },
            Self::Event(event) => match event.act.in_room(room) {
                Some(act) => Self::Event(Arc::new(Event { act, ..Event::clone(&event) })),
                None => Self::Event(event),
            },
        }
    }

    /// Whether somebody said something that everybody reads: neither an event nor tags alone.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Message(message) if message.kind != Kind::Tags)
    }
}

/// Which part of a conversation. Bounds are exclusive; a page around a message holds it.
///
/// A bound by time stands before and after everything of its millisecond: items that share it are
/// on neither side. So that pages by time lose nothing, the hub gives times that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest, after the bound if there is one.
    Latest(Option<Bound>),
    /// The newest before the bound.
    Before(Bound),
    /// The oldest after the bound.
    After(Bound),
    /// As many before the bound as from it on, if there are.
    Around(Bound),
    /// Between the two, whichever comes first; counted from the first.
    Between(Bound, Bound),
}

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Only what was said.
    Texts,
    /// Events and reactions too (`draft/event-playback`).
    Everything,
}

/// A question for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Of which conversation.
    pub conversation: Conversation,
    /// Which part.
    pub range: Range,
    /// What of it.
    pub content: Content,
    /// None said before this (milliseconds since the epoch).
    pub since_ms: u64,
    /// None after this place in the order: who asks hears those as they come.
    pub until: Position,
    /// How many at most.
    pub most: usize,
}

/// A question for the conversations of an account by the time of their newest text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Whose: what he and another said to each other.
    pub account: Nick,
    /// And these rooms, each with the time before which nothing is his to read.
    pub rooms: Vec<(RoomId, u64)>,
    /// The newest text is between these times, whichever comes first; counted from the first.
    pub between_ms: (u64, u64),
    /// None after this place in the order.
    pub until: Position,
    /// How many at most.
    pub most: usize,
}

impl Newest {
    /// Whether a conversation whose newest text has this time belongs to the answer.
    pub const fn holds(&self, time_ms: u64) -> bool {
        let (from, to) = self.between_ms;
        time_ms > from && time_ms < to || time_ms > to && time_ms < from
    }

    /// Brings conversations into the order of their times and drops those beyond the limit.
    pub fn cut(&self, found: &mut Vec<(Conversation, u64)>) {
        found.sort_by_key(|(_, time_ms)| *time_ms);
        let (from, to) = self.between_ms;
        if from <= to {
            found.truncate(self.most);
        } else {
            found.drain(..found.len().saturating_sub(self.most));
        }
    }
}

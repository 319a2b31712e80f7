//! Questions for what is kept, and what comes back (IRCv3 `draft/chathistory`): asked by the hub,
//! answered by the journal.

use std::sync::Arc;

use crate::{
    ident::{MsgId, Nick, RoomId, RoomName},
    protocol::{
        chat::{Act, Audience, Event, Kind, Message},
        durable::{Bound, Conversation, Origin, Position},
        words,
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

    /// The message, if it is one.
    pub fn into_message(self) -> Option<Arc<Message>> {
        match self {
            Self::Message(message) => Some(message),
            Self::Event(_) => None,
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

    /// What its sender wrote, in octets.
    pub fn octets(&self) -> usize {
        match self {
            Self::Message(message) => {
                let tags = message.tags.as_ref().map_or(0, |tags| tags.len());
                message.text.len() + tags + size_of_val(&*message.joints)
            }
            Self::Event(event) => written(event),
        }
    }

    /// About as much as its reader gets at most because it has several lines: a head for each of them,
    /// and short tags with each.
    pub fn heads(&self) -> usize {
        const HEAD: usize = 256;
        let Self::Message(message) = self else { return 0 };
        let lines = message.joints.len() + message.text.bytes().filter(|&b| b == b'\n').count();
        let tags = message.tags.as_ref().map_or(0, |tags| tags.len().min(HEAD));
        lines * (HEAD + tags)
    }

    /// Whether somebody said something that everybody reads: neither an event nor tags alone.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Message(message) if message.kind != Kind::Tags)
    }
}

/// The octets that a peer wrote into an event.
fn written(event: &Event) -> usize {
    match &event.act {
        Act::Join { realname: text, .. } | Act::Topic(_, text) | Act::Kick { reason: text, .. } => text.len(),
        Act::Part(_, reason) | Act::Rename { reason, .. } => reason.as_ref().map_or(0, |reason| reason.len()),
        Act::Mode(_, changes) => changes.len(),
        _ => 0,
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
    /// What was said, and reactions (messages of tags only); no events.
    Messages,
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

/// What an account has not read yet: everything in the range that was said in its rooms while it was
/// a member of them, and to it and by it in private; in the one order of everything.
///
/// When it was a member the journal knows from [`Joined`], [`Left`] and their positions: what has the
/// position of either was said while it was one.
///
/// [`Joined`]: crate::protocol::durable::Durable::Joined
/// [`Left`]: crate::protocol::durable::Durable::Left
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Whose.
    pub account: Nick,
    /// The rooms that it is in now; what was said in others is not its to read any more.
    pub rooms: Vec<RoomId>,
    /// Not what was said from here: it is known there.
    pub except: Option<Origin>,
    /// What of it.
    pub content: Content,
    /// Only what stands after this place in the order.
    pub after: Position,
    /// Nothing after this place.
    pub until: Position,
}

/// How much is unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// How many texts there are.
    pub total: u64,
    /// About how many more there were that were too old, or too many, and are no longer kept; never
    /// fewer than there were.
    pub expired: u64,
    /// The newest of them, as many as were asked for, stand after this place; at least the `after`
    /// of the question.
    pub from: Position,
}

/// The oldest part of what is unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnreadPage {
    /// In the one order. What has the same position is never divided between pages.
    pub kept: Vec<(Conversation, Kept)>,
    /// Everything up to this place is in this page or in those before: the next page's `after`.
    pub end: Position,
    /// Nothing more is unread; `end` is the question's `until`.
    pub complete: bool,
}

/// A question for messages by their words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Who asks: what he and others said to each other is his to read.
    pub account: Nick,
    /// And these rooms, each with the time before which nothing is.
    pub rooms: Vec<(RoomId, u64)>,
    /// Only in this conversation, which is one of those.
    pub within: Option<Conversation>,
    /// Only what this person said.
    pub from: Option<Nick>,
    /// All of these must be in the text, as words or (with `*` at the end) beginnings of words: as
    /// [`words::wanted`] gives them. Where there is none, nothing is found.
    pub words: Vec<Box<str>>,
    /// Said between these times (milliseconds since the epoch), both included.
    pub between_ms: (u64, u64),
    /// None after this place in the order.
    pub until: Position,
    /// How many at most, the newest.
    pub most: usize,
}

impl Search {
    /// Since when what was said in a conversation is an answer (milliseconds since the epoch); `None`
    /// where it never is.
    pub fn reads(&self, conversation: &Conversation) -> Option<u64> {
        let since_ms = match conversation {
            Conversation::Room(id) => self.rooms.iter().find(|(room, _)| room == id).map(|&(_, since_ms)| since_ms),
            Conversation::Pair(one, other) => [one, other].contains(&&self.account).then_some(0),
        };
        since_ms.filter(|_| self.within.as_ref().is_none_or(|within| within == conversation))
    }

    /// Whether a message is looked for, wherever it was said.
    pub fn finds(&self, message: &Message) -> bool {
        let (from_ms, to_ms) = self.between_ms;
        matches!(message.kind, Kind::Text | Kind::Action | Kind::Notice)
            && (from_ms..=to_ms).contains(&message.time_ms)
            && self.from.as_ref().is_none_or(|from| *from == message.source.nick)
            && words::are_in(&self.words, &message.text)
    }
}

/// Anything that the journal is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A page of a conversation.
    Page(Page),
    /// The conversations of an account.
    Newest(Newest),
    /// How much is unread, and where the newest so many texts of it begin.
    Survey(Unread, usize),
    /// The oldest of what is unread, so many items at most; but all of one position, and fewer when
    /// together they are larger than [`PAGE`](crate::protocol::limits::PAGE).
    Unread(Unread, usize),
    /// Messages by their words.
    Search(Search),
}

/// What it answers; of the same name as the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The oldest first. Empty when what bounds the range is not kept. What was taken back is not
    /// shown, but still bounds. Fewer items than asked for when together they are larger than
    /// [`PAGE`](crate::protocol::limits::PAGE).
    Page(Vec<Kept>),
    /// With the time of their newest text, the oldest first.
    Newest(Vec<(Conversation, u64)>),
    /// See [`Survey`].
    Survey(Survey),
    /// See [`UnreadPage`].
    Unread(UnreadPage),
    /// The oldest first.
    Search(Vec<(Conversation, Arc<Message>)>),
}

//! What outlives the process, and its order: said by the hub, kept by the journal.

use std::sync::Arc;

use crate::{
    ident::{ClientLabel, DeviceId, MsgId, Nick, RoomId, RoomName},
    protocol::{
        chat::{Audience, Event, Message, Topic},
        metadata::{Key, Owner},
        modes::Change,
    },
};

/// A place in the one order of everything. The epoch grows when a history moves to another
/// backend; within it the sequence grows by one with each request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The backend's generation.
    pub epoch: u32,
    /// The request's number within it.
    pub sequence: u64,
}

/// From where an account reads and writes: one client on one device. What was read is counted for
/// each of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The certificate.
    pub device: DeviceId,
    /// What program it says it is.
    pub client: Option<ClientLabel>,
}

/// What became of a message that its sender may send again (`conclave.chat/id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// SHA-256 of what was sent and to whom.
    pub digest: [u8; 32],
    /// The message that it became.
    pub message: MsgId,
    /// When, milliseconds since the epoch.
    pub time_ms: u64,
}

/// The kind of a room, fixed when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomKind {
    /// The server reads what is said.
    Open,
    /// End-to-end encrypted: no plain text may enter.
    Encrypted,
}

/// Which kept messages a member may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Those since he joined.
    SinceJoining,
    /// All.
    All,
}

/// One change that outlives the process. The hub's state is what these make of it, applied in
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Durable {
    /// The account was seen for the first time.
    AccountSeen(Nick),
    /// A room was made.
    RoomCreated {
        /// Its number.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Its kind.
        kind: RoomKind,
        /// Who may read what was said before he came.
        visibility: Visibility,
        /// Who made it; the lobby is the administrators'.
        founder: Option<Nick>,
        /// When, seconds since the epoch.
        at: u64,
    },
    /// A room is gone: its last member left.
    RoomRemoved(RoomId),
    /// An account became a member.
    Joined {
        /// Of which room.
        room: RoomId,
        /// Who.
        account: Nick,
        /// As operator.
        operator: bool,
        /// When, milliseconds since the epoch.
        at_ms: u64,
    },
    /// An account is a member no longer.
    Left {
        /// Of which room.
        room: RoomId,
        /// Who.
        account: Nick,
    },
    /// A room's topic changed.
    TopicSet(RoomId, Option<Topic>),
    /// A room's modes changed.
    ModeChanged(RoomId, Change),
    /// A room has another name.
    Renamed(RoomId, RoomName),
    /// An account may come into a room although it is closed, until it does.
    Invited {
        /// Which room.
        room: RoomId,
        /// Who.
        account: Nick,
    },
    /// Up to when an account has read a conversation.
    MarkedRead {
        /// Whose mark.
        account: Nick,
        /// The room's or person's name in lower case.
        target: Box<str>,
        /// Milliseconds since the epoch; never steps back.
        time_ms: u64,
    },
    /// A key of a person's or a room's metadata has this value, or none.
    MetadataSet {
        /// Whose.
        owner: Owner,
        /// Which.
        key: Key,
        /// What it is now.
        value: Option<Arc<str>>,
    },
    /// An origin has read everything up to here; also the beginning of what it reads at all.
    CursorMoved {
        /// Whose.
        account: Nick,
        /// From where.
        origin: Origin,
        /// Up to this place; what stands here is read.
        at: Position,
    },
    /// A message was taken under a name that its sender gave it: it is not taken again.
    Sent {
        /// Whose.
        account: Nick,
        /// The name.
        id: Box<str>,
        /// What became of it.
        sent: Sent,
    },
    /// Something was said.
    Message(Arc<Message>),
    /// Something happened in a room that its history shows.
    Event(RoomId, Arc<Event>),
    /// What was said is taken back: its text is gone.
    Redacted(Conversation, MsgId),
}

impl Durable {
    /// Whether the hub's state is another after it; what was said is the journal's alone.
    pub const fn changes_state(&self) -> bool {
        !matches!(self, Self::Sent { .. } | Self::Message(_) | Self::Event(..) | Self::Redacted(..))
    }
}

/// Where a part of a conversation begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At this message.
    Id(MsgId),
    /// At this time, milliseconds since the epoch.
    Time(u64),
    /// At a message that there never was.
    Nothing,
}

/// A conversation whose messages can be paged through.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Conversation {
    /// What was said in a room.
    Room(RoomId),
    /// What two accounts said to each other; made by [`Conversation::between`].
    Pair(Nick, Nick),
}

impl Conversation {
    /// The conversation of two accounts, whichever is named first.
    pub fn between(one: Nick, other: Nick) -> Self {
        if one <= other { Self::Pair(one, other) } else { Self::Pair(other, one) }
    }

    /// Where a message belongs; `None` for what is not paged through.
    pub fn of(message: &Message) -> Option<Self> {
        match &message.audience {
            Audience::Room(room, _) => Some(Self::Room(*room)),
            Audience::Account(to) => Some(Self::between(message.source.nick.clone(), to.clone())),
            Audience::Status(..) | Audience::Device(..) => None,
        }
    }
}

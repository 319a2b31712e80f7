//! What happens in the chat, free of any dialect: messages and events as the hub makes them,
//! the journal keeps them and the renderers write them.

use std::sync::Arc;

use crate::ident::{ClientLabel, DeviceId, MsgId, Nick, RoomId, RoomName};

/// A person as the source of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The account.
    pub nick: Nick,
    /// The username that the client gave in USER, or the account's name.
    pub user: Box<str>,
    /// The host that is shown for everybody: addresses are nobody's business.
    pub host: Arc<str>,
    /// A program (`+B`): its lines say so (IRCv3 bot mode).
    pub bot: bool,
}

impl Source {
    /// `nick!user@host`.
    pub fn mask(&self) -> String {
        format!("{}!{}@{}", self.nick, self.user, self.host)
    }
}

/// What a message is (never changes once it has its id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// PRIVMSG.
    Text,
    /// PRIVMSG with CTCP ACTION: `* alice waves`.
    Action,
    /// NOTICE: never answered by programs.
    Notice,
    /// TAGMSG: only tags; kept only where they say something about another message.
    Tags,
    /// Octets that the server cannot read (an end-to-end encrypted room).
    Opaque,
}

/// What a message says about an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It answers it.
    Reply(MsgId),
    /// It is a reaction to it.
    Reaction(MsgId),
    /// It replaces its text.
    Edit(MsgId),
    /// It takes it back.
    Redaction(MsgId),
}

/// To whom a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A room, with the name that it had when the message was said.
    Room(RoomId, RoomName),
    /// The operators of a room, or also its voiced people, as it was written: `@#room`, `+#room`.
    Status(RoomId, Box<str>),
    /// An account: all its devices, and the sender's own.
    Account(Nick),
    /// One device of an account.
    Device(Nick, DeviceId),
}

/// One message, complete; shared between hub, journal and renderers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MsgId,
    /// When it was said, milliseconds since the epoch; never steps back within a room.
    pub time_ms: u64,
    /// Who said it.
    pub source: Arc<Source>,
    /// On which device.
    pub device: DeviceId,
    /// With which client.
    pub client: Option<ClientLabel>,
    /// To whom.
    pub audience: Audience,
    /// What it is.
    pub kind: Kind,
    /// What it says about another message.
    pub relation: Option<Relation>,
    /// The text, as it was said: each renderer makes it safe for its reader. Several lines are
    /// separated by LF.
    pub text: Arc<str>,
    /// Where its sender's client divided lines that were too long (`draft/multiline-concat`):
    /// offsets into the text, in order.
    pub joints: Box<[u16]>,
    /// The client-only tags (`+typing=active;+x`), escaped as on the wire.
    pub tags: Option<Box<str>>,
}

/// Something that others see happen, other than a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: MsgId,
    /// When, milliseconds since the epoch.
    pub time_ms: u64,
    /// Who did it.
    pub source: Arc<Source>,
    /// What was done.
    pub act: Act,
}

/// What an [`Event`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Came into a room (or came back to it).
    Join {
        /// Which room.
        room: RoomName,
        /// Real name.
        realname: Arc<str>,
    },
    /// Left a room for good.
    Part(RoomName, Option<Arc<str>>),
    /// Put somebody out of a room.
    Kick {
        /// Which room.
        room: RoomName,
        /// Whom.
        who: Nick,
        /// Why.
        reason: Arc<str>,
    },
    /// Is no longer connected; stays a member.
    Quit(Arc<str>),
    /// Set the room's topic; an empty text removes it.
    Topic(RoomName, Arc<str>),
    /// Changed the room's modes: `+ov alice bob`.
    Mode(RoomName, Box<str>),
    /// Asked somebody into a room.
    Invite {
        /// Which room.
        room: RoomName,
        /// Whom.
        who: Nick,
    },
    /// Gave a room another name.
    Rename {
        /// As it was.
        from: RoomName,
        /// As it is.
        to: RoomName,
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Is away, and why; or is back.
    Away(Option<Arc<str>>),
    /// Writes his nick with other capitals.
    Nick(Nick),
    /// Has another real name.
    SetName(Arc<str>),
    /// Has another username and host; the event's source has the old ones.
    Host(Arc<Source>),
    /// Took a message back.
    Redact {
        /// To whom it was said.
        target: Box<str>,
        /// Which.
        id: MsgId,
        /// Why.
        reason: Option<Arc<str>>,
    },
    /// Has something to say to everybody who wants to hear it.
    Wallops(Arc<str>),
    /// Ended the connections of a person, and why.
    Kill {
        /// Whose.
        who: Nick,
        /// Why.
        reason: Arc<str>,
    },
}

impl Act {
    /// The same in a room that was called otherwise when it happened; `None` where nothing changes.
    pub fn in_room(&self, now: &RoomName) -> Option<Self> {
        let mut act = self.clone();
        match &mut act {
            Self::Join { room, .. }
            | Self::Part(room, _)
            | Self::Kick { room, .. }
            | Self::Topic(room, _)
            | Self::Mode(room, _)
                if room.as_str() != now.as_str() =>
            {
                *room = now.clone();
            }
            _ => return None,
        }
        Some(act)
    }

    /// The room in whose history it belongs.
    pub const fn room(&self) -> Option<&RoomName> {
        match self {
            Self::Join { room, .. }
            | Self::Part(room, _)
            | Self::Kick { room, .. }
            | Self::Topic(room, _)
            | Self::Mode(room, _)
            | Self::Invite { room, .. }
            | Self::Rename { to: room, .. } => Some(room),
            Self::Quit(_)
            | Self::Away(_)
            | Self::Nick(_)
            | Self::SetName(_)
            | Self::Host(_)
            | Self::Redact { .. }
            | Self::Wallops(_)
            | Self::Kill { .. } => None,
        }
    }
}

/// A topic with who set it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// The text.
    pub text: Arc<str>,
    /// Who set it.
    pub by: Nick,
    /// When, seconds since the epoch.
    pub at: u64,
}

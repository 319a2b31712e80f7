//! What a step gives back: what to keep, and what to say to whom.

use std::sync::Arc;

use super::{audience::Audience, request::SessionId};
use crate::{
    ident::{RoomId, RoomName},
    protocol::durable::Durable,
    protocol::{
        caps::Shape,
        chat::{Event, Message},
        past::{Newest, Page, Search, Unread},
        reply::Reply,
    },
};

/// Something that is said once what was kept is committed.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// To one session, in answer to its request or because of its account's.
    Replies {
        /// Who.
        session: SessionId,
        /// The request's label.
        label: Option<Box<str>>,
        /// What, in order.
        replies: Vec<Reply>,
    },
    /// The answer to a question for what is kept, read when everything before is committed.
    Lookup {
        /// Who asked.
        session: SessionId,
        /// The request's label.
        label: Option<Box<str>>,
        /// What.
        lookup: Box<Lookup>,
    },
    /// What the session has missed, or the newest of what there was before it first came; live
    /// things wait until it has got that.
    Replay {
        /// Who.
        session: SessionId,
        /// What.
        missed: Box<Missed>,
    },
    /// A message to everybody in the audience.
    Message {
        /// Who.
        audience: Audience,
        /// But not this session: it gets its echo as a reply.
        except: Option<SessionId>,
        /// Whether these sessions are the sender's own.
        own: bool,
        /// What.
        message: Arc<Message>,
    },
    /// An event to everybody in the audience.
    Event {
        /// Who.
        audience: Audience,
        /// But not this session: it gets the event as a reply.
        except: Option<SessionId>,
        /// What.
        event: Arc<Event>,
    },
    /// Who comes, goes, or is another than he was: to everybody in these rooms and to some besides, to
    /// each once. In large rooms others may hear of it a little later, in its order among all that they hear.
    Presence {
        /// Where, and who is there.
        rooms: Vec<(RoomId, Audience)>,
        /// Who else.
        also: Vec<SessionId>,
        /// But not these sessions.
        except: Vec<SessionId>,
        /// What.
        event: Arc<Event>,
    },
    /// From here on the session looks like this.
    Shape(SessionId, Shape),
    /// Certificates and configuration are to be read again.
    Rehash,
    /// The session ends when it has got all of this.
    Close(SessionId),
}

/// How rooms are called.
pub(super) type Names = Vec<(RoomId, RoomName)>;

/// A question for what is kept.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// HISTORY: of what the asker calls so.
    History(Box<str>, Page),
    /// CHATHISTORY: the subcommand, and the name of the room or person.
    Page(&'static str, Box<str>, Page),
    /// CHATHISTORY TARGETS: how the rooms are called.
    Targets(Names, Newest),
    /// SEARCH.
    Search {
        /// What the one room or person is called in which it looks.
        place: Option<Box<str>>,
        /// How the rooms are called.
        names: Names,
        /// What is asked for: one message more than is shown.
        search: Search,
    },
}

impl Lookup {
    /// What it takes of memory besides itself, about.
    pub(super) fn weight(&self) -> usize {
        let names = |names: &Names| size_of_val(&names[..]);
        match self {
            Self::History(..) | Self::Page(..) => 0,
            Self::Targets(of, newest) => names(of) + size_of_val(&newest.rooms[..]),
            Self::Search { names: of, search, .. } => {
                let words = search.words.iter().map(|word| size_of_val(word) + word.len());
                names(of) + size_of_val(&search.rooms[..]) + words.sum::<usize>()
            }
        }
    }
}

/// What is played back to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Everything that it has not read.
    pub unread: Unread,
    /// As many texts of it at most, the newest.
    pub most: usize,
    /// Why.
    pub why: Why,
    /// When the session came, milliseconds since the epoch.
    pub now_ms: u64,
    /// How the rooms are called.
    pub rooms: Names,
}

/// Why something is played back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was said while the session's origin was not there.
    Missed,
    /// The origin is new, and sees a little of what there was.
    New,
}

/// All that one step gives back.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// To be kept before anything is said.
    pub events: Vec<Durable>,
    /// To be said, in order.
    pub deliveries: Vec<Delivery>,
}

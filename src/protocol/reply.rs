//! What the server tells one session, typed; `render` writes it in the session's dialect.

use std::sync::Arc;

use crate::{
    ident::{Fingerprint, Nick, RoomName},
    protocol::{
        caps::CapVersion,
        chat::{Event, Message, Source, Topic},
        command::Whox,
        metadata::{Key, MetadataReply, Row},
        modes::{List, Listed},
        past::Kept,
        refusal::Refusal,
        roster::{Person, Roster},
        sasl::SaslReply,
    },
};

/// So many rows of a list are one piece.
pub const ROWS: usize = 16;

/// What the server is; fixed while it runs.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Its name, with a dot so that no client takes it for a person.
    pub name: Arc<str>,
    /// The deployment's network id (ISUPPORT `NETWORK`).
    pub network: Arc<str>,
    /// The software and its version.
    pub version: Arc<str>,
    /// When it started, as a person reads it.
    pub created: Arc<str>,
    /// The message of the day.
    pub motd: Option<Arc<str>>,
    /// The room for everybody.
    pub lobby: RoomName,
    /// How many rooms an account may be in.
    pub rooms_per_account: usize,
}

/// What 301 says of a person who is not here and for whom a message waits.
pub const OFFLINE: &str = "offline, will be delivered";

/// The same as a sentence.
pub fn offline(who: &str) -> String {
    format!("{who} is offline; the message will be delivered")
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A session is registered.
    Welcome(Box<Welcome>),
    /// The answer to PING.
    Pong(Arc<str>),
    /// The server asks whether the session is alive.
    Ping(Arc<str>),
    /// The answer to a CAP subcommand, with its list.
    Cap(CapReply, Box<str>),
    /// The answer to AUTHENTICATE.
    Sasl(SaslReply),
    /// Who is in a room, and whether the room is secret.
    Names(RoomName, bool, Roster),
    /// Who is in each of several rooms, and how they were asked for.
    NamesOfMany(Vec<(RoomName, bool, Roster)>, Box<str>),
    /// There is nobody to name: no such room, or one may not see it.
    NoNames(Box<str>),
    /// The answer to WHO with its mask, as 352 or, where fields were asked for, as 354.
    Who(Box<str>, Option<Whox>, Vec<Member>),
    /// The same of a room's people; perhaps only of those who act as administrators.
    WhoIn(Box<str>, Option<Whox>, RoomName, Roster, Whom),
    /// All about a person.
    Whois(Box<Whois>),
    /// The end of what can be said about a person who is not here.
    EndOfWhois(Box<str>),
    /// Who was here under this name, the newest first.
    Whowas(Box<str>, Vec<Was>),
    /// User and host of people who are here.
    Userhost(Vec<Member>),
    /// Which of the people asked for are here.
    Ison(Vec<Nick>),
    /// A list of masks of a room.
    Listed(RoomName, List, Vec<Listed>),
    /// The rooms.
    List(Vec<ListRow>),
    /// A room's topic.
    Topic(RoomName, Option<Topic>),
    /// A room's modes with their parameters, and when it was made (seconds since the epoch).
    RoomModes(RoomName, Box<str>, u64),
    /// One's own modes.
    UserModes(Box<str>),
    /// One's own modes have changed so.
    UserModesChanged(Box<str>),
    /// The invitation of a person into a room is on its way.
    Inviting(Nick, RoomName),
    /// Somebody invites the receiver into a room.
    Invited(Arc<Event>),
    /// The rooms to which one is invited.
    Invitations(Vec<RoomName>),
    /// One acts as administrator now.
    Operator,
    /// Certificates and configuration are read again.
    Rehashing,
    /// Watched people who are here (with user and host) and who are not.
    Watched {
        /// Here.
        online: Vec<Arc<Source>>,
        /// Not here.
        offline: Vec<Box<str>>,
    },
    /// The list of watched people.
    WatchList(Vec<Box<str>>),
    /// No more people can be watched: the most, and those who are not.
    WatchListFull(usize, Vec<Box<str>>),
    /// Up to when a conversation is read, milliseconds since the epoch.
    Marked(Box<str>, Option<u64>),
    /// What people and rooms say about themselves.
    Metadata(MetadataReply),
    /// One is away now, or no longer.
    Away(bool),
    /// The person to whom a message went is away.
    IsAway(Nick, Arc<str>),
    /// The person to whom a message went is not here: it waits for him.
    Offline(Nick),
    /// The message of the day.
    Motd,
    /// Numbers about the server.
    Lusers(Counts),
    /// The software and what it supports.
    Version,
    /// The time, milliseconds since the epoch.
    Time(u64),
    /// What the server is.
    Info,
    /// Who administers the server.
    Admin(Vec<Nick>),
    /// Help for one command or all.
    Help(Option<Box<str>>),
    /// A plain session's text now goes to this room (to none).
    TalkIn(Option<RoomName>),
    /// Kept messages of a room or person, the oldest first.
    History(Box<str>, Vec<Arc<Message>>),
    /// A page of what is kept of a room or person, the oldest first, for programs.
    Page(Box<str>, Vec<Kept>),
    /// So many texts were missed; so many of them are not played back, and about so many more are
    /// kept no longer.
    Missed {
        /// All that are kept.
        total: u64,
        /// Those of them that are too many.
        skipped: u64,
        /// Those that are gone.
        expired: u64,
    },
    /// A new device gets the last so many texts.
    LookBack(u64),
    /// A part of what is played back: in which room or with whom, and what, in order; and when that
    /// is, milliseconds since the epoch.
    Replayed(Vec<(Box<str>, Kept)>, u64),
    /// All was played back.
    EndOfMissed,
    /// What was missed cannot be read now.
    MissedUnreadable,
    /// Rooms and people, and when the newest message was said there, milliseconds since the epoch.
    Conversations(Vec<(Box<str>, u64)>),
    /// Messages that were looked for.
    Found(Hits),
    /// A message, as the receiver's own (`true`) or somebody else's.
    Message(Arc<Message>, bool),
    /// An event that concerns the session itself.
    Event(Arc<Event>),
    /// Something was not done.
    Refused(Refusal),
    /// Words of the server to everybody.
    Words(&'static str),
    /// The connection ends, and why.
    Bye(Arc<str>),
}

/// The four answers to CAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapReply {
    /// What the server offers, to a client that asked for this version.
    Ls(CapVersion),
    /// What the session has, to a client that speaks this version.
    List(CapVersion),
    /// The request was granted whole.
    Ack,
    /// The request was refused whole.
    Nak,
}

/// A fresh session's welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The person as others see him.
    pub source: Arc<Source>,
    /// Numbers about the server.
    pub counts: Counts,
    /// His modes, if there are any.
    pub modes: Option<Box<str>>,
    /// What he says about himself, where his session wants to know.
    pub metadata: Option<Vec<Row>>,
}

/// Numbers about the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People who are here.
    pub people: usize,
    /// Sessions; a person may have several.
    pub sessions: usize,
    /// Connections that are not registered yet.
    pub waiting: usize,
    /// The most people that there were at once.
    pub most: usize,
    /// Rooms.
    pub rooms: usize,
    /// Those of the people who are invisible (`+i`).
    pub invisible: usize,
    /// Those who act as administrators (`+o`).
    pub administrators: usize,
}

impl Reply {
    /// In how many pieces it can be rendered, one after the other: lists may be long.
    pub fn pieces(&self) -> usize {
        let pieces = match self {
            Self::Names(_, _, people) | Self::WhoIn(_, _, _, people, _) => people.pieces(),
            Self::NamesOfMany(rooms, _) => rooms.iter().map(|(_, _, people)| people.pieces()).sum(),
            Self::Who(_, _, people) => people.len().div_ceil(ROWS),
            Self::List(rows) => rows.len().div_ceil(ROWS),
            _ => 1,
        };
        pieces.max(1)
    }

    /// What a long list takes of memory besides what it shares, about.
    pub fn weight(&self) -> usize {
        let own = match self {
            Self::Who(_, _, people) => size_of_val(&people[..]),
            Self::List(rows) => size_of_val(&rows[..]),
            // The list of the pieces, some of which may be shared with nobody any more.
            Self::Names(..) | Self::NamesOfMany(..) | Self::WhoIn(..) => 64 * self.pieces(),
            _ => 0,
        };
        size_of::<Self>() + own
    }
}

/// Of whom WHO tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Of everybody.
    All,
    /// Of those who act as administrators.
    Administrators,
}

/// Somebody in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub source: Arc<Source>,
    /// Real name.
    pub realname: Arc<str>,
    /// The room that the list is about, or one that is shared.
    pub room: Option<RoomName>,
    /// Operator (`@`) of that room.
    pub operator: bool,
    /// Voiced (`+`) in that room.
    pub voiced: bool,
    /// Away.
    pub away: bool,
    /// Acts as administrator of the server (`+o`).
    pub administrator: bool,
    /// A program (`+B`).
    pub bot: bool,
    /// Seconds since he last said something.
    pub idle: u64,
}

impl Member {
    /// Somebody in a room; when he last spoke is not told.
    pub fn of(person: &Person, room: &RoomName) -> Self {
        Self {
            source: Arc::clone(&person.source),
            realname: Arc::clone(&person.realname),
            room: Some(room.clone()),
            operator: person.operator,
            voiced: person.voiced,
            away: person.away,
            administrator: person.administrator,
            bot: person.source.bot,
            idle: 0,
        }
    }
}

impl Whom {
    /// Whether it is told of this person.
    pub const fn has(self, person: &Person) -> bool {
        matches!(self, Self::All) || person.administrator
    }
}

/// Somebody who was here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Was {
    /// Who.
    pub source: Arc<Source>,
    /// Real name.
    pub realname: Arc<str>,
    /// When he went, milliseconds since the epoch.
    pub at_ms: u64,
}

/// A room that a person is in, and what he is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub room: RoomName,
    /// Operator (`@`).
    pub operator: bool,
    /// Voiced (`+`).
    pub voiced: bool,
}

/// All about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whois {
    /// Who.
    pub source: Arc<Source>,
    /// Real name.
    pub realname: Arc<str>,
    /// Rooms that the asker may know of.
    pub rooms: Vec<Place>,
    /// Why he is away, if he is.
    pub away: Option<Arc<str>>,
    /// Administrator of this server: what people read.
    pub administrator: bool,
    /// Acts as one (`+o`): what programs read.
    pub operator: bool,
    /// A program (`+B`).
    pub bot: bool,
    /// His modes; only he himself and administrators see them.
    pub modes: Option<Box<str>>,
    /// Seconds since he last said something, and when he came (seconds since the epoch); `None`
    /// when he is not connected.
    pub idle: Option<(u64, u64)>,
    /// His devices that are connected: label and certificate fingerprint; only he himself and
    /// administrators see them.
    pub devices: Vec<(Arc<str>, Fingerprint)>,
    /// What he says about himself, where the asker may know.
    pub metadata: Vec<(Key, Arc<str>)>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// What the one room or person is called in which it was looked for.
    pub place: Option<Box<str>>,
    /// The messages, the oldest first.
    pub messages: Vec<Arc<Message>>,
    /// Whether these are only the newest.
    pub more: bool,
}

/// A row of LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// The room.
    pub room: RoomName,
    /// How many people are in it now.
    pub people: usize,
    /// Its topic.
    pub topic: Option<Arc<str>>,
}

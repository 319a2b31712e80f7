//! Requests, typed: what both dialects are parsed into, and the one table of commands that
//! drives the parsing, the parameter checks and `/help`.
//!
//! Names of rooms and people stay text here: whether they exist is the hub's to say, and its
//! refusal quotes them as they were written.

mod irc;
mod plain;
mod table;

use std::sync::Arc;

pub use irc::{cap_command, from_irc};
pub use plain::from_plain;
pub use table::{Spec, TABLE};

use crate::protocol::{chat::Kind, refusal::verb_of};

/// Where a command applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The plain session's current room.
    Current,
    /// The room or person of this name.
    Named(Box<str>),
}

/// What a registered session asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Is the connection alive? Answered with the same token, in order with everything else.
    Ping(Arc<str>),
    /// The answer to the server's PING.
    Pong(Arc<str>),
    /// Capability negotiation after registration.
    Cap(CapCommand),
    /// A wish for another nick; never granted.
    Nick(Box<str>),
    /// USER or PASS after registration.
    Reregister,
    /// AUTHENTICATE after registration.
    Authenticate,
    /// Into rooms, each with its key.
    Join(Vec<(Box<str>, Option<Box<str>>)>),
    /// Out of every room (`JOIN 0`).
    PartAll,
    /// Out of rooms.
    Part(Vec<Place>, Option<Arc<str>>),
    /// A message.
    Send(Send),
    /// Who is in a room; without a room, nothing.
    Names(Vec<Place>),
    /// Who is here: in a room, by name, or everybody that one shares a room with.
    Who(Option<Box<str>>),
    /// All about a person.
    Whois(Box<str>),
    /// Ask for, set or (empty text) remove a topic.
    Topic(Place, Option<Arc<str>>),
    /// The rooms, all or those named.
    List(Vec<Box<str>>),
    /// Modes of a room or of oneself: asked for, or (with parameters) changed.
    Mode(Box<str>, Vec<Box<str>>),
    /// Away with a reason, or back.
    Away(Option<Arc<str>>),
    /// The message of the day.
    Motd,
    /// Numbers about the server.
    Lusers,
    /// The last kept messages of a room or a person.
    History(Place, usize),
    /// The list of commands, or one of them.
    Help(Option<Box<str>>),
    /// Goodbye.
    Quit(Option<Arc<str>>),
}

impl Command {
    /// Whether it says or changes something for others, so that it must not be taken for done
    /// when it was not kept. The rest only asks, or concerns its own session.
    pub fn changes_others(&self) -> bool {
        match self {
            Self::Join(_) | Self::PartAll | Self::Part(..) | Self::Send(_) | Self::Topic(_, Some(_)) => true,
            Self::Mode(_, changes) => !changes.is_empty(),
            _ => false,
        }
    }

    /// Its IRC verb.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Ping(_) => "PING",
            Self::Pong(_) => "PONG",
            Self::Cap(_) => "CAP",
            Self::Nick(_) => "NICK",
            Self::Reregister => "USER",
            Self::Authenticate => "AUTHENTICATE",
            Self::Join(_) | Self::PartAll => "JOIN",
            Self::Part(..) => "PART",
            Self::Send(send) => verb_of(send.kind),
            Self::Names(_) => "NAMES",
            Self::Who(_) => "WHO",
            Self::Whois(_) => "WHOIS",
            Self::Topic(..) => "TOPIC",
            Self::List(_) => "LIST",
            Self::Mode(..) => "MODE",
            Self::Away(_) => "AWAY",
            Self::Motd => "MOTD",
            Self::Lusers => "LUSERS",
            Self::History(..) => "HISTORY",
            Self::Help(_) => "HELP",
            Self::Quit(_) => "QUIT",
        }
    }
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// To whom.
    pub to: Vec<Place>,
    /// What it is.
    pub kind: Kind,
    /// The text; empty only for [`Kind::Tags`].
    pub text: Arc<str>,
    /// Client-only tags, raw.
    pub tags: Option<Box<str>>,
}

/// A `CAP` subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapCommand {
    /// `LS`, with the version that the client speaks (302 and more: values are shown).
    Ls(u16),
    /// `LIST`.
    List,
    /// `REQ`, with its list.
    Req(Box<str>),
    /// `END`.
    End,
}

/// The most targets of one command (ISUPPORT `TARGMAX`).
pub const MAX_TARGETS: usize = 8;

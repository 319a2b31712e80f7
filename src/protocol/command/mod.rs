//! Requests, typed: what both dialects are parsed into, and the one table of commands that drives
//! the parsing, the parameter checks, the privileges and the help. One file for each command.
//!
//! Names of rooms and people stay text here: whether they exist is the hub's to say, and its
//! refusal quotes them as they were written.

mod away;
mod cap;
mod chathistory;
mod help;
mod history;
mod info;
mod invite;
mod join;
mod kick;
mod kill;
mod list;
mod markread;
mod metadata;
mod mode;
mod monitor;
mod names;
mod oper;
mod parse;
mod part;
mod ping;
mod quit;
mod redact;
mod register;
mod rehash;
mod rename;
mod search;
mod send;
mod send_id;
mod setname;
mod table;
mod topic;
mod userhost;
mod wallops;
mod who;
mod whois;
mod whowas;

use std::sync::Arc;

pub use cap::{CapCommand, cap_command};
pub use chathistory::{Chathistory, MOST as CHATHISTORY_MOST};
pub use help::help_rows;
pub use info::Info;
pub use list::{Filter, ListQuery};
pub use metadata::{Ask, KeyWish, Metadata};
pub use mode::{Wish, wishes};
pub use monitor::Monitor;
pub use parse::{from_irc, from_plain};
pub use search::{Scope, Search};
pub use send::{Send, batched};
pub use send_id::{BadId, GivenId, SendId, given_id};
pub use table::{Group, Privilege, Spec, TABLE};
pub use who::{Who, Whox};

use crate::protocol::chat::Kind;

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
    /// A step of SASL after registration.
    Authenticate(Box<str>),
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
    /// Who is here: in a room, by name, or everybody.
    Who(Who),
    /// All about a person, asked of a server or of somebody's server.
    Whois(Option<Box<str>>, Box<str>),
    /// People who were here under this name, the newest first, so many at most.
    Whowas(Box<str>, usize),
    /// Ask for, set or (empty text) remove a topic.
    Topic(Place, Option<Arc<str>>),
    /// The rooms, all or those named, that pass every filter.
    List(ListQuery),
    /// Modes of a room or of oneself: asked for, or (with parameters) changed.
    Mode(Place, Vec<Box<str>>),
    /// People, each out of a room, and why.
    Kick(Vec<(Place, Box<str>)>, Option<Arc<str>>),
    /// A person into a room.
    Invite(Box<str>, Place),
    /// The rooms to which one is invited.
    Invitations,
    /// A room gets another name, and why.
    Rename(Place, Box<str>, Option<Arc<str>>),
    /// Away with a reason, or back.
    Away(Option<Arc<str>>),
    /// Another real name.
    SetName(Arc<str>),
    /// Something about the server, asked of a server or of somebody's server.
    Info(Info, Option<Box<str>>),
    /// Some numbers of people: whether they are here, with user and host.
    Userhost(Vec<Box<str>>),
    /// Which of these people are here.
    Ison(Vec<Box<str>>),
    /// Tell me when these people come and go.
    Monitor(Monitor),
    /// The last kept messages of a room or a person.
    History(Place, usize),
    /// A page of kept messages, or the conversations that have some.
    Chathistory(Box<Chathistory>),
    /// Kept messages by their words.
    Search(Box<Search>),
    /// Up to when a conversation is read: asked for, or (milliseconds since the epoch) set.
    Markread(Box<str>, Option<u64>),
    /// What people and rooms say about themselves.
    Metadata(Box<Metadata>),
    /// A message, named by its conversation and id, is taken back, and why.
    Redact(Box<str>, Box<str>, Option<Arc<str>>),
    /// Act as administrator, if one is.
    Oper,
    /// Ends a person's sessions, and why.
    Kill(Box<str>, Arc<str>),
    /// Says something to everybody who wants to hear it.
    Wallops(Arc<str>),
    /// Read certificates and configuration again.
    Rehash,
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
            Self::Join(_)
            | Self::PartAll
            | Self::Part(..)
            | Self::Send(_)
            | Self::Topic(_, Some(_))
            | Self::Kick(..)
            | Self::Invite(..)
            | Self::Rename(..)
            | Self::Markread(_, Some(_))
            | Self::Redact(..) => true,
            Self::Mode(_, changes) => !changes.is_empty(),
            Self::Metadata(metadata) => metadata.changes_others(),
            _ => false,
        }
    }

    /// Whether all that it changes is in no journal (who is connected, away, watched, and how far SASL
    /// is): it stands, and so does what was said of it, when a commit fails.
    pub fn is_fleeting(&self) -> bool {
        match self {
            Self::Mode(Place::Named(target), _) => !target.starts_with('#'),
            Self::Away(_)
            | Self::Nick(_)
            | Self::SetName(_)
            | Self::Authenticate(_)
            | Self::Monitor(_)
            | Self::Oper
            | Self::Kill(..)
            | Self::Wallops(_)
            | Self::Quit(_) => true,
            _ => false,
        }
    }

    /// Its row in the table.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Ping(_) => &ping::PING,
            Self::Pong(_) => &ping::PONG,
            Self::Cap(_) => &cap::CAP,
            Self::Nick(_) => &register::NICK,
            Self::Reregister => &register::USER,
            Self::Authenticate(_) => &register::AUTHENTICATE,
            Self::Join(_) | Self::PartAll => &join::JOIN,
            Self::Part(..) => &part::PART,
            Self::Send(Send { kind: Kind::Notice, .. }) => &send::NOTICE,
            Self::Send(Send { kind: Kind::Tags, .. }) => &send::TAGMSG,
            Self::Send(_) => &send::PRIVMSG,
            Self::Names(_) => &names::NAMES,
            Self::Who(_) => &who::WHO,
            Self::Whois(..) => &whois::WHOIS,
            Self::Whowas(..) => &whowas::WHOWAS,
            Self::Topic(..) => &topic::TOPIC,
            Self::List(_) => &list::LIST,
            Self::Mode(..) => &mode::MODE,
            Self::Kick(..) => &kick::KICK,
            Self::Invite(..) | Self::Invitations => &invite::INVITE,
            Self::Rename(..) => &rename::RENAME,
            Self::Away(_) => &away::AWAY,
            Self::SetName(_) => &setname::SETNAME,
            Self::Info(info, _) => info.spec(),
            Self::Userhost(_) => &userhost::USERHOST,
            Self::Ison(_) => &userhost::ISON,
            Self::Monitor(_) => &monitor::MONITOR,
            Self::History(..) => &history::HISTORY,
            Self::Chathistory(_) => &chathistory::CHATHISTORY,
            Self::Search(_) => &search::SEARCH,
            Self::Markread(..) => &markread::MARKREAD,
            Self::Metadata(_) => &metadata::METADATA,
            Self::Redact(..) => &redact::REDACT,
            Self::Oper => &oper::OPER,
            Self::Kill(..) => &kill::KILL,
            Self::Wallops(_) => &wallops::WALLOPS,
            Self::Rehash => &rehash::REHASH,
            Self::Help(_) => &help::HELP,
            Self::Quit(_) => &quit::QUIT,
        }
    }

    /// What it costs its sender, in the cost of an ordinary line: what its row says, for each room or
    /// person that it is about. To ask is cheap where others learn nothing of it.
    pub fn cost(&self) -> u8 {
        let targets = match self {
            Self::Join(rooms) => rooms.len(),
            Self::Part(places, _) | Self::Names(places) => places.len(),
            Self::Send(send) => send.to.len(),
            Self::Kick(kicked, _) => kicked.len(),
            Self::PartAll => MAX_TARGETS,
            Self::Topic(_, None) => return 1,
            Self::Mode(_, changes) if changes.is_empty() => return 1,
            _ => 1,
        };
        // Not more than `MAX_TARGETS`.
        self.spec().cost.saturating_mul(targets.clamp(1, MAX_TARGETS) as u8)
    }

    /// Its IRC verb.
    pub const fn verb(&self) -> &'static str {
        self.spec().verb
    }
}

/// The most targets of one command (ISUPPORT `TARGMAX`).
pub const MAX_TARGETS: usize = 8;

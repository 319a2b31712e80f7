//! What the server says when it does not do what was asked: data, not errors.
//!
//! Each refusal is one of Modern IRC's error numerics for programs and a sentence that says what
//! to do for people.

use std::borrow::Cow;

use crate::protocol::chat::Kind;

/// Why a request was not carried out. Texts of the peer are kept as it wrote them; renderers
/// make them safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401: no such person.
    NoSuchNick(Box<str>),
    /// 401 for a person who exists but is not here, and nothing is kept for him.
    NotHere(Box<str>),
    /// 402: no such server: there is only this one.
    NoSuchServer(Box<str>),
    /// 403: no such room, or no room name at all.
    NoSuchRoom(Box<str>),
    /// 404: not allowed to speak there.
    CannotSpeak(Box<str>),
    /// 405: in too many rooms.
    TooManyRooms(Box<str>, usize),
    /// 407: more targets than one line may have.
    TooManyTargets(Box<str>, usize),
    /// 406: nobody of this name was here lately.
    WasNobody(Box<str>),
    /// 409: PING without a token.
    NoOrigin,
    /// 410: an unknown CAP subcommand.
    BadCap(Box<str>),
    /// 411: a message without target.
    NoRecipient(&'static str),
    /// 412: a message without text.
    NoText,
    /// 417 or the plain dialect's: the line is longer than it may be (limit in octets).
    TooLong(usize),
    /// 421: no such command.
    Unknown(Box<str>),
    /// 431: a command about a person that names none.
    NoNickGiven,
    /// 432: this can be nobody's nick.
    BadNick(Box<str>),
    /// 433: the nick is the certificate's and cannot be changed.
    FixedNick(Box<str>),
    /// 441: that person is not in the room (nick, room).
    NotInRoom(Box<str>, Box<str>),
    /// 442: not a member of that room.
    NotOnRoom(Box<str>),
    /// 443: that person is in the room already (nick, room).
    AlreadyInRoom(Box<str>, Box<str>),
    /// 451: a command before the session is registered.
    NotRegistered,
    /// 461: too few parameters.
    NeedMoreParams(Box<str>),
    /// 462: USER or PASS after registration.
    AlreadyRegistered,
    /// 471: the room has as many members as its mode `l` allows.
    RoomFull(Box<str>),
    /// 472: no such mode character.
    UnknownMode(char),
    /// 473: only who is invited comes in.
    InviteOnly(Box<str>),
    /// 474: banned from the room.
    Banned(Box<str>),
    /// 475: wrong or missing room key.
    BadKey(Box<str>),
    /// 476: the name breaks the rules for room names.
    BadRoomName(Box<str>),
    /// 478: a list of the room holds as many masks as it may (room, letter).
    ListFull(Box<str>, char),
    /// 481: only administrators may do this.
    NoPrivileges,
    /// 482: only the room's operators may do this.
    NeedOperator(Box<str>),
    /// 491: the certificate is no administrator's.
    NoOperator,
    /// 501: no such user mode.
    UnknownUserMode,
    /// 502: somebody else's modes.
    NotYourModes,
    /// 525: no key that a room can have.
    InvalidKey(Box<str>),
    /// 696: more changes with a parameter than one MODE may have (room, most).
    TooManyModes(Box<str>, usize),
    /// 696: a mode's parameter that is none (target, letter, parameter, what is wrong).
    BadModeParameter(Box<str>, char, Box<str>, &'static str),
    /// A plain session talks while it is in no room.
    NoCurrentRoom,
    /// The line was no text that the server takes: the FAIL code for programs, and why for people.
    BadLine(&'static str, &'static str),
    /// The journal could not write; nothing of the request happened (FAIL for programs).
    NotKept(&'static str),
    /// A refusal for which the specification has a FAIL (IRCv3 standard replies).
    Fail(Box<Fail>),
    /// The plain dialect's usage of a command.
    Usage(&'static str),
    /// A room cannot be made: the server holds as many as it may.
    ServerFull(Box<str>),
}

/// A FAIL (IRCv3 standard replies).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    /// The command.
    pub verb: &'static str,
    /// What programs read.
    pub code: &'static str,
    /// What it is about.
    pub context: Vec<Box<str>>,
    /// What people read.
    pub what: Cow<'static, str>,
}

/// The command name that error numerics quote for a message of this kind.
pub const fn verb_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Action | Kind::Opaque => "PRIVMSG",
        Kind::Notice => "NOTICE",
        Kind::Tags => "TAGMSG",
    }
}

impl Refusal {
    /// A FAIL about `context`.
    pub fn fail(verb: &'static str, code: &'static str, context: &[&str], what: impl Into<Cow<'static, str>>) -> Self {
        let context = context.iter().map(|&text| text.into()).collect();
        Self::Fail(Box::new(Fail { verb, code, context, what: what.into() }))
    }

    /// Numeric, its middle parameters (after the client's nick) and its text, as in Modern IRC;
    /// `None` where programs get FAIL or a NOTICE instead.
    pub fn numeric(&self) -> Option<(u16, Vec<&str>, String)> {
        let reply = |code, params: &[&'static str], text: &str| (code, params.to_vec(), text.to_owned());
        fn about<'a>(code: u16, subject: &'a str, text: &str) -> (u16, Vec<&'a str>, String) {
            (code, vec![subject], text.to_owned())
        }
        Some(match self {
            Self::NoSuchNick(name) => about(401, name, "No such nick/channel"),
            Self::NotHere(name) => about(401, name, "Not connected; the message was not delivered"),
            Self::NoSuchServer(name) => about(402, name, "No such server"),
            Self::NoSuchRoom(name) => about(403, name, "No such channel"),
            Self::CannotSpeak(name) => about(404, name, "Cannot send to channel"),
            Self::TooManyRooms(name, most) => {
                (405, vec![name], format!("You have joined too many channels (at most {most})"))
            }
            Self::TooManyTargets(name, most) => (407, vec![name], format!("Too many targets (at most {most})")),
            Self::WasNobody(name) => about(406, name, "There was no such nickname"),
            Self::NoOrigin => reply(409, &[], "No origin specified"),
            Self::BadCap(name) => about(410, name, "Invalid CAP command"),
            Self::NoRecipient(verb) => (411, vec![], format!("No recipient given ({verb})")),
            Self::NoText => reply(412, &[], "No text to send"),
            Self::TooLong(_) => reply(417, &[], "Input line was too long"),
            Self::Unknown(verb) => about(421, verb, "Unknown command"),
            Self::NoNickGiven => reply(431, &[], "No nickname given"),
            Self::BadNick(name) => about(432, name, "Erroneous nickname"),
            Self::FixedNick(name) => about(433, name, "Your nickname is your certificate's and cannot be changed"),
            Self::NotInRoom(nick, room) => (441, vec![nick, room], "They aren't on that channel".into()),
            Self::AlreadyInRoom(nick, room) => (443, vec![nick, room], "is already on channel".into()),
            Self::NotOnRoom(name) => about(442, name, "You're not on that channel"),
            Self::NotRegistered => reply(451, &[], "You have not registered"),
            Self::NeedMoreParams(verb) => about(461, verb, "Not enough parameters"),
            Self::AlreadyRegistered => reply(462, &[], "You may not reregister"),
            Self::UnknownMode(_)
            | Self::ListFull(..)
            | Self::TooManyModes(..)
            | Self::BadModeParameter(..)
            | Self::Fail(_) => return None,
            Self::RoomFull(name) => about(471, name, "Cannot join channel (+l)"),
            Self::InviteOnly(name) => about(473, name, "Cannot join channel (+i)"),
            Self::Banned(name) => about(474, name, "Cannot join channel (+b)"),
            Self::NoPrivileges => reply(481, &[], "Permission Denied- You're not an IRC operator"),
            Self::NoOperator => reply(491, &[], "Your certificate is no administrator's"),
            Self::InvalidKey(name) => about(525, name, "Key is not well-formed"),
            Self::BadKey(name) => about(475, name, "Cannot join channel (+k)"),
            Self::BadRoomName(name) => about(476, name, "Bad channel name"),
            Self::NeedOperator(name) => about(482, name, "You're not a channel operator"),
            Self::UnknownUserMode => reply(501, &[], "Unknown MODE flag"),
            Self::NotYourModes => reply(502, &[], "Can't change mode for other users"),
            Self::ServerFull(name) => about(405, name, "This server has as many channels as it may hold"),
            Self::NoCurrentRoom | Self::BadLine(..) | Self::NotKept(_) | Self::Usage(_) => return None,
        })
    }

    /// The sentence for a person: what happened and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::WasNobody(name) => format!("nobody called {name} was here lately"),
            Self::NoOrigin => "PING needs a token".into(),
            Self::NoNickGiven => "say whom you mean".into(),
            Self::NotInRoom(nick, room) => format!("{nick} is not in {room}"),
            Self::AlreadyInRoom(nick, room) => format!("{nick} is in {room} already"),
            Self::RoomFull(name) => format!("{name} is full (mode l); ask one of its operators for an invitation"),
            Self::InviteOnly(name) => format!("{name} takes only who is invited; ask one of its operators"),
            Self::Banned(name) => format!("you are banned from {name}"),
            Self::ListFull(name, letter) => {
                format!("the list {letter} of {name} is full; take a mask off it first (/mode {name} -{letter} MASK)")
            }
            Self::NoPrivileges => "only the administrators of this server may do that".into(),
            Self::NoOperator => "your certificate is no administrator's; the server's configuration names them".into(),
            Self::InvalidKey(_) => "a key has 1 to 32 visible characters without comma and colon in front".into(),
            Self::BadModeParameter(_, letter, parameter, what) => format!("mode {letter} {parameter}: {what}"),
            Self::TooManyModes(_, most) => format!("at most {most} changes with a parameter go into one line"),
            Self::Fail(fail) => fail.what.to_string(),
            Self::NoSuchNick(name) => format!("nobody is known as {name}; /who lists who is here"),
            Self::NotHere(name) => format!("{name} is not connected: the message was not delivered and is not kept"),
            Self::NoSuchServer(name) => format!("{name} is not this server, and there is no other"),
            Self::NoSuchRoom(name) => format!("there is no room {name}; /rooms lists the rooms, /join {name} makes it"),
            Self::CannotSpeak(name) => format!("you cannot speak in {name}; /join {name} first, or ask its operators"),
            Self::TooManyRooms(name, most) => {
                format!("{name}: you are in {most} rooms already, which is the most; /part one first")
            }
            Self::TooManyTargets(name, most) => format!("{name}: one message goes to at most {most} targets"),
            Self::BadCap(name) => format!("{name} is no CAP command"),
            Self::NoRecipient(_) => "say to whom: /msg NAME TEXT".into(),
            Self::NoText => "there is no text to send".into(),
            Self::TooLong(most) => {
                format!("that line is too long (at most {most} octets) and was not sent; split it")
            }
            Self::Unknown(verb) => {
                format!("there is no command {verb}; /help lists them, // starts a line with a slash")
            }
            Self::BadNick(name) => format!("{name} is no name that a person can have"),
            Self::FixedNick(_) => "your name is your certificate's and cannot be changed".into(),
            Self::NotOnRoom(name) => format!("you are not in {name}; /join {name} first"),
            Self::NotRegistered => "finish the registration first".into(),
            Self::NeedMoreParams(verb) => format!("{verb} needs more than that; /help shows how"),
            Self::AlreadyRegistered => "you are registered already".into(),
            Self::UnknownMode(mode) => format!("there is no mode {mode}"),
            Self::BadKey(name) => format!("{name} has a key: /join {name} KEY"),
            Self::BadRoomName(name) => {
                format!("{name} cannot be a room's name: # and at most 63 letters without space, comma or colon")
            }
            Self::NeedOperator(name) => format!("only the operators of {name} may do that"),
            Self::UnknownUserMode => "there is no such mode".into(),
            Self::NotYourModes => "these are somebody else's modes".into(),
            Self::NoCurrentRoom => "you are in no room; /join #ROOM first, /rooms lists them".into(),
            Self::BadLine(_, what) => format!("that line was not sent: {what}"),
            Self::NotKept(_) => "this was not done: the server cannot write to its disk now; try again later".into(),
            Self::Usage(usage) => format!("usage: {usage}"),
            Self::ServerFull(name) => format!("{name} cannot be made: the server holds as many rooms as it may"),
        }
    }
}

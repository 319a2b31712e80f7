//! The table of commands: one row drives the IRC verb, the slash command, the number of
//! parameters that are needed, and the help.

use super::{Command, irc, plain};
use crate::protocol::{message::Message, refusal::Refusal};

/// Parses the parameters of an IRC line whose number was already checked.
pub(super) type FromIrc = fn(&Message<'_>) -> Result<Command, Refusal>;
/// Parses what stands after a slash command, without surrounding blanks.
pub(super) type FromPlain = fn(&str) -> Result<Command, Refusal>;

/// One command.
pub struct Spec {
    /// The IRC verb, upper case; empty when only the plain dialect has it.
    pub verb: &'static str,
    /// How many parameters IRC needs at least (461 otherwise).
    pub min: usize,
    /// The IRC parameters' parser.
    pub irc: Option<FromIrc>,
    /// The slash commands, without the slash; the first is the usual one.
    pub slash: &'static [&'static str],
    /// The slash command's parser.
    pub plain: Option<FromPlain>,
    /// How the slash command is written.
    pub usage: &'static str,
    /// What it does, for a person.
    pub help: &'static str,
}

const fn irc_only(verb: &'static str, min: usize, parse: FromIrc) -> Spec {
    Spec { verb, min, irc: Some(parse), slash: &[], plain: None, usage: "", help: "" }
}

const fn slash_only(slash: &'static [&'static str], plain: FromPlain, usage: &'static str, help: &'static str) -> Spec {
    Spec { verb: "", min: 0, irc: None, slash, plain: Some(plain), usage, help }
}

const fn both(
    (verb, min, irc): (&'static str, usize, FromIrc),
    (slash, plain): (&'static [&'static str], FromPlain),
    usage: &'static str,
    help: &'static str,
) -> Spec {
    Spec { verb, min, irc: Some(irc), slash, plain: Some(plain), usage, help }
}

/// Every command, in the order of `/help`.
pub static TABLE: &[Spec] = &[
    both(
        ("JOIN", 1, irc::join),
        (&["join", "j"], plain::join),
        "/join #ROOM [KEY]",
        "go into a room (made if new) and talk there",
    ),
    both(("PART", 1, irc::part), (&["part", "leave"], plain::part), "/part [#ROOM] [REASON]", "leave a room for good"),
    both(
        ("PRIVMSG", 0, irc::privmsg),
        (&["msg", "m", "query"], plain::msg),
        "/msg NAME TEXT",
        "say something to one person, or to a room",
    ),
    slash_only(&["me"], plain::me, "/me TEXT", "say what you do: * alice waves"),
    both(("NAMES", 0, irc::names), (&["names"], plain::names), "/names [#ROOM]", "who is in the room now"),
    both(("WHO", 0, irc::who), (&["who", "w"], plain::who), "/who [#ROOM|NAME]", "who is here"),
    both(("WHOIS", 1, irc::whois), (&["whois"], plain::whois), "/whois NAME", "all about a person"),
    both(("LIST", 0, irc::list), (&["rooms", "list"], plain::list), "/rooms", "the rooms and their topics"),
    both(("TOPIC", 1, irc::topic), (&["topic"], plain::topic), "/topic [TEXT]", "show or set the room's topic"),
    both(
        ("HISTORY", 1, irc::history),
        (&["history", "h"], plain::history),
        "/history [NUMBER]",
        "the last messages that the server keeps",
    ),
    both(
        ("AWAY", 0, irc::away),
        (&["away"], plain::away),
        "/away [REASON]",
        "say that you are away; alone: back again",
    ),
    both(("MOTD", 0, irc::motd), (&["motd"], plain::motd), "/motd", "the server's message of the day"),
    both(("HELP", 0, irc::help), (&["help", "?"], plain::help), "/help [COMMAND]", "this list"),
    both(("QUIT", 0, irc::quit), (&["quit", "q", "exit"], plain::quit), "/quit [REASON]", "goodbye"),
    irc_only("AUTHENTICATE", 1, irc::authenticate),
    irc_only("CAP", 1, irc::cap),
    irc_only("LUSERS", 0, irc::lusers),
    irc_only("MODE", 1, irc::mode),
    irc_only("NICK", 0, irc::nick),
    irc_only("NOTICE", 0, irc::notice),
    irc_only("PASS", 0, irc::reregister),
    irc_only("PING", 1, irc::ping),
    irc_only("PONG", 0, irc::pong),
    irc_only("TAGMSG", 0, irc::tagmsg),
    irc_only("USER", 0, irc::reregister),
];

impl Spec {
    /// The command with this IRC verb, compared without case.
    pub fn by_verb(verb: &str) -> Option<&'static Self> {
        TABLE.iter().find(|spec| !spec.verb.is_empty() && spec.verb.eq_ignore_ascii_case(verb))
    }

    /// The command with this slash name, compared without case.
    pub fn by_slash(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|spec| spec.slash.iter().any(|s| s.eq_ignore_ascii_case(name)))
    }
}

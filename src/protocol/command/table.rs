//! The table of commands: one row drives the IRC verb, the slash command, the number of parameters
//! that are needed, who may, what it costs, and the help.

use super::{
    Command, away, cap, chathistory, help, history, info, invite, join, kick, kill, list, markread, metadata, mode,
    monitor, names, oper, part, ping, quit, redact, register, rehash, rename, search, send, setname, topic, userhost,
    wallops, who, whois, whowas,
};
use crate::protocol::{message::Message, refusal::Refusal};

/// Parses the parameters of an IRC line whose number was already checked.
pub(super) type FromIrc = fn(&Message<'_>) -> Result<Command, Refusal>;
/// Parses what stands after a slash command, without surrounding blanks.
pub(super) type FromPlain = fn(&str) -> Result<Command, Refusal>;

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Everybody; what a room's operators alone may do depends on the room.
    Everybody,
    /// The accounts that the configuration names (481 for others).
    Administrators,
}

/// Where `/help` names a slash command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// With a row of its own: what people need every day.
    Everyday,
    /// Among those for who runs a room.
    Rooms,
    /// Among those that are needed seldom.
    Seldom,
    /// Among those for administrators.
    Administrators,
}

/// One command.
#[derive(Debug)]
pub struct Spec {
    /// The IRC verb, upper case; empty when only the plain dialect has it.
    pub verb: &'static str,
    /// How many parameters IRC needs at least (461 otherwise).
    pub min: usize,
    /// The IRC parameters, as a person writes them.
    pub params: &'static str,
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
    /// Where `/help` names the slash command.
    pub group: Group,
    /// Who may give it.
    pub privilege: Privilege,
    /// What it costs its sender, in the cost of an ordinary line: work and lines for others.
    pub cost: u8,
}

impl Spec {
    pub(super) const fn irc(
        verb: &'static str,
        min: usize,
        params: &'static str,
        parse: FromIrc,
        help: &'static str,
    ) -> Self {
        Self { verb, min, params, irc: Some(parse), help, ..Self::EMPTY }
    }

    pub(super) const fn plain(
        slash: &'static [&'static str],
        parse: FromPlain,
        usage: &'static str,
        help: &'static str,
    ) -> Self {
        Self { slash, plain: Some(parse), usage, help, ..Self::EMPTY }
    }

    /// The plain dialect has it too.
    pub(super) const fn slash(self, slash: &'static [&'static str], parse: FromPlain, usage: &'static str) -> Self {
        Self { slash, plain: Some(parse), usage, ..self }
    }

    pub(super) const fn group(self, group: Group) -> Self {
        Self { group, ..self }
    }

    pub(super) const fn cost(self, cost: u8) -> Self {
        Self { cost, ..self }
    }

    pub(super) const fn for_administrators(self) -> Self {
        Self { privilege: Privilege::Administrators, group: Group::Administrators, ..self }
    }

    const EMPTY: Self = Self {
        verb: "",
        min: 0,
        params: "",
        irc: None,
        slash: &[],
        plain: None,
        usage: "",
        help: "",
        group: Group::Everyday,
        privilege: Privilege::Everybody,
        cost: 1,
    };
}

/// Every command, in the order of `/help`: what people need first comes first.
pub static TABLE: &[&Spec] = &[
    &join::JOIN,
    &part::PART,
    &send::PRIVMSG,
    &send::ME,
    &names::NAMES,
    &who::WHO,
    &whois::WHOIS,
    &list::LIST,
    &topic::TOPIC,
    &history::HISTORY,
    &search::SEARCH,
    &away::AWAY,
    &help::HELP,
    &quit::QUIT,
    &mode::OP,
    &mode::DEOP,
    &mode::VOICE,
    &mode::DEVOICE,
    &kick::KICK,
    &mode::BAN,
    &mode::UNBAN,
    &mode::MODE,
    &rename::RENAME,
    &invite::INVITE,
    &send::NOTICE,
    &info::MOTD,
    &info::TIME,
    &info::VERSION,
    &setname::SETNAME,
    &whowas::WHOWAS,
    &kill::KILL,
    &wallops::WALLOPS,
    &register::AUTHENTICATE,
    &cap::CAP,
    &chathistory::CHATHISTORY,
    &help::HELPOP,
    &info::ADMIN,
    &info::INFO,
    &userhost::ISON,
    &info::LUSERS,
    &markread::MARKREAD,
    &metadata::METADATA,
    &monitor::MONITOR,
    &register::NICK,
    &oper::OPER,
    &register::PASS,
    &ping::PING,
    &ping::PONG,
    &redact::REDACT,
    &rehash::REHASH,
    &send::TAGMSG,
    &register::USER,
    &userhost::USERHOST,
];

impl Spec {
    /// The command with this IRC verb, compared without case.
    pub fn by_verb(verb: &str) -> Option<&'static Self> {
        TABLE.iter().find(|spec| !spec.verb.is_empty() && spec.verb.eq_ignore_ascii_case(verb)).copied()
    }

    /// The command with this slash name, compared without case.
    pub fn by_slash(name: &str) -> Option<&'static Self> {
        TABLE.iter().find(|spec| spec.slash.iter().any(|s| s.eq_ignore_ascii_case(name))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help_and_is_found() {
        for spec in TABLE {
            assert!(!spec.help.is_empty() && spec.cost > 0, "{spec:?}");
            assert_eq!(spec.irc.is_some(), !spec.verb.is_empty(), "{spec:?}");
            assert_eq!(spec.plain.is_some(), !spec.slash.is_empty(), "{spec:?}");
            assert_eq!(spec.plain.is_some(), spec.usage.starts_with('/'), "{spec:?}");
            for slash in spec.slash {
                assert_eq!(Spec::by_slash(slash).map(|s| s.usage), Some(spec.usage));
            }
            if !spec.verb.is_empty() {
                assert_eq!(Spec::by_verb(spec.verb).map(|s| s.params), Some(spec.params), "two rows for one verb");
            }
        }
    }
}

//! WHO with WHOX (Modern IRC, section "WHO message"; IRCv3 WHOX).

use super::{
    Command,
    parse::{given, param, split_word},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static WHO: Spec = Spec::irc("WHO", 0, "[MASK [o][%FIELDS[,TOKEN]]]", irc, "who is here")
    .slash(&["who", "w"], plain, "/who [#ROOM|NAME]")
    .cost(3);

/// Who is asked for, and what about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// A room, a name or a mask; everybody, when there is none.
    pub mask: Option<Box<str>>,
    /// Only administrators.
    pub operators: bool,
    /// Which fields, for WHOX; 352 otherwise.
    pub whox: Option<Whox>,
}

/// The fields of a WHOX reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whox {
    /// The letters as they were asked for.
    pub fields: Box<str>,
    /// What is given back with `t`.
    pub token: Option<Box<str>>,
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let (flags, whox) = match param(message, 1).unwrap_or_default().split_once('%') {
        None => (param(message, 1).unwrap_or_default(), None),
        Some((flags, fields)) => {
            let (fields, token) = match fields.split_once(',') {
                Some((fields, token)) => (fields, Some(token)),
                None => (fields, None),
            };
            // A token is one to three digits.
            let token = token.filter(|t| (1..=3).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit()));
            (flags, Some(Whox { fields: fields.into(), token: token.map(Into::into) }))
        }
    };
    let mask = given(message, 0).map(Into::into);
    Ok(Command::Who(Who { mask, operators: flags.contains('o'), whox }))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let mask = (!rest.is_empty()).then(|| split_word(rest).0.into());
    Ok(Command::Who(Who { mask, ..Who::default() }))
}

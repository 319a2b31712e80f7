//! WHOWAS (Modern IRC, section "WHOWAS message").

use super::{
    Command,
    parse::{names_of, param, split_word, usage},
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static WHOWAS: Spec = Spec::irc("WHOWAS", 0, "NICK [COUNT]", irc, "who was here under this name")
    .slash(&["whowas"], plain, "/whowas NAME")
    .group(Group::Seldom)
    .cost(2);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let Some(nick) = names_of(param(message, 0).unwrap_or_default()).next() else {
        return Err(Refusal::NoNickGiven);
    };
    // A count that is no positive number means all.
    let count = param(message, 1).and_then(|count| count.parse().ok()).filter(|&count| count > 0);
    Ok(Command::Whowas(nick.into(), count.unwrap_or(usize::MAX)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest).0 {
        "" => Err(usage(&WHOWAS)),
        nick => Ok(Command::Whowas(nick.into(), usize::MAX)),
    }
}

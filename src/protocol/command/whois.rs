//! WHOIS (Modern IRC, section "WHOIS message").

use super::{
    Command,
    parse::{names_of, param, split_word, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static WHOIS: Spec =
    Spec::irc("WHOIS", 0, "[SERVER] NICK", irc, "all about a person").slash(&["whois"], plain, "/whois NAME").cost(2);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let (target, nick) = match param(message, 1) {
        Some(nick) => (param(message, 0), nick),
        None => (None, param(message, 0).unwrap_or_default()),
    };
    match names_of(nick).next() {
        Some(nick) => Ok(Command::Whois(target.map(Into::into), nick.into())),
        None => Err(Refusal::NoNickGiven),
    }
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest).0 {
        "" => Err(usage(&WHOIS)),
        nick => Ok(Command::Whois(None, nick.into())),
    }
}

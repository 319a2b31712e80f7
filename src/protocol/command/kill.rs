//! KILL (Modern IRC, section "KILL message").

use super::{
    Command,
    parse::{given, param, split_word, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static KILL: Spec = Spec::irc("KILL", 1, "NICK [REASON]", irc, "end somebody's connections")
    .slash(&["kill"], plain, "/kill NAME [REASON]")
    .for_administrators();

const NO_REASON: &str = "No reason";

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let nick = param(message, 0).unwrap_or_default();
    Ok(Command::Kill(nick.into(), given(message, 1).unwrap_or(NO_REASON).into()))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest) {
        ("", _) => Err(usage(&KILL)),
        (nick, "") => Ok(Command::Kill(nick.into(), NO_REASON.into())),
        (nick, reason) => Ok(Command::Kill(nick.into(), reason.into())),
    }
}

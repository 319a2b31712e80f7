//! KILL (Modern IRC, section "KILL message").

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static KILL: Spec =
    Spec::irc("KILL", 1, "NICK [REASON]", irc, "end somebody's connections").for_administrators();

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let nick = param(message, 0).unwrap_or_default();
    Ok(Command::Kill(nick.into(), given(message, 1).unwrap_or("No reason").into()))
}

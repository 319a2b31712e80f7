//! AWAY (Modern IRC, section "AWAY message").

use super::{
    Command,
    parse::{given, text},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static AWAY: Spec = Spec::irc("AWAY", 0, "[REASON]", irc, "say that you are away; alone: back again")
    .slash(&["away"], plain, "/away [REASON]")
    .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Away(given(message, 0).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Away(text(rest)))
}

//! QUIT (Modern IRC, section "QUIT message").

use super::{
    Command,
    parse::{given, text},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static QUIT: Spec =
    Spec::irc("QUIT", 0, "[REASON]", irc, "goodbye").slash(&["quit", "q", "exit"], plain, "/quit [REASON]");

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Quit(given(message, 0).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Quit(text(rest)))
}

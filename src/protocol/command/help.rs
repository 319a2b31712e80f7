//! HELP and HELPOP (Modern IRC, section "HELP message").

use super::{
    Command,
    parse::{given, split_word},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static HELP: Spec =
    Spec::irc("HELP", 0, "[COMMAND]", irc, "this list").slash(&["help", "?"], plain, "/help [COMMAND]");
pub(super) static HELPOP: Spec = Spec::irc("HELPOP", 0, "[COMMAND]", irc, "the same as HELP");

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Help(given(message, 0).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Help((!rest.is_empty()).then(|| split_word(rest).0.into())))
}

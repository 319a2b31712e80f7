//! SETNAME (IRCv3 `setname`).

use super::{
    Command,
    parse::{param, text, usage},
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static SETNAME: Spec = Spec::irc("SETNAME", 1, "REALNAME", irc, "change your real name")
    .slash(&["setname"], plain, "/setname REAL NAME")
    .group(Group::Seldom)
    .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::SetName(param(message, 0).unwrap_or_default().into()))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    text(rest).map(Command::SetName).ok_or_else(|| usage(&SETNAME))
}

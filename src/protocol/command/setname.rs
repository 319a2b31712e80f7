//! SETNAME (IRCv3 `setname`).

use super::{Command, parse::param, table::Spec};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static SETNAME: Spec = Spec::irc("SETNAME", 1, "REALNAME", irc, "change your real name").cost(2);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::SetName(param(message, 0).unwrap_or_default().into()))
}

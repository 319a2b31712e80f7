//! REDACT (IRCv3 `draft/message-redaction`).

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static REDACT: Spec = Spec::irc("REDACT", 2, "TARGET MSGID [REASON]", irc, "take a message back").cost(3);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let text = |at| Box::from(param(message, at).unwrap_or_default());
    Ok(Command::Redact(text(0), text(1), given(message, 2).map(Into::into)))
}

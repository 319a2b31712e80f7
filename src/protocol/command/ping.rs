//! PING and PONG (Modern IRC, sections "PING message" and "PONG message").

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static PING: Spec = Spec::irc("PING", 1, "TOKEN", ping, "is the connection alive?");
pub(super) static PONG: Spec = Spec::irc("PONG", 0, "TOKEN", pong, "the answer to PING");

fn ping(message: &Message<'_>) -> Result<Command, Refusal> {
    match given(message, 0) {
        Some(token) => Ok(Command::Ping(token.into())),
        None => Err(Refusal::NoOrigin),
    }
}

fn pong(message: &Message<'_>) -> Result<Command, Refusal> {
    // `PONG SERVER TOKEN` and `PONG TOKEN` are both in use.
    let last = message.params.len().saturating_sub(1);
    Ok(Command::Pong(param(message, last).unwrap_or_default().into()))
}

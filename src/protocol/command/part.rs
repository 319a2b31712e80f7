//! PART (Modern IRC, section "PART message").

use super::{
    Command,
    parse::{given, param, places, room_or_current, text},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static PART: Spec = Spec::irc("PART", 1, "#ROOM{,#ROOM} [REASON]", irc, "leave a room for good")
    .slash(&["part", "leave"], plain, "/part [#ROOM] [REASON]")
    .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Part(places(param(message, 0).unwrap_or_default())?, given(message, 1).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (place, reason) = room_or_current(rest);
    Ok(Command::Part(vec![place], text(reason)))
}

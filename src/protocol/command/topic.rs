//! TOPIC (Modern IRC, section "TOPIC message").

use super::{
    Command, Place,
    parse::{param, room_or_current, text},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static TOPIC: Spec = Spec::irc("TOPIC", 1, "#ROOM [TEXT]", irc, "show or set the room's topic")
    .slash(&["topic"], plain, "/topic [TEXT]")
    .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let room = param(message, 0).unwrap_or_default();
    Ok(Command::Topic(Place::Named(room.into()), param(message, 1).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (place, new) = room_or_current(rest);
    Ok(Command::Topic(place, text(new)))
}

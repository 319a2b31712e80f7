//! MODE (Modern IRC, section "MODE message").

use super::{
    Command, Place,
    parse::{param, room_or_current},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static MODE: Spec =
    Spec::irc("MODE", 1, "#ROOM|NICK [CHANGES [PARAMETER...]]", irc, "show or change the modes of a room")
        .slash(&["mode"], plain, "/mode [#ROOM] [CHANGES [PARAMETER...]]")
        .cost(2);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default();
    let changes = message.params.iter().skip(1).map(|&param| param.into()).collect();
    Ok(Command::Mode(Place::Named(target.into()), changes))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (room, rest) = room_or_current(rest);
    Ok(Command::Mode(room, rest.split_whitespace().map(Into::into).collect()))
}

//! NAMES (Modern IRC, section "NAMES message").

use super::{
    Command,
    parse::{param, places, room_or_current},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static NAMES: Spec = Spec::irc("NAMES", 0, "#ROOM{,#ROOM}", irc, "who is in the room now")
    .slash(&["names"], plain, "/names [#ROOM]")
    .cost(3);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Names(places(param(message, 0).unwrap_or_default())?))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    Ok(Command::Names(vec![room_or_current(rest).0]))
}

//! RENAME (IRCv3 `draft/channel-rename`).

use super::{
    Command, Place,
    parse::{given, param, room_or_current, split_word, text, usage},
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static RENAME: Spec = Spec::irc("RENAME", 2, "#ROOM #NEW [REASON]", irc, "give a room another name")
    .slash(&["rename"], plain, "/rename #ROOM #NEW [REASON]")
    .group(Group::Rooms)
    .cost(10);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let place = Place::Named(param(message, 0).unwrap_or_default().into());
    let new = param(message, 1).unwrap_or_default();
    Ok(Command::Rename(place, new.into(), given(message, 2).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (place, rest) = room_or_current(rest);
    let (new, reason) = split_word(rest);
    if place == Place::Current || !new.starts_with('#') {
        return Err(usage(&RENAME));
    }
    Ok(Command::Rename(place, new.into(), text(reason)))
}

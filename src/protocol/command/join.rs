//! JOIN (Modern IRC, section "JOIN message").

use super::{
    Command, Place,
    parse::{param, places, split_word, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static JOIN: Spec =
    Spec::irc("JOIN", 1, "#ROOM{,#ROOM} [KEY{,KEY}]", irc, "go into a room (or make it) and talk")
        .slash(&["join", "j"], plain, "/join #ROOM [KEY]")
        .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let names = param(message, 0).unwrap_or_default();
    if names == "0" {
        return Ok(Command::PartAll);
    }
    if names.is_empty() {
        return Err(Refusal::NeedMoreParams("JOIN".into()));
    }
    let mut keys = param(message, 1).unwrap_or_default().split(',');
    let rooms = places(names)?
        .into_iter()
        .filter_map(|place| match place {
            Place::Named(name) => Some((name, keys.next().filter(|key| !key.is_empty()).map(Into::into))),
            Place::Current => None,
        })
        .collect();
    Ok(Command::Join(rooms))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (room, key) = split_word(rest);
    if room.is_empty() {
        return Err(usage(&JOIN));
    }
    // `/join ops` can only mean `#ops`.
    let room = if room.starts_with('#') { room.into() } else { format!("#{room}").into() };
    Ok(Command::Join(vec![(room, (!key.is_empty()).then(|| key.into()))]))
}

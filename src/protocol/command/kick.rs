//! KICK (Modern IRC, section "KICK message"; with a list of rooms, RFC 2812, section 3.2.8).

use super::{
    Command, MAX_TARGETS, Place,
    parse::{given, names_of, param, room_or_current, split_word, text, usage},
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static KICK: Spec = Spec::irc("KICK", 2, "#ROOM NICK{,NICK} [REASON]", irc, "put somebody out of a room")
    .slash(&["kick"], plain, "/kick [#ROOM] NAME [REASON]")
    .group(Group::Rooms)
    .cost(3);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let list = |at| names_of(param(message, at).unwrap_or_default()).collect::<Vec<_>>();
    let (rooms, nicks) = (list(0), list(1));
    if let Some(name) = nicks.get(MAX_TARGETS) {
        return Err(Refusal::TooManyTargets((*name).into(), MAX_TARGETS));
    }
    // Everybody out of one room, or each out of the room with his number.
    if rooms.is_empty() || nicks.is_empty() || rooms.len() != 1 && rooms.len() != nicks.len() {
        return Err(Refusal::NeedMoreParams("KICK".into()));
    }
    let who = rooms.iter().cycle().zip(nicks).map(|(&room, nick)| (Place::Named(room.into()), nick.into())).collect();
    Ok(Command::Kick(who, given(message, 2).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (room, rest) = room_or_current(rest);
    match split_word(rest) {
        ("", _) => Err(usage(&KICK)),
        (nick, reason) => Ok(Command::Kick(vec![(room, nick.into())], text(reason))),
    }
}

//! KICK (Modern IRC, section "KICK message").

use super::{
    Command, MAX_TARGETS, Place,
    parse::{given, names_of, param, room_or_current, split_word, text, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static KICK: Spec = Spec::irc("KICK", 2, "#ROOM NICK{,NICK} [REASON]", irc, "put somebody out of a room")
    .slash(&["kick"], plain, "/kick [#ROOM] NAME [REASON]")
    .cost(2);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let room = Place::Named(param(message, 0).unwrap_or_default().into());
    let who: Vec<Box<str>> = names_of(param(message, 1).unwrap_or_default()).map(Into::into).collect();
    if who.is_empty() {
        return Err(Refusal::NeedMoreParams("KICK".into()));
    }
    if let Some(name) = who.get(MAX_TARGETS) {
        return Err(Refusal::TooManyTargets(name.clone(), MAX_TARGETS));
    }
    Ok(Command::Kick(room, who, given(message, 2).map(Into::into)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (room, rest) = room_or_current(rest);
    match split_word(rest) {
        ("", _) => Err(usage(&KICK)),
        (nick, reason) => Ok(Command::Kick(room, vec![nick.into()], text(reason))),
    }
}

//! INVITE (Modern IRC, section "INVITE message").

use super::{
    Command, Place,
    parse::{param, room_or_current, split_word, usage},
    table::{Group, Spec},
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static INVITE: Spec =
    Spec::irc("INVITE", 0, "[NICK #ROOM]", irc, "ask somebody into a room; alone: where you are invited")
        .slash(&["invite"], plain, "/invite NAME [#ROOM]")
        .group(Group::Seldom)
        .cost(5);

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    match (param(message, 0), param(message, 1)) {
        (None, _) => Ok(Command::Invitations),
        (Some(nick), Some(room)) => Ok(Command::Invite(nick.into(), Place::Named(room.into()))),
        (Some(_), None) => Err(Refusal::NeedMoreParams("INVITE".into())),
    }
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    match split_word(rest) {
        ("", _) => Ok(Command::Invitations),
        (nick, rest) => match room_or_current(rest) {
            (place, "") => Ok(Command::Invite(nick.into(), place)),
            _ => Err(usage(&INVITE)),
        },
    }
}

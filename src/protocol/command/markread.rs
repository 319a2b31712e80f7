//! MARKREAD (IRCv3 `draft/read-marker`).

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal, timestamp};

pub(super) static MARKREAD: Spec =
    Spec::irc("MARKREAD", 0, "TARGET [timestamp=TIME]", irc, "up to when you have read a conversation");

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let fail = |code, context: &[&str], what: &'static str| Refusal::fail("MARKREAD", code, context, what);
    let Some(target) = given(message, 0) else {
        return Err(fail("NEED_MORE_PARAMS", &[], "say which room or person"));
    };
    let Some(mark) = param(message, 1) else { return Ok(Command::Markread(target.into(), None)) };
    let time = mark.strip_prefix("timestamp=").and_then(timestamp::parse);
    match time {
        Some(time) => Ok(Command::Markread(target.into(), Some(time))),
        None => Err(fail("INVALID_PARAMS", &[target, mark], "the mark is timestamp=YYYY-MM-DDThh:mm:ss.sssZ")),
    }
}

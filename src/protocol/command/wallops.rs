//! WALLOPS (Modern IRC, section "WALLOPS message").

use super::{
    Command,
    parse::{given, text, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static WALLOPS: Spec = Spec::irc("WALLOPS", 1, "TEXT", irc, "say something to everybody who has mode +w")
    .slash(&["wallops"], plain, "/wallops TEXT")
    .for_administrators();

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    match given(message, 0) {
        Some(text) => Ok(Command::Wallops(text.into())),
        None => Err(Refusal::NeedMoreParams("WALLOPS".into())),
    }
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    text(rest).map(Command::Wallops).ok_or_else(|| usage(&WALLOPS))
}

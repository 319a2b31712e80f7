//! HISTORY: the last messages, for people and for clients without `draft/chathistory`.

use super::{
    Command, Place,
    parse::{given, param, split_word, usage},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static HISTORY: Spec =
    Spec::irc("HISTORY", 1, "TARGET [NUMBER]", irc, "the last messages that the server keeps")
        .slash(&["history", "h"], plain, "/history [#ROOM|NAME] [N]")
        .cost(5);

/// How many messages are shown when nothing is said.
pub(super) const DEFAULT: usize = 20;
/// How many are shown at most.
const MOST: usize = 500;

/// `HISTORY TARGET [NUMBER]`, as Ergo has it.
fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let target = param(message, 0).unwrap_or_default();
    let number = match given(message, 1) {
        None => DEFAULT,
        Some(number) => number.parse().map_err(|_| Refusal::NeedMoreParams("HISTORY".into()))?,
    };
    Ok(Command::History(Place::Named(target.into()), number.min(MOST)))
}

fn plain(rest: &str) -> Result<Command, Refusal> {
    let (place, number) = match split_word(rest) {
        ("", _) => (Place::Current, ""),
        (word, rest) if word.bytes().all(|b| b.is_ascii_digit()) && rest.is_empty() => (Place::Current, word),
        (word, rest) => (Place::Named(word.into()), rest),
    };
    let number = match number {
        "" => DEFAULT,
        number => number.parse().map_err(|_| usage(&HISTORY))?,
    };
    Ok(Command::History(place, number.min(MOST)))
}

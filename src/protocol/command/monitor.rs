//! MONITOR (IRCv3 `monitor`).

use super::{
    Command,
    parse::{names_of, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static MONITOR: Spec =
    Spec::irc("MONITOR", 1, "+|-|C|L|S [NICK{,NICK}]", irc, "be told when people come and go");

/// What is to be done to the list of watched people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// `+`: these too.
    Add(Vec<Box<str>>),
    /// `-`: these no longer.
    Remove(Vec<Box<str>>),
    /// `C`: nobody.
    Clear,
    /// `L`: who is on it?
    List,
    /// `S`: who of them is here?
    Status,
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    let names = || match param(message, 1) {
        Some(names) => Ok(names_of(names).map(Into::into).collect()),
        None => Err(Refusal::NeedMoreParams("MONITOR".into())),
    };
    Ok(Command::Monitor(match param(message, 0).unwrap_or_default() {
        "+" => Monitor::Add(names()?),
        "-" => Monitor::Remove(names()?),
        "C" | "c" => Monitor::Clear,
        "L" | "l" => Monitor::List,
        "S" | "s" => Monitor::Status,
        _ => return Err(Refusal::NeedMoreParams("MONITOR".into())),
    }))
}

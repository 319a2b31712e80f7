//! Commands of the registration, given after it: NICK, USER, PASS, AUTHENTICATE.

use super::{
    Command,
    parse::{given, param},
    table::Spec,
};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static NICK: Spec = Spec::irc("NICK", 0, "NICK", nick, "your name, which is your certificate's").cost(2);
pub(super) static USER: Spec =
    Spec::irc("USER", 0, "USERNAME 0 * REALNAME", again, "part of the registration: who you are");
pub(super) static PASS: Spec =
    Spec::irc("PASS", 0, "PASSWORD", again, "part of the registration; there are no passwords");
pub(super) static AUTHENTICATE: Spec =
    Spec::irc("AUTHENTICATE", 1, "EXTERNAL", authenticate, "prove again who you are: your certificate does");

fn nick(message: &Message<'_>) -> Result<Command, Refusal> {
    match given(message, 0) {
        Some(nick) => Ok(Command::Nick(nick.into())),
        None => Err(Refusal::NoNickGiven),
    }
}

fn again(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Reregister)
}

fn authenticate(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Authenticate(param(message, 0).unwrap_or_default().into()))
}

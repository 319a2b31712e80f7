//! USERHOST and ISON (Modern IRC, section "USERHOST message"; RFC 2812, section 4.9).

use super::{Command, table::Spec};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static USERHOST: Spec = Spec::irc("USERHOST", 1, "NICK{ NICK}", userhost, "user and host of people");
pub(super) static ISON: Spec = Spec::irc("ISON", 1, "NICK{ NICK}", ison, "which of these people are here");

/// The most people that USERHOST tells about.
const MOST: usize = 5;

fn userhost(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Userhost(words(message).take(MOST).collect()))
}

fn ison(message: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Ison(words(message).collect()))
}

/// The words of all parameters: some clients give the list as one.
fn words(message: &Message<'_>) -> impl Iterator<Item = Box<str>> {
    message.params.iter().flat_map(|param| param.split(' ')).filter(|word| !word.is_empty()).map(Into::into)
}

//! REHASH (RFC 2812, section 4.2).

use super::{Command, table::Spec};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static REHASH: Spec =
    Spec::irc("REHASH", 0, "", irc, "read the certificates again now").for_administrators();

fn irc(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Rehash)
}

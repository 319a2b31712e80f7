//! OPER (Modern IRC, section "OPER message"): the certificate decides, not the password.

use super::{Command, table::Spec};
use crate::protocol::{message::Message, refusal::Refusal};

pub(super) static OPER: Spec =
    Spec::irc("OPER", 2, "NAME PASSWORD", irc, "show that you act as administrator (your certificate decides)");

fn irc(_: &Message<'_>) -> Result<Command, Refusal> {
    Ok(Command::Oper)
}

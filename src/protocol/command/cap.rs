//! CAP (IRCv3 Capability Negotiation 3.2).

use super::{Command, parse::param, table::Spec};
use crate::protocol::{caps::CapVersion, message::Message, refusal::Refusal};

pub(super) static CAP: Spec =
    Spec::irc("CAP", 1, "LS|LIST|REQ|END [LIST]", irc, "what your client and the server both know");

/// A `CAP` subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapCommand {
    /// `LS`, with the version that the client speaks.
    Ls(CapVersion),
    /// `LIST`.
    List,
    /// `REQ`, with its list.
    Req(Box<str>),
    /// `END`.
    End,
}

fn irc(message: &Message<'_>) -> Result<Command, Refusal> {
    cap_command(message).map(Command::Cap)
}

/// The `CAP` subcommand of a line, before or after registration.
pub fn cap_command(message: &Message<'_>) -> Result<CapCommand, Refusal> {
    let subcommand = param(message, 0).unwrap_or_default();
    match subcommand.to_ascii_uppercase().as_str() {
        "LS" => Ok(CapCommand::Ls(CapVersion::of(param(message, 1).unwrap_or_default()))),
        "LIST" => Ok(CapCommand::List),
        "REQ" => Ok(CapCommand::Req(param(message, 1).unwrap_or_default().into())),
        "END" => Ok(CapCommand::End),
        _ => Err(Refusal::BadCap(if subcommand.is_empty() { "*" } else { subcommand }.into())),
    }
}

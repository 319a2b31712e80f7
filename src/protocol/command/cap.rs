//! CAP (IRCv3 Capability Negotiation 3.2).

use super::{Command, parse::param, table::Spec};
use crate::protocol::{
    caps::{Cap, CapVersion, Caps},
    message::Message,
    refusal::Refusal,
    reply::{CapReply, Reply},
};

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

impl CapCommand {
    /// Changes the capabilities of a session as it asks; gives the answer, if there is one.
    pub fn carry_out(&self, caps: &mut Caps) -> Option<Reply> {
        Some(match self {
            Self::Ls(version) => {
                *caps = caps.speaking(*version);
                Reply::Cap(CapReply::Ls(*version), Cap::offer(*version).into())
            }
            Self::List => Reply::Cap(CapReply::List(caps.version()), caps.names().into()),
            Self::Req(list) => match caps.request(list) {
                Some(new) => {
                    *caps = new;
                    Reply::Cap(CapReply::Ack, list.clone())
                }
                None => Reply::Cap(CapReply::Nak, list.clone()),
            },
            Self::End => return None,
        })
    }

    /// The same of a registered session: whether it is seen, it has said when it came.
    pub fn carry_out_registered(&self, caps: &mut Caps) -> Option<Reply> {
        let before = *caps;
        let reply = self.carry_out(caps);
        match self {
            Self::Req(list) if caps.has(Cap::Unseen) != before.has(Cap::Unseen) => {
                *caps = before;
                Some(Reply::Cap(CapReply::Nak, list.clone()))
            }
            _ => reply,
        }
    }
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

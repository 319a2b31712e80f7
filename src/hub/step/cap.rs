//! CAP after registration: the session's shape changes in its place in the order.

use super::Turn;
use crate::{
    hub::delivery::Delivery,
    protocol::{
        caps::{Cap, Caps, Dialect},
        command::CapCommand,
        reply::{CapReply, Reply},
    },
};

impl Turn<'_> {
    pub(super) fn cap(&mut self, command: &CapCommand) {
        let from = self.from;
        let Some(session) = self.my_session() else { return };
        let reply = match command {
            CapCommand::Ls(version) => {
                if *version >= 302 {
                    session.caps = session.caps.with(Cap::CapNotify);
                }
                Reply::Cap(CapReply::Ls, offer(*version).into())
            }
            CapCommand::List => Reply::Cap(CapReply::List, names(session.caps).into()),
            CapCommand::Req(list) => match session.caps.request(list) {
                Some(caps) => {
                    session.caps = caps;
                    Reply::Cap(CapReply::Ack, list.clone())
                }
                None => Reply::Cap(CapReply::Nak, list.clone()),
            },
            // Ends a negotiation that registration waits for; there is none.
            CapCommand::End => return,
        };
        if session.dialect == Dialect::Irc {
            let shape = session.shape();
            self.after.push(Delivery::Shape(from, shape));
        }
        self.reply(reply);
    }
}

fn names(caps: Caps) -> String {
    caps.iter().map(Cap::name).collect::<Vec<_>>().join(" ")
}

/// What `CAP LS` offers to a client that speaks this version.
pub fn offer(version: u16) -> String {
    let show = |cap: Cap| match cap.value().filter(|_| version >= 302) {
        Some(value) => format!("{}={value}", cap.name()),
        None => cap.name().to_owned(),
    };
    Cap::ALL.into_iter().map(show).collect::<Vec<_>>().join(" ")
}

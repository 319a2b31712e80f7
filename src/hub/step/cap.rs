//! CAP and AUTHENTICATE after registration: the session's shape changes in its place in the order.

use std::sync::Arc;

use super::{Turn, catch_up::looks_after_itself};
use crate::{
    hub::delivery::Delivery,
    protocol::{
        caps::{Cap, Dialect},
        command::CapCommand,
        reply::Reply,
        sasl::SaslReply,
    },
};

impl Turn<'_> {
    pub(super) fn cap(&mut self, command: &CapCommand) {
        let from = self.from;
        let Some(session) = self.my_session() else { return };
        let reply = command.carry_out_registered(&mut session.caps);
        if !session.metadata_aware() {
            session.subscriptions.clear();
        }
        let held = looks_after_itself(session.caps).then(|| session.fenced.take().map(|_| session.origin()));
        if session.dialect == Dialect::Irc {
            let shape = session.shape();
            self.after.push(Delivery::Shape(from, shape));
        }
        self.replies.extend(reply);
        if let Some(origin) = held.flatten() {
            let me = self.me.clone();
            self.move_cursor(&me, &origin);
        }
    }

    /// SASL once more (IRCv3 `sasl` 3.2, "SASL Reauthentication"): with the same certificate it can
    /// only say the same.
    pub(super) fn authenticate(&mut self, given: &str) {
        let Some(source) = self.my_account().map(|account| Arc::clone(&account.source)) else { return };
        let Some(session) = self.my_session() else { return };
        let reply = match session.caps.has(Cap::Sasl) {
            true => session.sasl.take(given, &source),
            false => Some(SaslReply::Failed),
        };
        self.replies.extend(reply.map(Reply::Sasl));
    }
}

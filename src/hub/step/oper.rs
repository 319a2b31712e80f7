//! What administrators do: OPER, WALLOPS, REHASH (Modern IRC, section "Operator Messages").
//!
//! Who is an administrator, the configuration says, and the certificate shows. OPER only makes it
//! visible to others.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{account::UserModes, delivery::Delivery},
    protocol::{
        chat::Act,
        limits::{self, cut},
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn oper(&mut self) {
        if !self.is_administrator() {
            return self.refuse(Refusal::NoOperator);
        }
        self.reply(Reply::Operator);
        if let Some(modes) = self.my_account().map(|account| account.modes) {
            self.set_modes(UserModes { operator: true, ..modes });
        }
    }

    /// To everybody who has mode w or acts as administrator, and to the speaker's own sessions.
    pub(super) fn wallops(&mut self, text: &str) {
        let Some(mine) = self.my_account() else { return };
        let source = Arc::clone(&mine.source);
        let wanted = self.state.moded.iter().filter_map(|nick| self.state.accounts.get(nick).map(|account| &**account));
        let wanted = wanted.filter(|account| account.modes.wallops || account.modes.operator);
        let sessions = wanted.chain([mine]).flat_map(|account| account.sessions.iter().copied());
        let audience = sessions.collect();
        self.tell(&audience, &source, Act::Wallops(cut(text, limits::REASON).into()));
    }

    pub(super) fn rehash(&mut self) {
        self.reply(Reply::Rehashing);
        self.after.push(Delivery::Rehash);
    }
}

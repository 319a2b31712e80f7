//! AWAY (Modern IRC, section "AWAY message"; IRCv3 `draft/pre-away`): nobody sits in front of this
//! session; the account is away when all its sessions are.

use std::sync::Arc;

use super::Turn;
use crate::protocol::{
    limits::{self, cut},
    reply::Reply,
};

impl Turn<'_> {
    pub(super) fn away(&mut self, reason: Option<&Arc<str>>) {
        let reason = reason.map(|reason| Arc::from(cut(reason, limits::REASON)));
        self.reply(Reply::Away(reason.is_some()));
        if let Some(session) = self.my_session() {
            session.away = reason;
        }
        let me = self.me.clone();
        self.settle_away(&me);
    }
}

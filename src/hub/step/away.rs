//! AWAY: nobody sits in front of this session; the account is away when all its sessions are.

use std::sync::Arc;

use super::Turn;
use crate::protocol::{
    limits::{self, cut},
    reply::Reply,
};

impl Turn<'_> {
    pub(super) fn away(&mut self, reason: Option<&Arc<str>>) {
        let reason = reason.map(|reason| Arc::from(cut(reason, limits::REASON)));
        let away = reason.is_some();
        if let Some(session) = self.my_session() {
            session.away = reason;
        }
        self.reply(Reply::Away(away));
    }
}

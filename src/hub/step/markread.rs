//! MARKREAD (IRCv3 `draft/read-marker`): up to when a person has read a conversation, the same in
//! all his sessions, and nobody else's business.

use super::Turn;
use crate::{
    hub::{account::Session, delivery::Delivery, request::SessionId},
    ident::{Nick, RoomName},
    protocol::{caps::Cap, durable::Durable, refusal::Refusal, reply::Reply},
};

impl Turn<'_> {
    pub(super) fn markread(&mut self, target: &str, time_ms: Option<u64>) {
        if target.parse::<RoomName>().is_err() && target.parse::<Nick>().is_err() {
            let what = "that is no name of a room or a person";
            return self.refuse(Refusal::fail("MARKREAD", "INVALID_PARAMS", &[target], what));
        }
        let name = self.state.readable(&self.me, target).map_or_else(|| target.into(), |found| found.name);
        let before = self.mark_of(&self.me, &name);
        // Nothing can be read that is not said yet.
        let now = time_ms.map(|time| time.min(self.at.time_ms)).filter(|&time| before.is_none_or(|old| old < time));
        if let Some(time_ms) = now {
            self.record(Durable::MarkedRead { account: self.me.clone(), target: folded(&name), time_ms });
            self.tell_my_others(&name, time_ms);
        }
        self.reply(Reply::Marked(name, now.or(before)));
    }

    /// The mark of its own account that a session gets to see when it is put into a room.
    pub(super) fn mark_for(&self, room: &RoomName, session: SessionId) -> Option<Reply> {
        let session = self.state.sessions.get(&session).filter(|session| wants_marks(session))?;
        Some(Reply::Marked(room.as_str().into(), self.mark_of(&session.account, room.as_str())))
    }

    fn mark_of(&self, account: &Nick, name: &str) -> Option<u64> {
        self.state.accounts.get(account)?.marks.get(&folded(name))
    }

    fn tell_my_others(&mut self, name: &str, time_ms: u64) {
        let mine = self.my_account().map(|account| account.sessions.to_vec()).unwrap_or_default();
        for session in mine.into_iter().filter(|&session| session != self.from) {
            if self.state.sessions.get(&session).is_some_and(|session| wants_marks(session)) {
                let replies = vec![Reply::Marked(name.into(), Some(time_ms))];
                self.deliveries.push(Delivery::Replies { session, label: None, replies });
            }
        }
    }
}

/// The key of a mark.
fn folded(name: &str) -> Box<str> {
    name.to_ascii_lowercase().into()
}

const fn wants_marks(session: &Session) -> bool {
    session.caps.has(Cap::ReadMarker)
}

//! REDACT (IRCv3 `draft/message-redaction`): what was said is taken back, and its text is gone.
//!
//! The kept message comes in with the request: only who finds it can tell whose it was.

use std::sync::Arc;

use super::Turn;
use crate::{
    hub::{audience::Audience, sought::Found},
    protocol::{
        chat::{Act, Message},
        durable::{Conversation, Durable},
        limits::{self, cut},
        refusal::Refusal,
    },
};

impl Turn<'_> {
    pub(super) fn redact(&mut self, target: &str, id: &str, reason: Option<&Arc<str>>, found: &Found) {
        let Some(conversation) = self.state.readable(&self.me, target).map(|found| found.conversation) else {
            return self.fail_redact("INVALID_TARGET", &[target], "you are not in that room, or there is none");
        };
        let Found::Message(message) = found else {
            let what = match found {
                Found::Unreadable => "the server cannot read its journal now; try again later",
                _ => "no such message is kept; it is too old, or was taken back already",
            };
            return self.fail_redact("UNKNOWN_MSGID", &[target, id], what);
        };
        if !self.may_redact(&conversation, message) {
            let what = "only its author and the room's operators may take it back";
            return self.fail_redact("REDACT_FORBIDDEN", &[target, id], what);
        }
        let Some(source) = self.my_account().map(|account| Arc::clone(&account.source)) else { return };
        let (audience, target) = self.audience_of(&conversation, message);
        let reason = reason.map(|reason| cut(reason, limits::REASON).into());
        self.record(Durable::Redacted(conversation, message.id));
        self.tell(&audience, &source, Act::Redact { target, id: message.id, reason });
    }

    fn fail_redact(&mut self, code: &'static str, context: &[&str], what: &'static str) {
        self.refuse(Refusal::fail("REDACT", code, context, what));
    }

    fn may_redact(&self, conversation: &Conversation, message: &Message) -> bool {
        let operator = match conversation {
            Conversation::Room(id) => self.state.rooms.get(id).is_some_and(|room| self.operates(room).is_ok()),
            Conversation::Pair(..) => false,
        };
        operator || message.source.nick == self.me
    }

    /// Who hears of it, and how the conversation is called for all of them: as with the message.
    fn audience_of(&self, conversation: &Conversation, message: &Message) -> (Audience, Box<str>) {
        match conversation {
            Conversation::Room(id) => match self.state.rooms.get(id) {
                Some(room) => (room.audience.clone(), room.name.as_str().into()),
                None => (Audience::default(), "*".into()),
            },
            Conversation::Pair(one, other) => {
                let accounts = [one, other].into_iter().filter_map(|nick| self.state.accounts.get(nick));
                let audience = accounts.flat_map(|account| account.sessions.iter().copied()).collect();
                let to = if message.source.nick == *one { other } else { one };
                (audience, to.as_str().into())
            }
        }
    }
}

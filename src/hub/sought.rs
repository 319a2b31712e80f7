//! What a request is about that is kept: the step has no journal to look into, so that it comes in with
//! the request.

use std::sync::Arc;

use super::{request::SessionId, state::State};
use crate::{
    ident::{MsgId, Nick},
    protocol::{
        caps::Cap,
        chat::Message,
        command::{BadId, Command, Send, SendId},
        durable::{Conversation, Sent},
    },
};

/// What must be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// A message of a conversation.
    Message(Conversation, MsgId),
    /// What became of the message that an account sent under this name.
    Sent(Nick, Box<str>),
}

/// What there is of it.
#[derive(Clone, Debug, Default)]
pub enum Found {
    /// There is nothing, or nothing was sought.
    #[default]
    Nothing,
    /// The message.
    Message(Arc<Message>),
    /// What was sent before.
    Sent(Sent),
    /// Whether there is anything cannot be told now.
    Unreadable,
}

impl State {
    /// What must come in with a request.
    pub(super) fn seeks(&self, from: SessionId, command: &Command) -> Option<Sought> {
        match command {
            Command::Redact(target, id, _) => {
                let me = &self.sessions.get(&from)?.account;
                Some(Sought::Message(self.readable(me, target)?.conversation, id.parse().ok()?))
            }
            Command::Send(send) => {
                let id = self.id_of(from, send)?.ok()?;
                Some(Sought::Sent(self.sessions.get(&from)?.account.clone(), id.id.clone()))
            }
            _ => None,
        }
    }

    /// What its sender calls a message, if his session may give it a name.
    pub(super) fn id_of<'s>(&self, from: SessionId, send: &'s Send) -> Option<Result<&'s SendId, BadId>> {
        let id = send.id.as_ref()?;
        let knows = self.sessions.get(&from)?.caps.has(Cap::SentId);
        knows.then(|| id.as_deref().map_err(|bad| *bad))
    }
}

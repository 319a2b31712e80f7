//! What the hub asks of the journal: pages and conversations for whoever wants them, and the
//! messages that requests are about.

use std::sync::Arc;

use tracing::warn;

use super::Hub;
use crate::{
    hub::{
        delivery::{Delivery, Lookup},
        request::{Body, Request},
    },
    ident::RoomName,
    journal::Journal,
    protocol::{chat::Message, durable::Conversation, past::Kept, refusal::Refusal, reply::Reply},
};

impl Hub {
    /// Replaces a question for what is kept by its answer.
    pub(super) fn look_up(&mut self, delivery: &mut Delivery) {
        let Delivery::Lookup { session, label, lookup } = delivery else { return };
        let replies = vec![answer(&mut *self.journal, lookup)];
        *delivery = Delivery::Replies { session: *session, label: label.take(), replies };
    }

    /// The kept message that a request is about; the step has no journal to look into.
    pub(super) fn message_of(&mut self, request: &Request) -> Option<Arc<Message>> {
        let Body::Command(command) = &request.body else { return None };
        let (conversation, id) = self.state.asks_for(request.session, command)?;
        self.journal.find(&conversation, id).unwrap_or_else(|error| {
            warn!(%error, "a message could not be read");
            None
        })
    }
}

/// The answer to a question.
pub(in crate::hub) fn answer(journal: &mut dyn Journal, lookup: &Lookup) -> Reply {
    let found = match lookup {
        Lookup::History(place, page) => journal.page(page).map(|kept| {
            let texts = kept.into_iter().filter_map(|kept| match kept {
                Kept::Message(message) => Some(message),
                Kept::Event(_) => None,
            });
            Reply::History(place.clone(), texts.collect())
        }),
        Lookup::Page(_, target, page) => journal.page(page).map(|kept| {
            let room = target.parse::<RoomName>().ok();
            let kept = kept.into_iter().map(|kept| match &room {
                Some(room) => kept.in_room(room),
                None => kept,
            });
            Reply::Page(target.clone(), kept.collect())
        }),
        Lookup::Targets(rooms, newest) => journal.newest(newest).map(|found| {
            let name = |conversation| -> Option<Box<str>> {
                match conversation {
                    Conversation::Room(id) => {
                        rooms.iter().find(|(room, _)| *room == id).map(|(_, name)| name.as_str().into())
                    }
                    Conversation::Pair(one, other) => {
                        let partner = if one == newest.account { other } else { one };
                        Some(partner.as_str().into())
                    }
                }
            };
            Reply::Conversations(found.into_iter().filter_map(|(of, time)| Some((name(of)?, time))).collect())
        }),
    };
    found.unwrap_or_else(|error| {
        warn!(%error, "what is kept could not be read");
        let what = "the server cannot read its journal now";
        Reply::Refused(match lookup {
            Lookup::History(..) => Refusal::BadLine("HISTORY_FAILED", what),
            Lookup::Page(part, target, _) => Refusal::fail("CHATHISTORY", "MESSAGE_ERROR", &[part, target], what),
            Lookup::Targets(..) => Refusal::fail("CHATHISTORY", "MESSAGE_ERROR", &["TARGETS"], what),
        })
    })
}

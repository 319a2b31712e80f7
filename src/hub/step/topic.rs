//! TOPIC: ask for it, set it, remove it.

use std::sync::Arc;

use super::Turn;
use crate::{
    protocol::durable::Durable,
    protocol::{
        chat::{Act, Topic},
        command::Place,
        limits,
        modes::Flag,
        refusal::Refusal,
        reply::Reply,
    },
};

impl Turn<'_> {
    pub(super) fn topic(&mut self, place: &Place, text: Option<&Arc<str>>) {
        let Some(id) = self.room(place) else { return };
        let (Some(room), Some(account)) = (self.state.rooms.get(&id), self.my_account()) else { return };
        let name = room.name.clone();
        let Some(text) = text else {
            let topic = room.topic.clone();
            return self.reply(Reply::Topic(name, topic));
        };
        let may = match self.operates(room) {
            Err(Refusal::NeedOperator(_)) if !room.modes.has(Flag::TopicLocked) => Ok(()),
            operates => operates,
        };
        if let Err(refusal) = may {
            return self.refuse(refusal);
        }
        if text.len() > limits::TOPIC {
            return self.refuse(Refusal::TooLong(limits::TOPIC));
        }
        let (audience, source) = (room.audience.clone(), Arc::clone(&account.source));
        let (by, at) = (self.me.clone(), self.at.time_ms / 1000);
        let topic = (!text.is_empty()).then(|| Topic { text: Arc::clone(text), by, at });
        self.record(Durable::TopicSet(id, topic));
        self.tell(&audience, &source, Act::Topic(name, Arc::clone(text)));
    }
}

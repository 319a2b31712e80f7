//! What is said about rooms: LIST, modes, lists of masks, topics, invitations.

use super::Writer;
use crate::{
    ident::RoomName,
    protocol::{
        chat::Topic,
        modes::{List, Listed},
        reply::ListRow,
    },
};

impl Writer<'_> {
    pub(super) fn list_head(&mut self) {
        self.num(321, &["Channel"], Some("Users  Name"));
    }

    pub(super) fn list_row(&mut self, row: &ListRow) {
        let people = row.people.to_string();
        self.num(322, &[row.room.as_str(), &people], Some(row.topic.as_deref().unwrap_or("")));
    }

    pub(super) fn end_of_list(&mut self) {
        self.num(323, &[], Some("End of /LIST"));
    }

    pub(super) fn topic(&mut self, room: &RoomName, topic: Option<&Topic>) {
        match topic {
            None => self.num(331, &[room.as_str()], Some("No topic is set")),
            Some(topic) => {
                self.num(332, &[room.as_str()], Some(&topic.text));
                self.num(333, &[room.as_str(), topic.by.as_str(), &topic.at.to_string()], None);
            }
        }
    }

    pub(super) fn room_modes(&mut self, room: &RoomName, modes: &str, created: u64) {
        let mut params = vec![room.as_str()];
        params.extend(modes.split(' '));
        self.num(324, &params, None);
        self.num(329, &[room.as_str(), &created.to_string()], None);
    }

    pub(super) fn listed(&mut self, room: &RoomName, list: List, masks: &[Listed]) {
        let (row, over, text) = match list {
            List::Ban => (367, 368, "End of channel ban list"),
            List::Except => (348, 349, "End of channel exception list"),
            List::InviteExcept => (346, 347, "End of channel invite exception list"),
        };
        for Listed { mask, by, at } in masks {
            self.num(row, &[room.as_str(), mask, by.as_str(), &at.to_string()], None);
        }
        self.num(over, &[room.as_str()], Some(text));
    }

    pub(super) fn invitations(&mut self, rooms: &[RoomName]) {
        for room in rooms {
            self.num(336, &[room.as_str()], None);
        }
        self.num(337, &[], Some("End of /INVITE list"));
    }
}

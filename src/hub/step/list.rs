//! LIST: the rooms that one may know of.

use super::{Turn, present_members};
use crate::{
    hub::room::Room,
    protocol::{
        command::ListQuery,
        reply::{ListRow, Reply},
    },
};

impl Turn<'_> {
    pub(super) fn list(&mut self, query: &ListQuery) {
        let names = &query.names;
        let state = &*self.state;
        let row = |room: &Room| ListRow {
            room: room.name.clone(),
            people: present_members(state, room).count(),
            topic: room.topic.as_ref().map(|topic| topic.text.clone()),
        };
        let visible = |room: &&Room| room.visible_to(&self.me);
        let rows = if names.is_empty() {
            state.names.values().filter_map(|id| state.rooms.get(id)).filter(visible).map(row).collect()
        } else {
            let named = names.iter().filter_map(|name| state.room_named(name));
            named.map(|(_, room)| room).filter(visible).map(row).collect()
        };
        self.reply(Reply::List(rows));
    }
}

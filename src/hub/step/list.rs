//! LIST: the rooms that one may know of, and that fit (Modern IRC, section "LIST message").

use std::collections::BTreeSet;

use super::Turn;
use crate::{
    hub::{mask::fits, room::Room},
    protocol::{
        command::{Filter, ListQuery},
        reply::{ListRow, Reply},
    },
};

impl Turn<'_> {
    pub(super) fn list(&mut self, query: &ListQuery) {
        let state = &*self.state;
        let visible = |room: &&Room| room.visible_to(&self.me);
        let rooms: Vec<&Room> = if query.names.is_empty() {
            state.names.values().filter_map(|id| state.rooms.get(id)).filter(visible).collect()
        } else {
            // Each once, however often it is named: counting people is work.
            let mut seen = BTreeSet::new();
            let named = query.names.iter().filter_map(|name| state.room_named(name));
            named.filter(|(id, _)| seen.insert(*id)).map(|(_, room)| room).filter(visible).collect()
        };
        let row = |room: &Room| ListRow {
            room: room.name.clone(),
            people: if room.members.contains_key(&self.me) { room.people.len() } else { room.people.visible() },
            topic: room.topic.as_ref().map(|topic| topic.text.clone()),
        };
        let now = self.at.time_ms / 1000;
        let rows = rooms.into_iter().map(|room| (room, row(room)));
        let fitting = rows.filter(|(room, row)| query.filters.iter().all(|filter| passes(filter, room, row, now)));
        let rows = fitting.map(|(_, row)| row).collect();
        self.reply(Reply::List(rows));
    }
}

/// Whether a room passes a filter at this time, seconds since the epoch.
fn passes(filter: &Filter, room: &Room, row: &ListRow, now: u64) -> bool {
    let (age, topic_age) = (now.saturating_sub(room.created), room.topic.as_ref().map(|t| now.saturating_sub(t.at)));
    let seconds = |minutes: u64| minutes.saturating_mul(60);
    match filter {
        Filter::MoreThan(people) => row.people > *people,
        Filter::FewerThan(people) => row.people < *people,
        Filter::YoungerThan(minutes) => age < seconds(*minutes),
        Filter::OlderThan(minutes) => age > seconds(*minutes),
        Filter::TopicYoungerThan(minutes) => topic_age.is_some_and(|age| age < seconds(*minutes)),
        Filter::TopicOlderThan(minutes) => topic_age.is_some_and(|age| age > seconds(*minutes)),
        Filter::Fits(mask) => fits(mask, room.name.as_str()),
        Filter::FitsNot(mask) => !fits(mask, room.name.as_str()),
    }
}

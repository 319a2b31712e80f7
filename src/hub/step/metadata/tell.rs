//! Who is told of changes (IRCv3 `draft/metadata-3`, section "Notifications").

use std::sync::Arc;

use super::super::Turn;
use crate::{
    hub::{delivery::Delivery, request::SessionId},
    ident::{Nick, RoomId},
    protocol::{
        command::Ask,
        metadata::{MetadataReply, Owner, Row},
        reply::Reply,
    },
};

impl Turn<'_> {
    /// SUB, UNSUB and SUBS, which are about one's own session.
    pub(super) fn subscriptions(&mut self, target: &str, ask: &Ask) {
        let mine = target == "*" || target.parse::<Nick>().is_ok_and(|nick| nick == self.me);
        if !mine {
            return self.refuse(super::no_target(target));
        }
        let mut replies = Vec::new();
        let Some(session) = self.my_session() else { return };
        match ask {
            Ask::Sub(wishes) => {
                let new = session.subscriptions.add(wishes, &mut replies);
                self.replies.append(&mut replies);
                self.sync_new(&new);
            }
            Ask::Unsub(wishes) => session.subscriptions.remove(wishes, &mut replies),
            _ => replies.push(session.subscriptions.list()),
        }
        self.replies.append(&mut replies);
    }

    /// Tells a change to the other sessions that are subscribed: those in the room, or those of the
    /// person, of who shares a room with him, and of who watches him.
    pub(super) fn tell_subscribers(&mut self, owner: &Owner, row: &Row) {
        let mut audience: Vec<SessionId> = match owner {
            Owner::Room(id) => self.state.rooms.get(id).map_or_else(Vec::new, |room| room.audience.iter().collect()),
            Owner::Account(nick) => self.hear_of(nick),
        };
        audience.retain(|&session| session != self.from);
        for session in audience {
            self.tell_rows(session, std::slice::from_ref(row));
        }
    }

    fn hear_of(&self, nick: &Nick) -> Vec<SessionId> {
        let Some(account) = self.state.accounts.get(nick) else { return Vec::new() };
        let mut audience: Vec<SessionId> = self.state.neighbours(account).iter().collect();
        audience.extend(account.sessions.iter());
        let watchers = self.state.watchers.get(nick).into_iter().flat_map(|watchers| watchers.iter().copied());
        audience.extend(watchers.filter(|id| {
            let watcher = self.state.sessions.get(id);
            watcher.is_some_and(|watcher| self.state.reveals(nick, &watcher.account))
        }));
        audience.sort_unstable();
        audience.dedup();
        audience
    }

    /// Tells a session those of the rows to whose keys it is subscribed.
    fn tell_rows(&mut self, id: SessionId, rows: &[Row]) {
        let Some(session) = self.state.sessions.get(&id).filter(|session| session.metadata_aware()) else { return };
        let subscribed = |row: &&Row| matches!(row, Row::Key { key, .. } if session.subscriptions.has(key));
        let replies: Vec<Reply> =
            rows.iter().filter(subscribed).map(|row| Reply::Metadata(MetadataReply::Row(row.clone()))).collect();
        if !replies.is_empty() {
            self.deliveries.push(Delivery::Replies { session: id, label: None, replies });
        }
    }

    /// Who was in the room before learns what the newcomer says about himself, unless they have
    /// met in another room.
    pub(in crate::hub::step) fn introduce(&mut self, id: RoomId) {
        let Some((account, room)) = self.my_account().zip(self.state.rooms.get(&id)) else { return };
        if account.metadata.is_empty() {
            return;
        }
        let rows = super::rows_of(&Arc::from(self.me.as_str()), &account.metadata);
        let others = account.rooms.iter().filter(|&&other| other != id).filter_map(|id| self.state.rooms.get(id));
        let mut met: Vec<SessionId> = others.flat_map(|other| other.audience.iter()).collect();
        met.extend(account.sessions.iter());
        met.sort_unstable();
        let stranger = |session: &SessionId| met.binary_search(session).is_err();
        let strangers: Vec<SessionId> = room.audience.iter().filter(stranger).collect();
        for session in strangers {
            self.tell_rows(session, &rows);
        }
    }
}

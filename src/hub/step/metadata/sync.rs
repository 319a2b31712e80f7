//! What a session is to know already, when people and rooms come into its sight (IRCv3
//! `draft/metadata-3`, sections "Automatic synchronization" and "Postponed synchronization").

use std::sync::Arc;

use super::super::Turn;
use crate::{
    hub::{
        account::{Account, Session},
        metadata::Subscriptions,
        request::SessionId,
        room::Room,
        state::State,
    },
    ident::{Nick, RoomId},
    protocol::{
        chat::Source,
        metadata::{ALL, MetadataReply, Owner, Row, Values},
        reply::Reply,
    },
};

/// The most rows that come by themselves; where there are more, the session asks for them.
const UNASKED: usize = 100;

/// The most rows for which a session asks: half a megabyte, which its outbox holds several times.
const ASKED: usize = 1000;

impl Turn<'_> {
    /// SYNC of one target: with a room come the people in it, for its members.
    pub(super) fn sync(&mut self, owner: &Owner, name: Arc<str>) {
        let Some(session) = self.state.sessions.get(&self.from) else { return };
        let wanted = &session.subscriptions;
        let rows = match owner {
            Owner::Room(id) => self.state.room_rows(&self.me, *id, wanted, ASKED),
            Owner::Account(_) => {
                let values = self.state.values_of(owner).map(|values| (Arc::clone(&name), values));
                rows(values.into_iter(), wanted, ASKED)
            }
        };
        self.reply(Reply::Metadata(MetadataReply::Rows(name, rows)));
    }

    pub(super) fn sync_everything(&mut self) {
        let Some(session) = self.state.sessions.get(&self.from) else { return };
        let rows = self.state.all_rows(session, &session.subscriptions, ASKED);
        self.reply(Reply::Metadata(MetadataReply::Rows(ALL.into(), rows)));
    }

    /// After SUB: what the new keys are for everybody in sight.
    pub(super) fn sync_new(&mut self, new: &Subscriptions) {
        let Some(session) = self.state.sessions.get(&self.from) else { return };
        if new.iter().next().is_some() {
            let rows = self.state.all_rows(session, new, UNASKED + 1);
            // Where nothing is set yet, that may be asked later too.
            self.reply(if rows.is_empty() { later(ALL.into()) } else { rows_or_later(ALL.into(), rows) });
        }
    }

    /// What a session learns of a room into which it comes; nothing if it is not told of metadata.
    pub(in crate::hub::step) fn sync_room(&self, id: RoomId, session: SessionId) -> Option<Reply> {
        let session = self.state.sessions.get(&session).filter(|session| session.metadata_aware())?;
        let name = Arc::from(self.state.rooms.get(&id)?.name.as_str());
        let rows = self.state.room_rows(&session.account, id, &session.subscriptions, UNASKED + 1);
        Some(rows_or_later(name, rows))
    }

    /// What a session learns of people whom it watches and who are here: one batch for each, if
    /// there is not too much.
    pub(in crate::hub::step) fn sync_watched(&self, session: SessionId, online: &[Arc<Source>]) -> Vec<Reply> {
        let aware = self.state.sessions.get(&session).filter(|session| session.metadata_aware());
        let Some(session) = aware else { return Vec::new() };
        let mut left = UNASKED;
        let batch = |source: &Arc<Source>| {
            let owner = Owner::Account(source.nick.clone());
            let name = Arc::from(source.nick.as_str());
            let values = self.state.values_of(&owner).filter(|_| self.state.reveals(&source.nick, &session.account));
            let rows = rows(values.map(|values| (Arc::clone(&name), values)).into_iter(), &session.subscriptions, left);
            left = left.checked_sub(rows.len() + 1)?;
            Some(Reply::Metadata(MetadataReply::Rows(name, rows)))
        };
        online.iter().map(batch).collect::<Option<_>>().unwrap_or_else(|| vec![later(ALL.into())])
    }

    /// What a session that comes back into all its rooms learns of them.
    pub(in crate::hub::step) fn sync_rooms(&self) -> Option<Reply> {
        let session = self.state.sessions.get(&self.from).filter(|session| session.metadata_aware())?;
        self.my_account().filter(|account| !account.rooms.is_empty())?;
        Some(rows_or_later(ALL.into(), self.state.all_rows(session, &session.subscriptions, UNASKED + 1)))
    }

    /// All that one says about oneself, for the welcome.
    pub(in crate::hub::step) fn own_metadata(&self) -> Option<Vec<Row>> {
        self.state.sessions.get(&self.from).filter(|session| session.metadata_aware())?;
        Some(super::rows_of(&Arc::from(self.me.as_str()), &self.my_account()?.metadata))
    }
}

fn rows_or_later(target: Arc<str>, rows: Vec<Row>) -> Reply {
    if rows.len() > UNASKED { later(target) } else { Reply::Metadata(MetadataReply::Rows(target, rows)) }
}

fn later(target: Arc<str>) -> Reply {
    Reply::Metadata(MetadataReply::Later(target))
}

/// The wanted keys of these, so many at most.
fn rows<'a>(of: impl Iterator<Item = (Arc<str>, &'a Values)>, wanted: &Subscriptions, most: usize) -> Vec<Row> {
    let all = of.flat_map(|(name, values)| super::rows_of(&name, values));
    all.filter(|row| matches!(row, Row::Key { key, .. } if wanted.has(key))).take(most).collect()
}

fn of_room(room: &Room) -> (Arc<str>, &Values) {
    (room.name.as_str().into(), &room.metadata)
}

impl State {
    /// Of a room, and of the people in it for one of them: those who are here first, since only so
    /// many fit.
    fn room_rows(&self, me: &Nick, id: RoomId, wanted: &Subscriptions, most: usize) -> Vec<Row> {
        let Some(room) = self.rooms.get(&id) else { return Vec::new() };
        let inside = room.members.contains_key(me);
        let people = self.values_of_people(move |nick| inside && room.members.contains_key(nick));
        rows(std::iter::once(of_room(room)).chain(people), wanted, most)
    }

    /// Of everybody and every room that a session hears of.
    fn all_rows(&self, session: &Session, wanted: &Subscriptions, most: usize) -> Vec<Row> {
        let me = &session.account;
        let rooms = self.accounts.get(me).map_or(&[][..], |account| &account.rooms);
        let rooms: Vec<&Room> = rooms.iter().filter_map(|id| self.rooms.get(id)).collect();
        let people = self.values_of_people(|nick| {
            let watched = || session.watches.contains_key(nick) && self.reveals(nick, me);
            nick == me || rooms.iter().any(|room| room.members.contains_key(nick)) || watched()
        });
        rows(rooms.iter().map(|room| of_room(room)).chain(people), wanted, most)
    }

    /// Of those who say something, the people who are here first. Whoever takes only so many looks at no
    /// more of them.
    fn values_of_people<'a>(
        &'a self,
        of: impl Fn(&Nick) -> bool + Clone,
    ) -> impl Iterator<Item = (Arc<str>, &'a Values)> {
        let people = |here: bool| {
            let of = of.clone();
            let known = self.described.iter().filter_map(|nick| Some((nick, &**self.accounts.get(nick)?)));
            known.filter(move |(nick, account)| account.present() == here && of(nick))
        };
        let name = |(nick, account): (&'a Nick, &'a Account)| (Arc::from(nick.as_str()), &account.metadata);
        people(true).chain(people(false)).map(name)
    }
}

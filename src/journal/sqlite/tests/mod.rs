//! Tests of what only this backend does.

mod copies;
mod erased;
mod failing;
mod frozen;
mod migrations;
mod opening;
mod pages;
mod reopen;
mod retention;

use std::{
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tempfile::TempDir;

use super::{OpenError, Sqlite};
use crate::{
    ident::RoomId,
    journal::{CommitError, Entry, Log as _, Retention, contract},
    protocol::{
        chat::{Audience, Message},
        durable::{Conversation, Durable, Position},
        past::{Content, Kept, Page, Range},
    },
};

/// A journal in a directory of its own.
struct House {
    dir: TempDir,
    name: &'static str,
    journal: Option<Sqlite>,
    epoch: u32,
    sequence: u64,
    retention: Retention,
}

impl House {
    fn new(retention: Retention) -> Self {
        let mut house = Self::closed(retention);
        house.open().unwrap();
        house
    }

    /// The directory alone.
    fn closed(retention: Retention) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, name: "journal.sqlite3", journal: None, epoch: 0, sequence: 0, retention }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join(self.name)
    }

    /// Closes it if it is open, and opens it again.
    fn open(&mut self) -> Result<(), OpenError> {
        self.journal = None;
        self.journal = Some(Sqlite::open_by(&self.file(), self.retention, || 0)?);
        Ok(())
    }

    fn journal(&mut self) -> &mut Sqlite {
        self.journal.as_mut().unwrap()
    }

    /// Appends what happens at the next place; its time is the place's number.
    fn append(&mut self, events: Vec<Durable>) {
        self.sequence += 1;
        let (position, time_ms) = (self.last(), self.sequence);
        self.journal().append(Entry { position, time_ms, events });
    }

    fn last(&self) -> Position {
        Position { epoch: self.epoch, sequence: self.sequence }
    }

    fn commit(&mut self) -> Poll<Result<Position, CommitError>> {
        self.journal().commit();
        let settle = self.journal().settler();
        settle();
        self.poll()
    }

    fn poll(&mut self) -> Poll<Result<Position, CommitError>> {
        self.journal().poll_committed(&mut Context::from_waker(Waker::noop()))
    }

    /// Has these things happen, each at its own place, and commits them.
    fn happen(&mut self, events: impl IntoIterator<Item = Durable>) {
        events.into_iter().for_each(|event| self.append(vec![event]));
        assert_eq!(self.commit(), Poll::Ready(Ok(self.last())));
    }

    /// What makes up the state.
    fn loaded(&mut self) -> Vec<Durable> {
        let mut loaded = Vec::new();
        self.journal().load(&mut |event| loaded.push(event)).unwrap();
        loaded
    }

    fn page(&mut self, page: &Page) -> Vec<Kept> {
        contract::page(self.journal(), page)
    }

    /// All that a conversation holds.
    fn all(&mut self, conversation: Conversation) -> Vec<Kept> {
        self.page(&everything(conversation))
    }
}

fn at(sequence: u64) -> Position {
    Position { epoch: 0, sequence }
}

fn everything(conversation: Conversation) -> Page {
    let until = Position { epoch: 9, sequence: 0 };
    Page { conversation, range: Range::Latest(None), content: Content::Everything, since_ms: 0, until, most: 1000 }
}

fn in_room(room: u64) -> Audience {
    Audience::Room(RoomId(room), "#r".parse().unwrap())
}

fn to(nick: &str) -> Audience {
    Audience::Account(nick.parse().unwrap())
}

/// The `n`th message, said at `n` ms.
fn said(n: u64, from: &str, audience: Audience, text: &str) -> Durable {
    Durable::Message(contract::message(n, from, audience, text))
}

/// A message with what is unusual about it.
fn special(n: u64, audience: Audience, change: impl FnOnce(&mut Message)) -> Durable {
    let mut message = Message::clone(&contract::message(n, "alice", audience, "text"));
    change(&mut message);
    Durable::Message(Arc::new(message))
}

/// What no test without a power failure can show: a commit is synced, and what is removed overwritten.
#[test]
fn who_writes_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("journal.sqlite3");
    drop(Sqlite::open(&file, Retention::default()).unwrap());
    let conn = super::file::writer(&file).unwrap();
    let setting = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    const FULL: i64 = 2;
    assert_eq!((setting("synchronous"), setting("secure_delete"), setting("foreign_keys")), (FULL, 1, 1));
}

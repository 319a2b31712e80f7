//! Entries become rows, many of them in one transaction.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use rusqlite::{Connection, OptionalExtension as _, Params, TransactionBehavior, params};

use super::{
    coded, file,
    items::Sources,
    trouble::{Outcome, Trouble},
};
use crate::{
    ident::RoomId,
    journal::Entry,
    protocol::{
        durable::{Conversation, Durable},
        past::Kept,
    },
};

/// More conversations than this are looked up again.
const REMEMBERED: usize = 20_000;

/// The connection that writes.
pub(super) struct Writing {
    file: PathBuf,
    /// `None` after a failure, until it is opened again.
    conn: Option<Connection>,
    known: Known,
    /// How many pages wait in the write-ahead log.
    log: Arc<AtomicU32>,
}

/// What is known of rows that are used again and again. Gone when a transaction fails.
#[derive(Default)]
struct Known {
    conversations: HashMap<Conversation, Talk>,
    sources: Sources,
}

/// The row of a conversation, and what has yet to be written into it.
struct Talk {
    id: i64,
    newest: i64,
    more: i64,
}

/// What a batch leaves to be tidied up soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Litter {
    /// A room's items are to be removed.
    pub room: bool,
    /// Something was taken back: the write-ahead log may still hold it.
    pub text: bool,
}

impl Writing {
    pub(super) fn new(file: &Path, conn: Connection) -> Outcome<Self> {
        let mut writing =
            Self { file: file.into(), conn: None, known: Known::default(), log: Arc::new(AtomicU32::new(0)) };
        writing.take(conn)?;
        Ok(writing)
    }

    fn take(&mut self, mut conn: Connection) -> Outcome<()> {
        let log = Arc::clone(&self.log);
        // Moving the log into the file waits for the disk: that is done when the commit was reported.
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            log.store(pages.unsigned_abs(), Relaxed);
            Ok(())
        }))?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Commits all of these entries or none.
    pub(super) fn commit(&mut self, entries: &[Entry]) -> Outcome<Litter> {
        self.with_known(|conn, known| {
            let mut litter = Litter::default();
            let mut apply = Apply { conn, known, litter: &mut litter };
            for entry in entries {
                apply.entry(entry)?;
            }
            if let Some(last) = entries.last() {
                let at = (coded::position(last.position), coded::number(last.time_ms));
                let known = "INSERT INTO last VALUES (1, ?1, ?2, 0)
                    ON CONFLICT DO UPDATE SET position = ?1, time_ms = ?2";
                apply.conn.prepare_cached(known)?.execute(at)?;
            }
            apply.known.flush(conn)?;
            Ok(litter)
        })
    }

    /// Does something in a transaction. After a failure the connection is opened anew, since some of
    /// them leave it unusable.
    pub(super) fn transact<T>(&mut self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        self.with_known(|conn, _| work(conn))
    }

    fn with_known<T>(&mut self, work: impl FnOnce(&Connection, &mut Known) -> Outcome<T>) -> Outcome<T> {
        let done = self.attempt(work);
        if done.is_err() {
            self.known = Known::default();
            self.conn = None;
        }
        done
    }

    fn attempt<T>(&mut self, work: impl FnOnce(&Connection, &mut Known) -> Outcome<T>) -> Outcome<T> {
        if self.conn.is_none() {
            self.take(file::writer(&self.file)?)?;
        }
        let conn = self.conn.as_mut().ok_or(Trouble::Damaged("it is closed"))?;
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction, &mut self.known)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Forgets what is known of rows: some were removed.
    pub(super) fn forget(&mut self) {
        self.known = Known::default();
    }

    /// The connection, outside of a transaction.
    pub(super) fn conn(&self) -> Option<&Connection> {
        self.conn.as_ref()
    }

    /// How many pages wait in the write-ahead log.
    pub(super) fn log(&self) -> u32 {
        self.log.load(Relaxed)
    }

    /// Moves the log into the file as far as no reader is in the way.
    pub(super) fn checkpoint(&mut self) {
        if let Some(conn) = &self.conn {
            // What stays in the log is moved another time; it is as safe there.
            let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
        self.log.store(0, Relaxed);
    }
}

impl Known {
    /// Writes what was put off until the end of the transaction.
    fn flush(&mut self, conn: &Connection) -> Outcome<()> {
        const SQL: &str = "UPDATE conversations SET newest = ?2, items = items + ?3 WHERE id = ?1";
        for talk in self.conversations.values_mut().filter(|talk| talk.more > 0) {
            conn.prepare_cached(SQL)?.execute([talk.id, talk.newest, talk.more])?;
            talk.more = 0;
        }
        self.sources.flush(conn)?;
        if self.conversations.len() > REMEMBERED {
            self.conversations.clear();
        }
        Ok(())
    }
}

/// Puts entries into the tables.
struct Apply<'a> {
    conn: &'a Connection,
    known: &'a mut Known,
    litter: &'a mut Litter,
}

impl Apply<'_> {
    fn entry(&mut self, entry: &Entry) -> Outcome<()> {
        if !coded::fits(entry.position) {
            return Err(Trouble::Damaged("a position beyond all that it can hold"));
        }
        let position = coded::position(entry.position);
        for event in &entry.events {
            match event {
                Durable::Message(message) => {
                    if let Some(conversation) = Conversation::of(message) {
                        self.keep(position, conversation, &Kept::Message(Arc::clone(message)))?;
                    }
                }
                Durable::Event(room, event) => {
                    self.keep(position, Conversation::Room(*room), &Kept::Event(Arc::clone(event)))?;
                }
                Durable::Redacted(conversation, id) => {
                    if let Some(id_of) = self.known.find(self.conn, conversation)? {
                        self.litter.text |= super::items::take_back(self.conn, id_of, *id)?;
                    }
                }
                Durable::RoomRemoved(room) => {
                    self.abandon(*room)?;
                    super::state::apply(self.conn, position, event)?;
                }
                _ => super::state::apply(self.conn, position, event)?,
            }
        }
        Ok(())
    }

    fn keep(&mut self, position: i64, conversation: Conversation, kept: &Kept) -> Outcome<()> {
        let id = self.known.touch(self.conn, conversation, position)?;
        super::items::put(self.conn, &mut self.known.sources, position, id, kept)
    }

    /// What was said in a room that is gone belongs to nobody: it is removed bit by bit.
    fn abandon(&mut self, room: RoomId) -> Outcome<()> {
        self.known.flush(self.conn)?;
        self.known.conversations.remove(&Conversation::Room(room));
        let gone = self
            .conn
            .prepare_cached("UPDATE conversations SET room = NULL WHERE room = ?1")?
            .execute([coded::number(room.0)])?;
        self.litter.room |= gone > 0;
        Ok(())
    }
}

impl Known {
    /// The row of a conversation in which something stands at this position now.
    fn touch(&mut self, conn: &Connection, conversation: Conversation, position: i64) -> Outcome<i64> {
        if let Some(talk) = self.conversations.get_mut(&conversation) {
            (talk.newest, talk.more) = (position, talk.more + 1);
            return Ok(talk.id);
        }
        let id = match find(conn, &conversation)? {
            Some(id) => id,
            None => create(conn, &conversation)?,
        };
        self.conversations.insert(conversation, Talk { id, newest: position, more: 1 });
        Ok(id)
    }

    fn find(&self, conn: &Connection, conversation: &Conversation) -> Outcome<Option<i64>> {
        match self.conversations.get(conversation) {
            Some(talk) => Ok(Some(talk.id)),
            None => find(conn, conversation),
        }
    }
}

/// The number of a conversation's row.
pub(super) fn find(conn: &Connection, conversation: &Conversation) -> Outcome<Option<i64>> {
    const ROOM: &str = "SELECT id FROM conversations WHERE room = ?1";
    const PAIR: &str = "SELECT id FROM conversations WHERE one = ?1 AND other = ?2";
    match conversation {
        Conversation::Room(room) => one(conn, ROOM, [coded::number(room.0)]),
        Conversation::Pair(a, b) => one(conn, PAIR, [a.as_str(), b.as_str()]),
    }
}

fn one(conn: &Connection, sql: &str, params: impl Params) -> Outcome<Option<i64>> {
    Ok(conn.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?)
}

fn create(conn: &Connection, conversation: &Conversation) -> Outcome<i64> {
    const SQL: &str = "INSERT INTO conversations (room, one, other, newest, items) VALUES (?1, ?2, ?3, 0, 0)";
    let mut insert = conn.prepare_cached(SQL)?;
    match conversation {
        Conversation::Room(room) => insert.execute(params![coded::number(room.0), None::<&str>, None::<&str>])?,
        Conversation::Pair(a, b) => insert.execute(params![None::<i64>, a.as_str(), b.as_str()])?,
    };
    Ok(conn.last_insert_rowid())
}

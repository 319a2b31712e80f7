//! The journal in one SQLite file: what `--data DIR` keeps.
//!
//! One thread writes: it takes everything that was appended since its last commit and commits it in
//! one transaction, on disk when it says so. Another answers questions, each as of one moment. What is
//! looked up by its key is read by the caller himself. What is too old or too much is removed by the
//! thread that writes, in pieces between commits (`chores`).
//!
//! `schema/` says what is where in the file. Nothing of it is known outside of this module.

mod acts;
mod answers;
mod archive;
mod chores;
mod coded;
mod copy;
mod desk;
mod error;
mod file;
mod items;
mod load;
mod newest;
mod page;
mod queue;
mod schema;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod trouble;
mod unread;
mod write;
mod writer;

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Poll},
    thread::JoinHandle,
};

use rusqlite::{Connection, OptionalExtension as _};

pub use archive::{Archive, Holdings, RoomHoldings, look, verify};
pub use copy::{CopyError, backup, import};
pub use error::OpenError;

use self::{
    answers::Answers,
    chores::Chores,
    desk::Desk,
    items::Rows,
    queue::Queue,
    trouble::{Outcome, Trouble},
    write::Writing,
};
use super::{CommitError, Entry, Last, Log, ReadError, Retention, Store, Ticket};
use crate::{
    ident::{MsgId, Nick},
    platform::{clock, counters::Counters},
    protocol::{
        chat::Message,
        durable::{Conversation, Durable, Position, Sent},
        past::{Answer, Kept, Question},
    },
};

/// How much of the file is kept in memory for what the caller looks up, KiB.
const CACHE: u32 = 1_000;

/// How many threads only read.
const READERS: usize = 1;

/// The backend.
pub struct Sqlite {
    file: PathBuf,
    queue: Arc<Queue>,
    desk: Arc<Desk>,
    /// Those that read, then the one that writes.
    threads: Vec<JoinHandle<()>>,
    /// For what the caller reads himself; `None` after a failure, until it is opened again.
    here: Option<Connection>,
    names: Names,
    /// Let go when all else is closed.
    _hold: file::Hold,
}

/// What was appended under a name and is not committed yet.
#[derive(Default)]
struct Names {
    sent: HashMap<(Nick, Box<str>), (Position, Sent)>,
    order: VecDeque<(Position, (Nick, Box<str>))>,
}

impl Sqlite {
    /// Opens the journal in this file, or makes it.
    ///
    /// # Errors
    /// When it cannot be read or written, or is in use.
    pub fn open(file: &Path, retention: Retention) -> Result<Self, OpenError> {
        Self::open_by(file, retention, clock::unix_ms)
    }

    /// The same by another clock.
    fn open_by(file: &Path, retention: Retention, now_ms: fn() -> u64) -> Result<Self, OpenError> {
        let of = |trouble: Trouble| OpenError::of(file, &trouble);
        let (hold, conn) = file::prepare(file)?;
        let last = load::last(&conn).map_err(of)?;
        let queue = Arc::new(Queue::new(last.map(|last| last.position)));
        let desk = Arc::new(Desk::default());
        let here = file::reader(file, CACHE).map_err(of)?;
        let (answers, writing) = (Answers::new(file).map_err(of)?, Writing::new(file, conn).map_err(of)?);
        let names = Names::default();
        let (file, threads) = (file.to_path_buf(), Vec::new());
        let mut journal = Self { file, queue, desk, threads, here: Some(here), names, _hold: hold };
        let (queue, desk) = (Arc::clone(&journal.queue), Arc::clone(&journal.desk));
        journal.spawn("journal-read", move || desk::run(&desk, answers))?;
        journal.spawn("journal-write", move || writer::run(&queue, writing, Chores::new(retention, now_ms)))?;
        Ok(journal)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
        self.threads.push(spawned.map_err(|error| OpenError::other(&self.file, &error))?);
        Ok(())
    }

    /// Reads something on the caller's own connection.
    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T, ReadError> {
        let conn = match self.here.take() {
            Some(conn) => conn,
            None => file::reader(&self.file, CACHE)?,
        };
        let found = read(&conn)?;
        self.here = Some(conn);
        Ok(found)
    }
}

#[cfg(test)]
impl Sqlite {
    /// Waits until all is committed of which a commit was asked for.
    pub(crate) fn settler(&self) -> impl Fn() + Send + 'static {
        let queue = Arc::clone(&self.queue);
        move || queue.settle()
    }

    /// Removes what is too old or too much as of this time.
    pub(crate) fn tidy(&self, now_ms: u64) {
        self.queue.tidy(now_ms);
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The last connection that is closed moves the write-ahead log into the file and removes it,
        // if it may write: the writer's is closed when no reader is left.
        self.here = None;
        self.desk.end();
        join(self.threads.drain(..self.threads.len().min(READERS)));
        self.queue.end();
        join(self.threads.drain(..));
    }
}

fn join(threads: impl Iterator<Item = JoinHandle<()>>) {
    for thread in threads {
        // One that panicked has said so.
        let _ = thread.join();
    }
}

impl Names {
    fn add(&mut self, position: Position, account: &Nick, id: &str, sent: Sent) {
        let key = (account.clone(), Box::from(id));
        self.sent.insert(key.clone(), (position, sent));
        self.order.push_back((position, key));
    }

    /// Forgets what is on disk.
    fn forget(&mut self, committed: Position) {
        while let Some((position, _)) = self.order.front()
            && *position <= committed
            && let Some((position, key)) = self.order.pop_front()
        {
            if self.sent.get(&key).is_some_and(|(last, _)| *last == position) {
                self.sent.remove(&key);
            }
        }
    }
}

impl Log for Sqlite {
    fn append(&mut self, entry: Entry) {
        for event in &entry.events {
            if let Durable::Sent { account, id, sent } = event {
                self.names.add(entry.position, account, id, *sent);
            }
        }
        self.queue.append(entry);
    }

    fn commit(&mut self) {
        self.queue.commit();
    }

    fn committed(&self) -> Option<Position> {
        self.queue.committed()
    }

    fn poll_committed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Position, CommitError>> {
        let polled = self.queue.poll_committed(cx);
        match &polled {
            Poll::Ready(Ok(position)) => self.names.forget(*position),
            Poll::Ready(Err(_)) => self.names = Names::default(),
            Poll::Pending => {}
        }
        polled
    }

    fn count_in(&mut self, counters: Arc<Counters>) {
        self.queue.count_in(counters);
    }

    fn load(&mut self, apply: &mut dyn FnMut(Durable)) -> Result<Option<Last>, ReadError> {
        self.read(|conn| load::load(conn, apply))
    }
}

impl Store for Sqlite {
    fn ask(&mut self, ticket: Ticket, question: Question) {
        self.desk.ask(ticket, question);
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<(Ticket, Result<Answer, ReadError>)> {
        self.desk.poll_answer(cx)
    }

    fn find(&mut self, conversation: &Conversation, id: MsgId) -> Result<Option<Arc<Message>>, ReadError> {
        self.read(|conn| {
            let Some(number) = write::find(conn, conversation)? else { return Ok(None) };
            let Some((place, _)) = items::place_of(conn, number, id, i64::MAX)? else { return Ok(None) };
            Ok(match Rows::new(conn).kept(place, conversation)? {
                Some(Kept::Message(message)) => Some(message),
                _ => None,
            })
        })
    }

    fn sent(&mut self, account: &Nick, id: &str) -> Result<Option<Sent>, ReadError> {
        const SQL: &str = "SELECT digest, message, time_ms FROM sent WHERE account = ?1 AND id = ?2";
        if let Some((_, sent)) = self.names.sent.get(&(account.clone(), id.into())) {
            return Ok(Some(*sent));
        }
        self.read(|conn| {
            let mut found = conn.prepare_cached(SQL)?;
            let sent = found.query_row((account.as_str(), id), |row| {
                let (message, time_ms) = (coded::id_of(row.get(1)?), coded::number_of(row.get(2)?));
                Ok(Sent { digest: row.get(0)?, message, time_ms })
            });
            Ok(sent.optional()?)
        })
    }
}

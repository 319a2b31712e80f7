//! A journal's file as its administrator sees it: how much it holds, what was said, whether it is
//! whole. It is only read, also while a server writes it.

use std::{ops::Range, path::Path};

use rusqlite::{Connection, OpenFlags, Row};

use super::{
    coded,
    error::OpenError,
    file::{self, beside},
    items::{Rows, parsed},
    schema::{self, Version},
    trouble::{Outcome, Trouble},
    write,
};
use crate::{
    ident::{RoomId, RoomName},
    journal::ReadError,
    protocol::{durable::Conversation, past::Kept},
};

/// How much a journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// What was said.
    pub messages: u64,
    /// The rooms that there are.
    pub rooms: u64,
    /// Its size on disk.
    pub octets: u64,
}

/// How much it holds of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomHoldings {
    /// Its number.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// How many are in it.
    pub members: u64,
    /// What was said.
    pub messages: u64,
    /// When the oldest of that was, milliseconds since the epoch.
    pub first_ms: Option<u64>,
    /// And the newest.
    pub last_ms: Option<u64>,
}

/// A journal that is open for reading.
#[derive(Debug)]
pub struct Archive {
    conn: Connection,
}

/// So much is read at once: between two portions nothing is held, however slow the reader is.
const PORTION: usize = 500;

impl Archive {
    /// Opens a journal that is there.
    ///
    /// # Errors
    /// When it is none, or not of this version.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        Ok(Self { conn: file::existing(file)? })
    }

    /// All rooms, by their names.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rooms(&self) -> Result<Vec<RoomHoldings>, ReadError> {
        const SQL: &str = "SELECT rooms.id, rooms.name,
            (SELECT count(*) FROM members WHERE members.room = rooms.id) AS members,
            count(items.place) AS messages, min(items.time_ms) AS first, max(items.time_ms) AS last
            FROM rooms LEFT JOIN conversations ON conversations.room = rooms.id
            LEFT JOIN items ON items.conversation = conversations.id AND items.form = 0
            GROUP BY rooms.id ORDER BY rooms.name COLLATE NOCASE";
        let read = || -> Outcome<Vec<RoomHoldings>> {
            let mut found = self.conn.prepare(SQL)?;
            let mut rows = found.query([])?;
            let mut rooms = Vec::new();
            while let Some(row) = rows.next()? {
                rooms.push(room(row)?);
            }
            Ok(rooms)
        };
        Ok(read()?)
    }

    /// Gives what is kept of a conversation and happened within these times (milliseconds since the
    /// epoch), the oldest first, until `each` wants no more.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(
        &self,
        conversation: &Conversation,
        times: Range<u64>,
        each: &mut dyn FnMut(Kept) -> bool,
    ) -> Result<(), ReadError> {
        let mut after = 0;
        loop {
            let (portion, last) = self.portion(conversation, &times, after)?;
            let Some(last) = last else { return Ok(()) };
            if !portion.into_iter().all(&mut *each) {
                return Ok(());
            }
            after = last;
        }
    }

    /// The next items, and the place of the last of them if there was any.
    fn portion(
        &self,
        conversation: &Conversation,
        times: &Range<u64>,
        after: i64,
    ) -> Outcome<(Vec<Kept>, Option<i64>)> {
        // In the order of their places: each row is looked at once in the course of all portions.
        const SQL: &str = "SELECT place FROM items WHERE place > ?1 AND +conversation = ?2 AND form < 3
            AND +time_ms >= ?3 AND +time_ms < ?4 ORDER BY place LIMIT ?5";
        let moment = self.conn.unchecked_transaction()?;
        let Some(talk) = write::find(&moment, conversation)? else { return Ok((Vec::new(), None)) };
        let (from, to) = (coded::number(times.start), coded::number(times.end));
        let mut found = moment.prepare_cached(SQL)?;
        let places = found.query_map((after, talk, from, to, PORTION as i64), |row| row.get::<_, i64>(0))?;
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let mut rows = Rows::new(&moment);
        let mut kept = Vec::with_capacity(places.len());
        for place in &places {
            kept.extend(rows.kept(*place, conversation)?);
        }
        Ok((kept, places.last().copied()))
    }
}

fn room(row: &Row<'_>) -> Outcome<RoomHoldings> {
    let time = |time: Option<i64>| time.map(coded::number_of);
    Ok(RoomHoldings {
        room: RoomId(coded::number_of(row.get("id")?)),
        name: parsed(row, "name")?,
        members: coded::number_of(row.get("members")?),
        messages: coded::number_of(row.get("messages")?),
        first_ms: time(row.get("first")?),
        last_ms: time(row.get("last")?),
    })
}

/// Looks at a journal without changing anything, and tells how much it holds; `None` where that is
/// told only after it was opened for writing.
///
/// # Errors
/// When a server could not use it: it is none, of a newer version, or cannot be read.
pub fn look(file: &Path) -> Result<Option<Holdings>, OpenError> {
    let of = |trouble: Trouble| OpenError::of(file, &trouble);
    let conn = untouched(file).map_err(of)?;
    match schema::version(&conn).map_err(of)? {
        Version::Empty => Ok(None),
        Version::Ours(schema::NEWEST) => {
            schema::check(&conn).map_err(of)?;
            holdings(file, &conn).map(Some).map_err(of)
        }
        Version::Ours(found) if found > schema::NEWEST => {
            Err(OpenError::Newer { file: file.into(), found, known: schema::NEWEST })
        }
        Version::Ours(_) => Ok(None),
        Version::Foreign => Err(OpenError::Foreign { file: file.into() }),
    }
}

/// Opens a journal to read it, and leaves nothing beside it.
fn untouched(file: &Path) -> Outcome<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let log = std::fs::metadata(beside(file, "-wal")).map_or(0, |log| log.len());
    match file.to_str().filter(|_| log == 0) {
        // All is in the file. SQLite would make an empty log and leave it there.
        Some(path) => {
            let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            Ok(Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?)
        }
        None => Ok(Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?),
    }
}

fn holdings(file: &Path, conn: &Connection) -> Outcome<Holdings> {
    let count = |sql| conn.query_row(sql, [], |row| row.get(0)).map(coded::number_of);
    let sizes = ["", "-wal"].map(|ending| std::fs::metadata(beside(file, ending)).map_or(0, |file| file.len()));
    Ok(Holdings {
        messages: count("SELECT count(*) FROM items WHERE form = 0")?,
        rooms: count("SELECT count(*) FROM rooms")?,
        octets: sizes.iter().sum(),
    })
}

/// Reads everything in a journal or a backup, and tells whether it is whole; how much it holds, if it
/// is of this version.
///
/// # Errors
/// When it is not, or is of a newer version.
pub fn verify(file: &Path) -> Result<Option<Holdings>, OpenError> {
    verify_as(file, file)
}

/// The same; errors are about `name`, which the file is to get.
pub(super) fn verify_as(file: &Path, name: &Path) -> Result<Option<Holdings>, OpenError> {
    let of = |trouble: Trouble| OpenError::of(name, &trouble);
    let conn = file::reader(file, 16_000).map_err(of)?;
    let newest = match schema::version(&conn).map_err(of)? {
        Version::Ours(found) if found > schema::NEWEST => {
            return Err(OpenError::Newer { file: name.into(), found, known: schema::NEWEST });
        }
        Version::Ours(found) => found == schema::NEWEST,
        Version::Empty | Version::Foreign => return Err(OpenError::Foreign { file: name.into() }),
    };
    // Also the index of words: it has a check of its own that this one calls.
    let verdict: String =
        conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|e| of(e.into()))?;
    let dangling = conn.prepare("PRAGMA foreign_key_check").and_then(|mut check| check.exists([]));
    if verdict != "ok" || dangling.map_err(|e| of(e.into()))? {
        // The verdict itself may hold words of a row.
        return Err(of(Trouble::Damaged("the integrity check finds faults")));
    }
    if !newest {
        return Ok(None);
    }
    schema::check(&conn).and_then(|()| holdings(file, &conn)).map(Some).map_err(of)
}

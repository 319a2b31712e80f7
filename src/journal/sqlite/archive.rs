//! The journal as something to read in, without a server or beside one.

use std::path::Path;

use rusqlite::Connection;

use super::{coded, error::OpenError, file, items::Rows, items::parsed, trouble::Outcome, write};
use crate::{
    ident::{RoomId, RoomName},
    journal::ReadError,
    protocol::{durable::Conversation, past::Kept},
};

/// What is kept in a journal, read only. A server may write it meanwhile: everything is read as of
/// the moment when the reading began.
#[derive(Debug)]
pub struct Archive(Connection);

impl Archive {
    /// Opens the journal in this file, which must be there.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        file::existing(file).map(Self)
    }

    /// The rooms that there are, by their numbers.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rooms(&self) -> Result<Vec<(RoomId, RoomName)>, ReadError> {
        Ok(self.read_rooms()?)
    }

    fn read_rooms(&self) -> Outcome<Vec<(RoomId, RoomName)>> {
        let mut found = self.0.prepare("SELECT id, name FROM rooms ORDER BY id")?;
        let mut rows = found.query([])?;
        let mut rooms = Vec::new();
        while let Some(row) = rows.next()? {
            rooms.push((RoomId(coded::number_of(row.get("id")?)), parsed(row, "name")?));
        }
        Ok(rooms)
    }

    /// Calls `each` with every message and event of a room since this time (milliseconds since the
    /// epoch), in their order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn each_of_room(&self, room: RoomId, since_ms: u64, mut each: impl FnMut(Kept)) -> Result<(), ReadError> {
        Ok(self.read_room(room, since_ms, &mut each)?)
    }

    fn read_room(&self, room: RoomId, since_ms: u64, each: &mut dyn FnMut(Kept)) -> Outcome<()> {
        const SQL: &str = "SELECT place FROM items WHERE conversation = ?1 AND time_ms >= ?2 ORDER BY time_ms, place";
        let snapshot = self.0.unchecked_transaction()?;
        let conversation = Conversation::Room(room);
        let Some(id) = write::find(&snapshot, &conversation)? else { return Ok(()) };
        let mut found = snapshot.prepare(SQL)?;
        let mut places = found.query([id, coded::number(since_ms)])?;
        let mut rows = Rows::new(&snapshot);
        while let Some(row) = places.next()? {
            if let Some(kept) = rows.kept(row.get(0)?, &conversation)? {
                each(kept);
            }
        }
        Ok(())
    }
}

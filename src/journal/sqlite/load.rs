//! The events that make up the state, out of the rows.
//!
//! They are fewer than those that happened: one room is made once and has the topic that it has.

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{
    coded,
    items::{client_of, device_of, parsed},
    trouble::{Outcome, Trouble},
};
use crate::{
    ident::{Nick, RoomId},
    journal::Last,
    protocol::{
        chat::Topic,
        durable::{Durable, Origin},
        metadata::Owner,
        modes::{Change, Flag, List, Listed, Status},
    },
};

type Apply<'a> = &'a mut dyn FnMut(Durable);

/// Gives everything to `apply`, and tells where the journal stands.
pub(super) fn load(conn: &Connection, apply: Apply<'_>) -> Outcome<Option<Last>> {
    // All of it as of one moment.
    let _snapshot = conn.unchecked_transaction()?;
    accounts(conn, apply)?;
    highest_room(conn, apply)?;
    rooms(conn, apply)?;
    members(conn, apply)?;
    of_accounts(conn, apply)?;
    last(conn)
}

/// Where the journal stands.
pub(super) fn last(conn: &Connection) -> Outcome<Option<Last>> {
    let last = conn.query_row("SELECT position, time_ms FROM last", [], |row| Ok((row.get(0)?, row.get(1)?)));
    let last = last.optional()?;
    Ok(last
        .map(|(position, time_ms)| Last { position: coded::position_of(position), time_ms: coded::number_of(time_ms) }))
}

/// Calls `each` with every row.
fn each(conn: &Connection, sql: &str, mut each: impl FnMut(&Row<'_>) -> Outcome<()>) -> Outcome<()> {
    let mut found = conn.prepare(sql)?;
    let mut rows = found.query([])?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

fn accounts(conn: &Connection, apply: Apply<'_>) -> Outcome<()> {
    each(conn, "SELECT name FROM accounts ORDER BY number", |row| {
        apply(Durable::AccountSeen(parsed(row, "name")?));
        Ok(())
    })
}

/// Numbers of rooms are never given again: the last one came and went.
fn highest_room(conn: &Connection, apply: Apply<'_>) -> Outcome<()> {
    const SQL: &str = "SELECT room FROM last WHERE room > 0 AND NOT EXISTS (SELECT 1 FROM rooms WHERE id = room)";
    each(conn, SQL, |row| {
        let room = room_of(row, "room")?;
        let name = "#gone".parse().map_err(|_| Trouble::Damaged("a name that cannot be one"))?;
        let (kind, visibility) = (coded::room_kind_of(0)?, coded::visibility_of(0)?);
        apply(Durable::RoomCreated { room, name, kind, visibility, founder: None, at: 0 });
        apply(Durable::RoomRemoved(room));
        Ok(())
    })
}

fn room_of(row: &Row<'_>, column: &str) -> Outcome<RoomId> {
    Ok(RoomId(coded::number_of(row.get(column)?)))
}

fn rooms(conn: &Connection, apply: Apply<'_>) -> Outcome<()> {
    each(conn, "SELECT * FROM rooms ORDER BY id", |row| {
        let room = room_of(row, "id")?;
        let founder: Option<Box<str>> = row.get("founder")?;
        apply(Durable::RoomCreated {
            room,
            name: parsed(row, "name")?,
            kind: coded::room_kind_of(row.get("kind")?)?,
            visibility: coded::visibility_of(row.get("visibility")?)?,
            founder: if founder.is_some() { Some(parsed(row, "founder")?) } else { None },
            at: coded::number_of(row.get("created_s")?),
        });
        if let Some(text) = row.get("topic")? {
            let topic = Topic { text, by: parsed(row, "topic_by")?, at: coded::number_of(row.get("topic_at_s")?) };
            apply(Durable::TopicSet(room, Some(topic)));
        }
        if let Some(key) = row.get("entry_key")? {
            apply(Durable::ModeChanged(room, Change::Key(Some(key))));
        }
        if let Some(limit) = row.get("member_limit")? {
            apply(Durable::ModeChanged(room, Change::Limit(Some(limit))));
        }
        Ok(())
    })?;
    each(conn, "SELECT * FROM flags", |row| {
        let flag = Flag::by_letter(letter(row)?).ok_or(Trouble::Damaged("an unknown mode"))?;
        apply(Durable::ModeChanged(room_of(row, "room")?, Change::Flag(flag, row.get("is_on")?)));
        Ok(())
    })?;
    each(conn, "SELECT * FROM lists ORDER BY number", |row| {
        let list = List::by_letter(letter(row)?).ok_or(Trouble::Damaged("an unknown mode"))?;
        let (by, at) = (parsed(row, "set_by")?, coded::number_of(row.get("at_s")?));
        let listed = Listed { mask: row.get("mask")?, by, at };
        apply(Durable::ModeChanged(room_of(row, "room")?, Change::Listed(list, listed)));
        Ok(())
    })?;
    each(conn, "SELECT * FROM metadata_of_rooms", |row| {
        let owner = Owner::Room(room_of(row, "room")?);
        metadata(row, owner, apply)
    })
}

fn letter(row: &Row<'_>) -> Outcome<char> {
    let letter: Box<str> = row.get("letter")?;
    letter.chars().next().ok_or(Trouble::Damaged("an unknown mode"))
}

fn metadata(row: &Row<'_>, owner: Owner, apply: Apply<'_>) -> Outcome<()> {
    let key: Box<str> = row.get("name")?;
    let key = key.parse().map_err(|_| Trouble::Damaged("a key of metadata that cannot be one"))?;
    apply(Durable::MetadataSet { owner, key, value: Some(row.get("content")?) });
    Ok(())
}

/// In the order of joining: so an account has its rooms in it. Who is invited comes after: joining
/// would use the invitation up.
fn members(conn: &Connection, apply: Apply<'_>) -> Outcome<()> {
    each(conn, "SELECT * FROM members ORDER BY number", |row| {
        let (room, account): (_, Nick) = (room_of(row, "room")?, parsed(row, "account")?);
        let at_ms = coded::number_of(row.get("since_ms")?);
        apply(Durable::Joined { room, account: account.clone(), operator: row.get("operator")?, at_ms });
        if row.get("voiced")? {
            apply(Durable::ModeChanged(room, Change::Status(Status::Voiced, account, true)));
        }
        Ok(())
    })?;
    each(conn, "SELECT * FROM invited", |row| {
        apply(Durable::Invited { room: room_of(row, "room")?, account: parsed(row, "account")? });
        Ok(())
    })
}

fn of_accounts(conn: &Connection, apply: Apply<'_>) -> Outcome<()> {
    each(conn, "SELECT * FROM marks ORDER BY account, time_ms", |row| {
        let time_ms = coded::number_of(row.get("time_ms")?);
        apply(Durable::MarkedRead { account: parsed(row, "account")?, target: row.get("target")?, time_ms });
        Ok(())
    })?;
    each(conn, "SELECT * FROM metadata_of_accounts", |row| {
        let owner = Owner::Account(parsed(row, "account")?);
        metadata(row, owner, apply)
    })?;
    each(conn, "SELECT * FROM cursors ORDER BY position", |row| {
        let (device, client): (Box<[u8]>, Box<str>) = (row.get("device")?, row.get("client")?);
        let origin = Origin { device: device_of(&device)?, client: client_of(&client)? };
        let at = coded::position_of(row.get("position")?);
        apply(Durable::CursorMoved { account: parsed(row, "account")?, origin, at });
        Ok(())
    })
}

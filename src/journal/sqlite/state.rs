//! Everything but messages and events: what makes up the state, as rows.
//!
//! The rows follow `hub::state::State::apply`: what it ignores is ignored here, and what
//! [`load`](super::load) reads out of them makes the same state again.

use rusqlite::{Connection, Params, params};

use super::{coded, trouble::Outcome};
use crate::{
    ident::{RoomId, RoomName},
    journal::STAYS,
    protocol::{
        durable::Durable,
        limits,
        metadata::Owner,
        modes::{Change, Status},
    },
};

/// The position at which who is still a member leaves.
pub(super) const NOT_YET: i64 = i64::MAX;

/// Puts one event, which stands at this position, into the tables.
pub(super) fn apply(conn: &Connection, position: i64, event: &Durable) -> Outcome<()> {
    match event {
        Durable::AccountSeen(nick) => run(conn, "INSERT OR IGNORE INTO accounts (name) VALUES (?1)", [nick.as_str()]),
        Durable::RoomCreated { room, name, kind, visibility, founder, at } => {
            remove_room(conn, *room)?;
            let row = params![
                id(*room),
                name.as_str(),
                coded::room_kind(*kind),
                coded::visibility(*visibility),
                founder.as_ref().map(|founder| founder.as_str()),
                coded::number(*at),
            ];
            const SQL: &str = "INSERT INTO rooms (id, name, kind, visibility, founder, created_s)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            run(conn, SQL, row)?;
            const LAST: &str = "INSERT INTO last VALUES (1, 0, 0, ?1)
                ON CONFLICT DO UPDATE SET room = max(room, ?1)";
            run(conn, LAST, [id(*room)])
        }
        Durable::RoomRemoved(room) => {
            remove_room(conn, *room)?;
            run(conn, "DELETE FROM stays WHERE room = ?1", [id(*room)])
        }
        Durable::Joined { room, account, operator, at_ms } => {
            const MEMBER: &str = "INSERT INTO members (room, account, operator, voiced, since_ms)
                SELECT id, ?2, ?3, 0, ?4 FROM rooms WHERE id = ?1
                ON CONFLICT DO UPDATE SET operator = ?3, voiced = 0, since_ms = ?4";
            let member = params![id(*room), account.as_str(), operator, coded::number(*at_ms)];
            run(conn, MEMBER, member)?;
            let who = (id(*room), account.as_str());
            run(conn, "DELETE FROM invited WHERE room = ?1 AND account = ?2", who)?;
            const STAY: &str = "INSERT INTO stays (room, account, joined, parted) SELECT ?1, ?2, ?3, ?4
                WHERE NOT EXISTS (SELECT 1 FROM stays WHERE account = ?2 AND room = ?1 AND parted = ?4)
                ON CONFLICT DO UPDATE SET parted = ?4";
            run(conn, STAY, (who.0, who.1, position, NOT_YET))?;
            const MANY: &str = "DELETE FROM stays WHERE account = ?2 AND room = ?1 AND joined <=
                (SELECT joined FROM stays WHERE account = ?2 AND room = ?1 ORDER BY joined DESC LIMIT 1 OFFSET ?3)";
            run(conn, MANY, (who.0, who.1, coded::number(STAYS as u64)))
        }
        Durable::Left { room, account } => {
            let who = (id(*room), account.as_str());
            run(conn, "DELETE FROM members WHERE room = ?1 AND account = ?2", who)?;
            const STAY: &str = "UPDATE stays SET parted = ?3 WHERE account = ?2 AND room = ?1 AND parted = ?4";
            run(conn, STAY, (who.0, who.1, position, NOT_YET))
        }
        Durable::TopicSet(room, topic) => {
            const SQL: &str = "UPDATE rooms SET topic = ?2, topic_by = ?3, topic_at_s = ?4 WHERE id = ?1";
            let topic = topic.as_ref();
            run(
                conn,
                SQL,
                params![
                    id(*room),
                    topic.map(|topic| &*topic.text),
                    topic.map(|topic| topic.by.as_str()),
                    topic.map(|topic| coded::number(topic.at)),
                ],
            )
        }
        Durable::ModeChanged(room, change) => change_mode(conn, *room, change),
        Durable::Renamed(room, name) => rename(conn, *room, name),
        Durable::Invited { room, account } => {
            const SQL: &str = "INSERT OR IGNORE INTO invited SELECT id, ?2 FROM rooms WHERE id = ?1";
            run(conn, SQL, (id(*room), account.as_str()))
        }
        Durable::MarkedRead { account, target, time_ms } => {
            mark(conn, account.as_str(), target, coded::number(*time_ms))
        }
        Durable::MetadataSet { owner, key, value } => {
            let value = value.as_deref();
            match owner {
                Owner::Account(nick) => {
                    const SET: &str = "INSERT OR REPLACE INTO metadata_of_accounts VALUES (?1, ?2, ?3)";
                    const UNSET: &str = "DELETE FROM metadata_of_accounts WHERE account = ?1 AND name = ?2";
                    match value {
                        Some(value) => run(conn, SET, [nick.as_str(), key.as_str(), value]),
                        None => run(conn, UNSET, [nick.as_str(), key.as_str()]),
                    }
                }
                Owner::Room(room) => {
                    const SET: &str = "INSERT OR REPLACE INTO metadata_of_rooms
                        SELECT id, ?2, ?3 FROM rooms WHERE id = ?1";
                    const UNSET: &str = "DELETE FROM metadata_of_rooms WHERE room = ?1 AND name = ?2";
                    match value {
                        Some(value) => run(conn, SET, (id(*room), key.as_str(), value)),
                        None => run(conn, UNSET, (id(*room), key.as_str())),
                    }
                }
            }
        }
        Durable::CursorMoved { account, origin, at } => {
            const SQL: &str = "INSERT INTO cursors VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET position = max(position, ?4)";
            // Those that are furthest behind.
            const MANY: &str = "DELETE FROM cursors WHERE account = ?1 AND (device, client) IN (
                SELECT device, client FROM cursors WHERE account = ?1
                ORDER BY position DESC, device DESC, client DESC LIMIT -1 OFFSET ?2)";
            let (device, client) = super::items::origin(origin);
            run(conn, SQL, params![account.as_str(), device, client, coded::position(*at)])?;
            run(conn, MANY, params![account.as_str(), coded::number(limits::CURSORS as u64)])
        }
        Durable::Sent { account, id, sent } => {
            const SQL: &str = "INSERT OR REPLACE INTO sent VALUES (?1, ?2, ?3, ?4, ?5)";
            let row = params![account.as_str(), id, sent.digest, coded::id(sent.message), coded::number(sent.time_ms)];
            run(conn, SQL, row)
        }
        Durable::Message(_) | Durable::Event(..) | Durable::Redacted(..) => Ok(()),
    }
}

fn id(room: RoomId) -> i64 {
    coded::number(room.0)
}

/// All that belongs to the room goes with it.
fn remove_room(conn: &Connection, room: RoomId) -> Outcome<()> {
    run(conn, "DELETE FROM rooms WHERE id = ?1", [id(room)])
}

fn change_mode(conn: &Connection, room: RoomId, change: &Change) -> Outcome<()> {
    const FLAG: &str = "INSERT OR REPLACE INTO flags SELECT id, ?2, ?3 FROM rooms WHERE id = ?1";
    const KEY: &str = "UPDATE rooms SET entry_key = ?2 WHERE id = ?1";
    const LIMIT: &str = "UPDATE rooms SET member_limit = ?2 WHERE id = ?1";
    // Who is set again stands at the end.
    const LISTED: &str = "INSERT OR REPLACE INTO lists (room, letter, mask, set_by, at_s)
        SELECT id, ?2, ?3, ?4, ?5 FROM rooms WHERE id = ?1";
    const UNLISTED: &str = "DELETE FROM lists WHERE room = ?1 AND letter = ?2 AND mask = ?3";
    const OPERATOR: &str = "UPDATE members SET operator = ?3 WHERE room = ?1 AND account = ?2";
    const VOICED: &str = "UPDATE members SET voiced = ?3 WHERE room = ?1 AND account = ?2";
    let room = id(room);
    let letter = |letter: char| letter.to_string();
    match change {
        Change::Flag(flag, on) => run(conn, FLAG, (room, letter(flag.letter()), on)),
        Change::Key(key) => run(conn, KEY, (room, key.as_deref())),
        Change::Limit(limit) => run(conn, LIMIT, (room, limit)),
        Change::Listed(list, listed) => {
            run(conn, LISTED, (room, letter(list.letter()), &listed.mask, listed.by.as_str(), coded::number(listed.at)))
        }
        Change::Unlisted(list, mask) => run(conn, UNLISTED, (room, letter(list.letter()), mask)),
        Change::Status(Status::Operator, account, on) => run(conn, OPERATOR, (room, account.as_str(), on)),
        Change::Status(Status::Voiced, account, on) => run(conn, VOICED, (room, account.as_str(), on)),
    }
}

/// The members' marks go with the name.
fn rename(conn: &Connection, room: RoomId, name: &RoomName) -> Outcome<()> {
    const OLD: &str = "SELECT name FROM rooms WHERE id = ?1";
    const MARKS: &str = "SELECT account, time_ms FROM marks WHERE target = ?2
        AND account IN (SELECT account FROM members WHERE room = ?1)";
    let mut old = conn.prepare_cached(OLD)?;
    let Some(old) = old.query_map([id(room)], |row| row.get::<_, String>(0))?.next().transpose()? else {
        return Ok(());
    };
    let (old, new) = (old.to_ascii_lowercase(), name.folded());
    let mut marks = conn.prepare_cached(MARKS)?;
    let marks = marks.query_map((id(room), &old), |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for (account, time_ms) in marks.collect::<Result<Vec<_>, _>>()? {
        run(conn, "DELETE FROM marks WHERE account = ?1 AND target = ?2", (&account, &old))?;
        mark(conn, &account, &new, time_ms)?;
    }
    run(conn, "UPDATE rooms SET name = ?2 WHERE id = ?1", (id(room), name.as_str()))
}

/// Sets a mark; never back. The oldest goes when there are too many.
fn mark(conn: &Connection, account: &str, target: &str, time_ms: i64) -> Outcome<()> {
    const MOVE: &str = "UPDATE marks SET time_ms = max(time_ms, ?3) WHERE account = ?1 AND target = ?2";
    const COUNT: &str = "SELECT count(*) FROM marks WHERE account = ?1";
    const OLDEST: &str = "DELETE FROM marks WHERE account = ?1
        AND target = (SELECT target FROM marks WHERE account = ?1 ORDER BY time_ms, target LIMIT 1)";
    if conn.prepare_cached(MOVE)?.execute((account, target, time_ms))? > 0 {
        return Ok(());
    }
    let count: i64 = conn.prepare_cached(COUNT)?.query_row([account], |row| row.get(0))?;
    if coded::number_of(count) >= limits::MARKS as u64 {
        run(conn, OLDEST, [account])?;
    }
    run(conn, "INSERT INTO marks VALUES (?1, ?2, ?3)", (account, target, time_ms))
}

/// Runs one statement.
fn run(conn: &Connection, sql: &str, params: impl Params) -> Outcome<()> {
    conn.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

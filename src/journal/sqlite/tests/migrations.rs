//! From version to version, each step whole or not at all.

use std::fs;

use rusqlite::Connection;

use super::{House, in_room, said};
use crate::{
    ident::RoomId,
    journal::{
        Retention,
        sqlite::schema::{self, Version},
    },
    protocol::durable::Conversation,
};

const FIRST: &str = include_str!("../schema/1.sql");
const GOOD: &str = "CREATE TABLE more (x INTEGER); UPDATE items SET text = text || '!'";

fn filled() -> House {
    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "x")]);
    house.journal = None;
    house
}

fn tables(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'more'", [], |row| row.get(0)).unwrap()
}

fn text(conn: &Connection) -> String {
    conn.query_row("SELECT text FROM items", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let mut house = filled();
    let mut conn = Connection::open(house.file()).unwrap();

    let bad = format!("{GOOD}; INSERT INTO nowhere VALUES (1)");
    assert!(schema::migrate_by(&mut conn, &[FIRST, &bad], 1).is_err());
    assert_eq!(schema::version(&conn).unwrap(), Version::Ours(1));
    assert_eq!((tables(&conn), text(&conn)), (0, "x".into()));
    drop(conn);
    house.open().unwrap();
    assert_eq!(house.all(Conversation::Room(RoomId(1))).len(), 1);
    house.journal = None;

    let mut conn = Connection::open(house.file()).unwrap();
    schema::migrate_by(&mut conn, &[FIRST, GOOD], 1).unwrap();
    assert_eq!(schema::version(&conn).unwrap(), Version::Ours(2));
    assert_eq!((tables(&conn), text(&conn)), (1, "x!".into()));
    drop(conn);
    assert!(house.open().is_err(), "it is newer now");
}

/// What a process leaves that is killed in the middle of a step: everything that it has written so
/// far, and no commit.
#[test]
fn a_step_that_is_cut_off_changes_nothing() {
    let house = filled();
    let other = House::closed(Retention::default());
    let conn = Connection::open(house.file()).unwrap();
    // Whatever is changed is written at once.
    conn.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE").unwrap();
    conn.execute_batch("CREATE TABLE more (x INTEGER); UPDATE items SET text = text || '!'").unwrap();
    conn.execute_batch(
        "WITH n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 50000) INSERT INTO more SELECT x FROM n",
    )
    .unwrap();
    for ending in ["", "-wal"] {
        let name = |house: &House| format!("{}{ending}", house.file().display());
        fs::copy(name(&house), name(&other)).unwrap();
    }
    let log = fs::metadata(format!("{}-wal", other.file().display())).unwrap().len();
    assert!(log > 100_000, "{log} octets were written");
    let mut other = other;
    other.open().unwrap();
    assert_eq!(other.all(Conversation::Room(RoomId(1))).len(), 1);
    other.journal = None;
    let conn = Connection::open(other.file()).unwrap();
    assert_eq!((tables(&conn), text(&conn)), (0, "x".into()));
}

#[test]
fn the_first_step_that_is_cut_off_leaves_an_empty_file() {
    let mut house = House::closed(Retention::default());
    let mut conn = Connection::open(house.file()).unwrap();
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    assert!(schema::migrate_by(&mut conn, &[&format!("{FIRST}; INSERT INTO nowhere VALUES (1)")], 0).is_err());
    assert_eq!(schema::version(&conn).unwrap(), Version::Empty);
    drop(conn);
    house.open().unwrap();
    house.happen([said(1, "alice", in_room(1), "x")]);
}

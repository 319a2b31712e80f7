//! What cannot be opened says why, and what is damaged harms nobody else.

use std::fs;

use rusqlite::Connection;

use super::{House, OpenError, Sqlite, everything, in_room, said};
use crate::{
    ident::RoomId,
    journal::{Log as _, Retention, contract},
    protocol::{durable::Conversation, past::Question},
};

fn refused(house: &House) -> OpenError {
    match Sqlite::open(&house.file(), Retention::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&house.file().display().to_string()), "{text}");
            error
        }
    }
}

#[test]
fn a_newer_one() {
    let mut house = House::new(Retention::default());
    house.journal = None;
    Connection::open(house.file()).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = refused(&house);
    assert!(matches!(error, OpenError::Newer { found: 7, known: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("format 7") && text.contains("up to 1"), "{text}");
}

#[test]
fn one_that_is_in_use() {
    let mut house = House::new(Retention::default());
    assert!(matches!(refused(&house), OpenError::Locked { .. }));
    house.journal = None;
    house.open().unwrap();
}

#[test]
fn what_is_no_journal() {
    let house = House::closed(Retention::default());
    fs::write(house.file(), "Dear diary, ".repeat(1000)).unwrap();
    assert!(matches!(refused(&house), OpenError::Foreign { .. }));
    fs::remove_file(house.file()).unwrap();
    Connection::open(house.file()).unwrap().execute_batch("CREATE TABLE recipes (cake)").unwrap();
    assert!(matches!(refused(&house), OpenError::Foreign { .. }));
    let conn = Connection::open(house.file()).unwrap();
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1, "nothing was added to it");
}

#[test]
fn tables_that_somebody_changed() {
    let mut house = House::new(Retention::default());
    house.journal = None;
    Connection::open(house.file()).unwrap().execute_batch("DROP INDEX items_by_id").unwrap();
    assert!(matches!(refused(&house), OpenError::Damaged { .. }));
}

#[test]
fn a_directory_that_is_not_there() {
    let mut house = House::closed(Retention::default());
    house.name = "none/journal.sqlite3";
    let error = refused(&house);
    assert!(matches!(error, OpenError::Other { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let mut house = House::new(Retention::default());
    house.happen([said(1, "alice", in_room(1), "x")]);
    for ending in ["", "-wal", "-shm", "-lock"] {
        let path = format!("{}{ending}", house.file().display());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path}");
    }
}

/// Pages full of rubbish, one after the other: opening or reading may fail, nothing panics, nothing
/// hangs.
#[test]
fn damaged_pages() {
    const PAGE: usize = 4096;
    let mut house = House::new(Retention::default());
    house.happen((1..=200).map(|n| said(n, "alice", in_room(1), &format!("word{n} {}", "x".repeat(100)))));
    house.journal = None;
    let whole = fs::read(house.file()).unwrap();
    let mut unreadable = 0;
    for page in 1..whole.len() / PAGE {
        let mut damaged = whole.clone();
        damaged[page * PAGE..][..PAGE].fill(0xa5);
        house.journal = None;
        // What the one before could not move into its damaged file.
        let _ = fs::remove_file(house.dir.path().join("journal.sqlite3-wal"));
        fs::write(house.file(), damaged).unwrap();
        if let Err(error) = house.open() {
            assert!(matches!(error, OpenError::Damaged { .. } | OpenError::Other { .. }), "{error}");
            unreadable += 1;
            continue;
        }
        let read = contract::ask(house.journal(), Question::Page(everything(Conversation::Room(RoomId(1)))));
        let loaded = house.journal().load(&mut |_| {});
        unreadable += usize::from(read.is_err() || loaded.is_err());
        house.sequence = 1000;
        house.append(vec![said(1000, "alice", in_room(1), "more")]);
        assert!(house.commit().is_ready(), "committed or not, page {page}");
    }
    assert!(unreadable > 5, "{unreadable}");
}

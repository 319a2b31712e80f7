//! The schema of the file and the way to it from every older one.
//!
//! Each version is a file in `schema/`, never changed once it was released; what is new is another
//! file at the end of the list. The file's `user_version` says how many of them it has been through.

use std::collections::BTreeSet;

use rusqlite::{Connection, TransactionBehavior};

use super::trouble::{Outcome, Trouble};

const VERSIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// The newest version.
pub(super) const NEWEST: i64 = VERSIONS.len() as i64;

/// What says in the file's head that it is ours: "CNCL".
const APPLICATION: i64 = 0x434e_434c;

/// Which version a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// There is nothing in it yet.
    Empty,
    /// It is ours and has this version.
    Ours(i64),
    /// It is some other program's.
    Foreign,
}

pub(super) fn version(conn: &Connection) -> Outcome<Version> {
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok(match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION, version) => Version::Ours(version),
        (0, 0) => match conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))? {
            0 => Version::Empty,
            _ => Version::Foreign,
        },
        _ => Version::Foreign,
    })
}

/// Brings a file from a version to the newest, each step whole or not at all.
pub(super) fn migrate(conn: &mut Connection, from: i64) -> Outcome<()> {
    migrate_by(conn, &VERSIONS, from)
}

pub(super) fn migrate_by(conn: &mut Connection, versions: &[&str], from: i64) -> Outcome<()> {
    for (sql, version) in versions.iter().zip(1..).skip_while(|(_, version)| *version <= from) {
        let step = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "application_id", APPLICATION)?;
        step.pragma_update(None, "user_version", version)?;
        step.commit()?;
    }
    Ok(())
}

/// Holds the file's tables and indexes against those that a new file has.
pub(super) fn check(conn: &Connection) -> Outcome<()> {
    let mut fresh = Connection::open_in_memory()?;
    migrate(&mut fresh, 0)?;
    if shape(conn)? == shape(&fresh)? {
        Ok(())
    } else {
        Err(Trouble::Damaged("its tables are not those of this version"))
    }
}

/// Everything that the schema names, each with its definition. How the full-text index keeps its
/// own tables is SQLite's business.
fn shape(conn: &Connection) -> Outcome<BTreeSet<(String, String)>> {
    const SQL: &str = "SELECT name, iif(name GLOB 'words_*', '', coalesce(sql, '')) FROM sqlite_schema
        WHERE name NOT GLOB 'sqlite_stat*'";
    let mut rows = conn.prepare(SQL)?;
    let shape = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(shape)
}

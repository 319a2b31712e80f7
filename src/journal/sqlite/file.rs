//! The file: how it is made, locked and opened.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::{
    error::OpenError,
    schema::{self, Version},
    trouble::{Outcome, Trouble},
};
use crate::platform::files::{FilesError, Lock};

/// How long a connection waits for another that is in its way. Nobody else writes; what is waited for
/// is over in moments.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How many statements a connection keeps ready.
const STATEMENTS: usize = 96;

/// The right to write the journal, held by one process at a time. SQLite itself locks only while it
/// writes. The lock stands in a file of its own: SQLite's are lost when the process that holds them
/// opens the file in any other way.
#[derive(Debug)]
pub(super) struct Hold(#[expect(dead_code, reason = "held, not looked at")] Lock);

impl Hold {
    fn take(file: &Path) -> Result<Self, OpenError> {
        let failed = |error: &io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                OpenError::ReadOnly { file: file.into() }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full { file: file.into() },
            _ => OpenError::other(file, error),
        };
        let lock = match Lock::try_exclusive(&beside(file, "-lock")) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Err(OpenError::Locked { file: file.into() }),
            Err(FilesError::Lock { source, .. }) => return Err(failed(&source)),
            Err(error) => return Err(OpenError::other(file, &error)),
        };
        // SQLite gives its other files the permissions of this one.
        private(file).map_err(|error| failed(&error))?;
        Ok(Self(lock))
    }
}

/// A file that only its owner may read, made if it is missing.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file whose name is longer by this ending.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens the journal to write it: makes it, brings it up to date, and looks whether its tables are
/// what they should be.
pub(super) fn prepare(file: &Path) -> Result<(Hold, Connection), OpenError> {
    let hold = Hold::take(file)?;
    let of = |trouble| OpenError::of(file, &trouble);
    let mut conn =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| of(error.into()))?;
    let from = match schema::version(&conn).map_err(of)? {
        Version::Empty => 0,
        Version::Ours(found) if found > schema::NEWEST => {
            return Err(OpenError::Newer { file: file.into(), found, known: schema::NEWEST });
        }
        Version::Ours(found) => found,
        Version::Foreign => return Err(OpenError::Foreign { file: file.into() }),
    };
    if conn.is_readonly("main").map_err(|error| of(error.into()))? {
        return Err(OpenError::ReadOnly { file: file.into() });
    }
    let mut ready = || -> Outcome<()> {
        if from == 0 {
            // Takes effect only before there is a table.
            conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        writable(&conn)?;
        schema::migrate(&mut conn, from)?;
        schema::check(&conn)
    };
    ready().map_err(of)?;
    Ok((hold, conn))
}

/// Opens the journal once more to write it, after a failure.
pub(super) fn writer(file: &Path) -> Outcome<Connection> {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    writable(&conn)?;
    match schema::version(&conn)? {
        Version::Ours(schema::NEWEST) => Ok(conn),
        _ => Err(Trouble::Damaged("another file stands in its place")),
    }
}

fn writable(conn: &Connection) -> Outcome<()> {
    settings(conn)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Trouble::Damaged("its file system has no shared memory for SQLite's write-ahead log"));
    }
    // A commit is on disk when it is reported.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // What is removed is overwritten.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    // After a burst the write-ahead log becomes small again.
    conn.query_row("PRAGMA journal_size_limit = 16777216", [], |_| Ok(()))?;
    conn.pragma_update(None, "cache_size", -8_000)?;
    Ok(())
}

/// Opens the journal to read it. `cache`: how many KiB of it are kept in memory.
pub(super) fn reader(file: &Path, cache: u32) -> Outcome<Connection> {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    settings(&conn)?;
    conn.pragma_update(None, "cache_size", -i64::from(cache))?;
    Ok(conn)
}

fn settings(conn: &Connection) -> Outcome<()> {
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // A file that somebody made by hand has no say in what is run.
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    conn.pragma_update(None, "cell_size_check", "ON")?;
    Ok(())
}

/// Opens a journal that is there, to read it; perhaps while a server writes it.
pub(super) fn existing(file: &Path) -> Result<Connection, OpenError> {
    let of = |trouble: Trouble| OpenError::of(file, &trouble);
    let conn = reader(file, 2_000).map_err(of)?;
    match schema::version(&conn).map_err(of)? {
        Version::Ours(schema::NEWEST) => Ok(conn),
        Version::Ours(found) if found > schema::NEWEST => {
            Err(OpenError::Newer { file: file.into(), found, known: schema::NEWEST })
        }
        Version::Ours(_) => Err(OpenError::other(file, "an older Conclave made it; start the server with it once")),
        Version::Empty | Version::Foreign => Err(OpenError::Foreign { file: file.into() }),
    }
}

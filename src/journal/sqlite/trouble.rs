//! What goes wrong with the file, said without a word of what is in it.

use std::fmt;

use rusqlite::{Error, ErrorCode, ffi};

use crate::journal::{CommitError, ReadError};

/// Why something could not be read or written.
#[derive(Debug)]
pub(super) enum Trouble {
    /// SQLite says so.
    Sql(Error),
    /// What was read makes no sense.
    Damaged(&'static str),
}

pub(super) type Outcome<T> = Result<T, Trouble>;

impl Trouble {
    /// SQLite's name for it, if it has one.
    pub(super) fn code(&self) -> Option<ErrorCode> {
        match self {
            // The disk is full, found out where the log's index is kept.
            Self::Sql(Error::SqliteFailure(error, _)) if error.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                Some(ErrorCode::DiskFull)
            }
            Self::Sql(error) => error.sqlite_error_code(),
            Self::Damaged(_) => Some(ErrorCode::DatabaseCorrupt),
        }
    }

    /// What was found, as precisely as may be said.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Damaged(what) => (*what).to_owned(),
            Self::Sql(Error::SqliteFailure(error, _) | Error::SqlInputError { error, .. }) => {
                format!("SQLite error {}", error.extended_code)
            }
            // A value of a type that never was written there.
            Self::Sql(_) => "a value of another type than expected".to_owned(),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Trouble> for ReadError {
    fn from(trouble: Trouble) -> Self {
        Self(trouble.to_string())
    }
}

impl From<Trouble> for CommitError {
    fn from(trouble: Trouble) -> Self {
        Self(trouble.to_string())
    }
}

impl fmt::Display for Trouble {
    /// SQLite's own sentences may hold words of a search or of a row: only its codes are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.code() {
            Some(ErrorCode::DiskFull) => "the disk is full",
            Some(ErrorCode::ReadOnly) => "the file cannot be written: it is read-only, or was moved",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another process holds it",
            Some(ErrorCode::OperationInterrupted) => "it took too long",
            Some(ErrorCode::CannotOpen) => "the file cannot be opened",
            Some(ErrorCode::SystemIoFailure) => "the disk reports an error",
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the file is damaged",
            _ => "SQLite failed",
        })?;
        write!(f, " ({})", self.detail())
    }
}

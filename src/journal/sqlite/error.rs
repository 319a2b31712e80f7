//! Why a journal cannot be opened.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use super::trouble::Trouble;

/// Why a journal cannot be opened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// A newer Conclave made it.
    #[error(
        "the journal {} has format {found}, and this Conclave knows formats up to {known}; \
         use the newer Conclave that wrote it, or another data directory", file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// Another process has it.
    #[error(
        "the journal {} is in use by another process; end that one first, or choose another data directory",
        file.display()
    )]
    Locked {
        /// The file.
        file: PathBuf,
    },
    /// What is in it makes no sense.
    #[error(
        "the journal {} is damaged ({why}); restore a backup, or move the whole directory away to begin anew",
        file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        why: String,
    },
    /// It is not one.
    #[error("{} is no journal of Conclave's, or its beginning is damaged; choose another, or restore a backup", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// It cannot be written.
    #[error(
        "the journal {} cannot be written; give the user who runs Conclave the right to write it and its directory",
        file.display()
    )]
    ReadOnly {
        /// The file.
        file: PathBuf,
    },
    /// There is no room left for it.
    #[error("the disk is full: the journal {} has no room; free some and start again", file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// Anything else.
    #[error("the journal {} cannot be opened: {why}; check that its directory exists and can be written", file.display())]
    Other {
        /// The file.
        file: PathBuf,
        /// What was said about it.
        why: String,
    },
}

impl OpenError {
    pub(super) fn of(file: &Path, trouble: &Trouble) -> Self {
        let path = file.to_path_buf();
        match trouble.code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { file: path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { file: path, why: trouble.detail() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { file: path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { file: path },
            Some(ErrorCode::DiskFull) => Self::Full { file: path },
            _ => Self::other(file, trouble),
        }
    }

    pub(super) fn other(file: &Path, why: &(impl ToString + ?Sized)) -> Self {
        Self::Other { file: file.into(), why: why.to_string() }
    }
}

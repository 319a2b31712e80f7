//! The data directory: whose it is, and what is called how in it.
//!
//! One process at a time writes there: it holds the lock file for as long as it runs. Who only reads
//! needs no lock.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::platform::files::{self, FilesError, Lock};

/// The journal's file.
const JOURNAL: &str = "journal.sqlite3";
/// Held by who writes.
const LOCK: &str = "lock";

/// A data directory that is ours until this is dropped.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: Lock,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// The directory or its lock is not as it should be.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Somebody else writes there.
    #[error("the data directory {} is in use by another conclave", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}

impl Directory {
    /// Takes the directory, which is made when it is missing.
    pub fn take(path: &Path) -> Result<Self, DirectoryError> {
        files::make_private_directory(path)?;
        match Lock::try_exclusive(&path.join(LOCK))? {
            Some(lock) => Ok(Self { path: path.into(), _lock: lock }),
            None => Err(DirectoryError::InUse { path: path.into() }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The journal's file.
    pub fn journal(&self) -> PathBuf {
        journal_in(&self.path)
    }
}

/// The file that holds the journal of a data directory.
pub fn journal_in(directory: &Path) -> PathBuf {
    directory.join(JOURNAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        let ours = Directory::take(&path).unwrap();
        assert_eq!(ours.journal(), path.join("journal.sqlite3"));
        assert_eq!(ours.path(), path);
        let error = Directory::take(&path).unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(matches!(error, DirectoryError::InUse { .. }));
        drop(ours);
        Directory::take(&path).unwrap();
    }
}

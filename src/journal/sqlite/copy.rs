//! Backups, and the way back: files that are checked before they get their names.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode};
use thiserror::Error;

use super::{
    archive::{Holdings, verify_as},
    error::OpenError,
    file::{self, beside, private},
    trouble::{Outcome, Trouble},
};
use crate::{
    journal::Directory,
    platform::files::{self, FilesError, quoted},
};

/// Why there is no copy.
#[derive(Debug, Error)]
pub enum CopyError {
    /// One of the two files is not as it should be.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The copy cannot be written, or there is a file by its name.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A journal, or what is left of one, is in the way.
    #[error(
        "{} is there already, and nothing takes its place; move the whole directory away, as with: mv {} {}, \
         or give another data directory",
        file.display(), quoted(directory_of(file)), quoted(&beside(directory_of(file), ".old"))
    )]
    Occupied {
        /// The file.
        file: PathBuf,
    },
    /// The newest part of it is in another file.
    #[error(
        "{} is the journal of a server and not complete without the files beside it; make a backup of it with: \
         conclave history backup FILE --data {}",
        file.display(), quoted(directory_of(file))
    )]
    Live {
        /// The file.
        file: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Makes a copy of a journal, complete as of one moment, while it may be in use. Nobody else may read
/// it, and its name appears when it was checked.
///
/// # Errors
/// When the journal cannot be read, or the copy not be written, or when there is a file by that name.
pub fn backup(from: &Path, to: &Path) -> Result<Option<Holdings>, CopyError> {
    let conn = file::existing(from)?;
    vacant(to)?;
    let unfinished = Unfinished::beside(to);
    // SQLite takes an empty file for its own, with the permissions that it has.
    unfinished.create().map_err(|source| FilesError::Write { path: to.into(), source })?;
    copy(&conn, &unfinished.0).map_err(|trouble| match trouble.code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::of(from, &trouble),
        _ => OpenError::of(to, &trouble),
    })?;
    unfinished.finish(to)
}

/// Makes a backup the journal of a data directory that has none.
///
/// # Errors
/// When it is damaged or of a newer version, cannot be written there, or when there is a journal
/// already.
pub fn import(backup: &Path, directory: &Directory) -> Result<Option<Holdings>, CopyError> {
    let to = directory.journal();
    for ending in ["", "-wal", "-shm", "-journal"] {
        let file = beside(&to, ending);
        if file.exists() {
            return Err(CopyError::Occupied { file });
        }
    }
    if fs::metadata(beside(backup, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(CopyError::Live { file: backup.into() });
    }
    let failed = |source| CopyError::Read { file: backup.into(), source };
    let mut source = File::open(backup).map_err(failed)?;
    let unfinished = Unfinished::beside(&to);
    let written = unfinished.create().and_then(|mut target| io::copy(&mut source, &mut target));
    written.map_err(|source| FilesError::Write { path: to.clone(), source })?;
    unfinished.finish(&to)
}

fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

fn vacant(path: &Path) -> Result<(), FilesError> {
    if path.exists() { Err(FilesError::Exists { path: path.into() }) } else { Ok(()) }
}

fn copy(conn: &Connection, to: &Path) -> Outcome<()> {
    let text = to.to_str().ok_or(Trouble::Damaged("its name is not UTF-8"))?;
    conn.execute("VACUUM INTO ?1", [text])?;
    Ok(())
}

/// A copy that has not got its name yet; removed when it does not get it.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(target: &Path) -> Self {
        Self(beside(target, ".unfinished"))
    }

    fn create(&self) -> io::Result<File> {
        // Of an attempt that was cut off.
        let _ = fs::remove_file(&self.0);
        private(&self.0)
    }

    /// Gives it its name if it is good.
    fn finish(&self, target: &Path) -> Result<Option<Holdings>, CopyError> {
        let found = verify_as(&self.0, target)?;
        files::place_new(&self.0, target)?;
        Ok(found)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It may be gone, or never have been made.
        let _ = fs::remove_file(&self.0);
    }
}

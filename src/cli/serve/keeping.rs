//! What the server keeps: the data directory and the journal in it, opened before a port opens.

use std::path::Path;

use anyhow::anyhow;

use crate::{
    cli::exit::{Exit, Failure, OrExit},
    config::{Data, Settings},
    journal::{
        Directory, DirectoryError, Journal, Memory, ReadError, journal_in,
        sqlite::{self, Holdings, Sqlite},
    },
    platform::files::{self, FilesError, quoted},
    tls::CrlNumbers,
};

/// A journal, and the directory that is ours as long as it is open.
pub(super) struct Keeping {
    pub(super) journal: Box<dyn Journal>,
    pub(super) directory: Option<Directory>,
    /// What was there already.
    pub(super) found: Option<Holdings>,
}

/// Looks whether the data directory is one that this user can use, or can be made, before anything is
/// read there.
pub(super) fn usable(data: &Data) -> Result<(), Failure> {
    let Data::Directory(path) = data else { return Ok(()) };
    let above = above(path);
    if path.exists() {
        files::check_usable(path).map_err(unusable).or_exit(Exit::Config)
    } else if above.exists() {
        Ok(())
    } else {
        let error = anyhow!(
            "the data directory {} cannot be made: there is no {}; make that first, with: mkdir -p {}",
            path.display(),
            above.display(),
            quoted(above)
        );
        Err(error).or_exit(Exit::Config)
    }
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(".".as_ref())
}

/// The numbers of revocation lists that were in force when the server ran before.
pub(super) fn numbers(data: &Data) -> CrlNumbers {
    match data {
        Data::Memory => CrlNumbers::default(),
        Data::Directory(directory) => CrlNumbers::kept_in(directory),
    }
}

/// Takes the data directory and opens the journal in it.
pub(super) fn open(settings: &Settings) -> Result<Keeping, Failure> {
    let retention = settings.options.retention();
    let Data::Directory(path) = &settings.data else {
        return Ok(Keeping { journal: Box::new(Memory::new(retention.into())), directory: None, found: None });
    };
    let directory = Directory::take(path).map_err(refused).or_exit(Exit::Config)?;
    let file = directory.journal();
    let found = if file.exists() {
        files::check_private(&file).or_exit(Exit::Config)?;
        sqlite::look(&file).or_exit(Exit::Config)?
    } else {
        None
    };
    let journal = Sqlite::open(&file, retention).or_exit(Exit::Config)?;
    Ok(Keeping { journal: Box::new(journal), directory: Some(directory), found })
}

/// Looks whether the data directory could be used, without changing anything. That a server runs on it
/// now is no fault.
pub(super) fn check(data: &Data) -> Result<(), Failure> {
    let Data::Directory(path) = data else { return Ok(()) };
    if !path.exists() {
        return files::check_writable(above(path)).or_exit(Exit::Config);
    }
    let file = journal_in(path);
    if file.exists() {
        files::check_private(&file).and_then(|()| files::check_writable(&file)).or_exit(Exit::Config)?;
        sqlite::look(&file).or_exit(Exit::Config)?;
    }
    Ok(())
}

/// What the server kept cannot be read back.
pub(super) fn unread(data: &Data, error: &ReadError) -> anyhow::Error {
    match data {
        Data::Memory => anyhow!("{error}"),
        Data::Directory(directory) => anyhow!(
            "the journal {} cannot be read: {}; restore a backup, or move the whole directory away to begin anew",
            journal_in(directory).display(),
            error.0
        ),
    }
}

fn refused(error: DirectoryError) -> anyhow::Error {
    match error {
        DirectoryError::InUse { .. } => {
            anyhow!("{error}; end that one first, or give this one another with --data DIR")
        }
        DirectoryError::Files(error) => unusable(error),
    }
}

fn unusable(error: FilesError) -> anyhow::Error {
    match error {
        FilesError::NoDirectory { .. } => anyhow!("{error}; give another with --data DIR"),
        FilesError::Foreign { path, source } => anyhow!(
            "the data directory {} belongs to another user ({source}); run conclave as that user, or give another with --data DIR",
            path.display()
        ),
        error => error.into(),
    }
}

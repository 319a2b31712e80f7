//! What the server keeps: the data directory and the journal in it, opened before a port opens.

use anyhow::anyhow;

use crate::{
    cli::exit::{Exit, Failure, OrExit},
    config::{Data, Settings},
    journal::{
        Directory, DirectoryError, Journal, Memory, journal_in,
        sqlite::{self, Holdings, Sqlite},
    },
    platform::files,
    tls::CrlNumbers,
};

/// A journal, and the directory that is ours as long as it is open.
pub(super) struct Keeping {
    pub(super) journal: Box<dyn Journal>,
    pub(super) directory: Option<Directory>,
    /// What was there already.
    pub(super) found: Option<Holdings>,
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
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(".".as_ref());
        return files::check_writable(above).or_exit(Exit::Config);
    }
    files::check_directory(path).and_then(|()| files::check_writable(path)).or_exit(Exit::Config)?;
    let file = journal_in(path);
    if file.exists() {
        files::check_private(&file).and_then(|()| files::check_writable(&file)).or_exit(Exit::Config)?;
        sqlite::look(&file).or_exit(Exit::Config)?;
    }
    Ok(())
}

fn refused(error: DirectoryError) -> anyhow::Error {
    match error {
        DirectoryError::InUse { .. } => {
            anyhow!("{error}; end that one first, or give this one another with --data DIR")
        }
        DirectoryError::Files(error) => error.into(),
    }
}

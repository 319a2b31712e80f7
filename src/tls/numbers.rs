//! The highest number of each authority's revocation list that was ever in force: an older list is
//! refused, so that an old file un-revokes nobody (RFC 5280, section 5.2.3).
//!
//! Where a directory is given, the numbers outlive the process: one small file for each authority,
//! named by its id.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::revocation::CrlNumber;
use crate::{
    ident::Fingerprint,
    platform::files::{self, FilesError},
};

/// What is known of the lists that were in force.
#[derive(Debug, Default)]
pub struct CrlNumbers {
    directory: Option<PathBuf>,
    /// Kept also while the authority is away.
    known: HashMap<Fingerprint, CrlNumber>,
    /// Whose number is not in its file yet.
    unwritten: HashSet<Fingerprint>,
}

/// The numbers of earlier lists cannot be read.
#[derive(Debug, Error)]
pub enum NumbersError {
    /// The system does not give the file.
    #[error("cannot read {}, which holds the number of the newest revocation list", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{} should hold the number of the newest revocation list, but is damaged; make sure that the newest list is configured, then remove that file",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl CrlNumbers {
    /// Those that are kept in a directory.
    #[must_use]
    pub fn kept_in(directory: &Path) -> Self {
        Self { directory: Some(directory.into()), ..Self::default() }
    }

    /// The file of an authority's number, where it is kept.
    pub(super) fn file(&self, authority: &Fingerprint) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(format!("crl-{authority}")))
    }

    /// The highest number of this authority's lists that is known.
    pub(super) fn of(&self, authority: &Fingerprint) -> Result<Option<CrlNumber>, NumbersError> {
        if let Some(known) = self.known.get(authority) {
            return Ok(Some(known.clone()));
        }
        let Some(path) = self.file(authority) else { return Ok(None) };
        match fs::read_to_string(&path) {
            Ok(text) => match CrlNumber::from_hex(text.trim_end()) {
                Some(number) => Ok(Some(number)),
                None => Err(NumbersError::Damaged { path }),
            },
            // That the directory is none, its owner will say.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            // No text at all is damage too.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(NumbersError::Damaged { path }),
            Err(source) => Err(NumbersError::Read { path, source }),
        }
    }

    /// A list of this number, which is not older than what is known, is in force.
    pub(super) fn note(&mut self, authority: Fingerprint, number: &CrlNumber) {
        if self.known.get(&authority) != Some(number) {
            self.known.insert(authority, number.clone());
            self.unwritten.insert(authority);
        }
    }

    /// Writes what is not written yet. What fails is tried again the next time.
    pub(super) fn write(&mut self) -> Result<(), FilesError> {
        for authority in self.unwritten.iter().copied().collect::<Vec<_>>() {
            if let (Some(path), Some(number)) = (self.file(&authority), self.known.get(&authority)) {
                files::write_private(&path, format!("{}\n", number.hex()).as_bytes())?;
            }
            self.unwritten.remove(&authority);
        }
        Ok(())
    }
}

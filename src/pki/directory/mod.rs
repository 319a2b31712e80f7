//! The `certs/` directory: the authority, the server's certificate, the devices' certificates, the
//! revocation list and the index, and the work on them.
//!
//! Every change holds the lock file, so that several commands and a running server never mix their
//! changes. Files are replaced whole, keys are never overwritten, and the order of writing is such
//! that what a crash leaves is safe: a key before its line in the index, the line before the
//! certificate, the revocation list before the line that says so.

mod init;
mod issue;
mod renew;
mod revoke;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    ident::{Account, DeviceLabel},
    pki::{
        DAY, PkiError,
        ca::Ca,
        crl::{Crl, Revocation},
        index::{Entry, Event, Index, Status},
        issue::DEFAULT_DEVICE,
    },
    platform::files::{self, Lock},
};

pub use init::{Init, InitOptions};
pub use issue::{Days, IssuedDevice, NewDevice};
pub use renew::{Renew, Renewed};
pub use revoke::{Revoked, Selector};

/// How long the authority is valid: ten years. The revocation list lasts as long.
pub const CA_DAYS: Days = Days(3650);
/// How long the server's certificate is valid: what the strictest systems accept.
pub const SERVER_DAYS: Days = Days(825);
/// How long a device's certificate is valid.
pub const DEVICE_DAYS: Days = Days(825);

/// A directory of certificates. Making one reads nothing.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// A line of [`Directory::list`].
#[derive(Clone, Debug)]
pub struct Listed {
    /// The certificate.
    pub entry: Entry,
    /// How it stands.
    pub status: Status,
    /// When and why it was taken back.
    pub revocation: Option<Revocation>,
}

/// The directory while its lock is held.
struct Held<'a> {
    directory: &'a Directory,
    index: Index,
    _lock: Lock,
}

impl Directory {
    /// The directory at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The authority's certificate.
    pub fn ca_certificate(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    /// The authority's private key.
    pub fn ca_key(&self) -> PathBuf {
        self.path.join("ca.key")
    }

    /// The server's certificate.
    pub fn server_certificate(&self) -> PathBuf {
        self.path.join("server.pem")
    }

    /// The server's private key.
    pub fn server_key(&self) -> PathBuf {
        self.path.join("server.key")
    }

    /// The revocation list.
    pub fn crl(&self) -> PathBuf {
        self.path.join("crl.pem")
    }

    /// The index.
    pub fn index(&self) -> PathBuf {
        self.path.join("index.jsonl")
    }

    /// A device's certificate: `alice.pem`, or `alice+phone.pem` when it has a label of its own.
    pub fn device_certificate(&self, account: &Account, device: &DeviceLabel) -> PathBuf {
        self.device_file(account, device, "pem")
    }

    /// A device's private key, named like its certificate.
    pub fn device_key(&self, account: &Account, device: &DeviceLabel) -> PathBuf {
        self.device_file(account, device, "key")
    }

    /// The authority, ready to sign.
    pub fn ca(&self) -> Result<Ca, PkiError> {
        if !exists(&self.ca_certificate())? {
            return Err(self.no_authority());
        }
        if !exists(&self.ca_key())? {
            return Err(PkiError::NoAuthorityKey { path: self.ca_key() });
        }
        Ca::load(&self.ca_certificate(), &self.ca_key())
    }

    /// All that was issued, as it stands now.
    pub fn list(&self, now: i64) -> Result<Vec<Listed>, PkiError> {
        if !exists(&self.ca_certificate())? && !exists(&self.index())? {
            return Err(self.no_authority());
        }
        let index = Index::load(&self.index())?;
        let listed = index.entries().iter().map(|entry| Listed {
            entry: entry.clone(),
            status: index.status(entry, now),
            revocation: index.revocation(&entry.serial),
        });
        Ok(listed.collect())
    }

    fn device_file(&self, account: &Account, device: &DeviceLabel, extension: &str) -> PathBuf {
        if device.as_str().eq_ignore_ascii_case(DEFAULT_DEVICE) {
            self.path.join(format!("{account}.{extension}"))
        } else {
            self.path.join(format!("{account}+{device}.{extension}"))
        }
    }

    fn hold(&self) -> Result<Held<'_>, PkiError> {
        // Nothing is left behind in a place where there are no certificates.
        if !exists(&self.path)? {
            return Err(self.no_authority());
        }
        let lock = Lock::exclusive(&self.path.join(".lock"))?;
        Ok(Held { directory: self, index: Index::load(&self.index())?, _lock: lock })
    }

    fn no_authority(&self) -> PkiError {
        PkiError::NoAuthority { directory: self.path.clone() }
    }

    fn not_found(&self, what: String) -> PkiError {
        PkiError::NotFound { what, index: self.index(), directory: self.path.clone() }
    }
}

impl Held<'_> {
    fn append(&mut self, events: Vec<Event>) -> Result<(), PkiError> {
        self.index.append(&self.directory.index(), events)
    }

    fn check_dates(&self, ca: &Ca, now: i64) -> Result<(), PkiError> {
        if ca.validity().contains(now) { Ok(()) } else { Err(PkiError::AuthorityDates(ca.validity())) }
    }

    /// The list that should be in force, and whether the file says all of it. It is what the file
    /// says and what the index says together, so that an older copy of either un-revokes nobody.
    fn crl(&self, ca: &Ca) -> Result<(Crl, bool), PkiError> {
        let path = self.directory.crl();
        let there = exists(&path)?;
        let mut crl = if there { Crl::load(&path, ca)? } else { Crl::default() };
        let in_file = crl.revoked.len();
        let newest = crl.number >= self.index.crl_number();
        crl.number = crl.number.max(self.index.crl_number());
        for (serial, revocation) in self.index.revocations() {
            crl.revoked.entry(serial.clone()).or_insert(revocation);
        }
        let whole = there && newest && crl.revoked.len() == in_file;
        Ok((crl, whole))
    }

    /// Signs the list under the next number and puts it in force; gives the line to note it.
    fn write_crl(&self, ca: &Ca, crl: &mut Crl, now: i64) -> Result<Event, PkiError> {
        let path = self.directory.crl();
        crl.number = crl.number.checked_add(1).ok_or_else(|| PkiError::CrlNumber { path: path.clone() })?;
        let next_update = ca.validity().not_after.max(now + DAY);
        files::write_public(&path, crl.sign(ca, now, next_update)?.pem()?.as_bytes())?;
        Ok(Event::Crl { at: now, number: crl.number })
    }
}

fn exists(path: &Path) -> Result<bool, PkiError> {
    path.try_exists().map_err(|source| PkiError::Io { what: "look at", path: path.into(), source })
}

fn create_directory(path: &Path) -> Result<(), PkiError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| PkiError::Io { what: "make the directory", path: path.into(), source })
}

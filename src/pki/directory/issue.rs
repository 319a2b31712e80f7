//! Certificates for devices: with a key made here, or for a key that never left its owner.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{DEVICE_DAYS, Directory, Held, exists};
use crate::{
    ident::{Account, DeviceLabel},
    pki::{
        Key, PkiError, PublicKey, Serial, Validity,
        ca::Ca,
        crl::Reason,
        csr,
        index::{Entry, Event, Kind},
        issue::{Issued, Profile},
        summary::{self, Summary},
    },
    platform::files::{self, FilesError},
    tls::pem,
};

/// For whom a certificate is, and for how long.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// The account.
    pub account: Account,
    /// The device's label.
    pub device: DeviceLabel,
    /// How long it is valid, but not longer than the authority.
    pub days: Days,
}

/// For how many days a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(pub u32);

/// What was issued, and where it lies.
#[derive(Clone, Debug)]
pub struct IssuedDevice {
    /// What the certificate says.
    pub summary: Summary,
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The private key's file, if the key was made here.
    pub key: Option<PathBuf>,
    /// The files of an earlier certificate that had its time: from where to where they were moved.
    pub moved: Vec<(PathBuf, PathBuf)>,
    /// It ends with the authority, before the days that were asked for.
    pub shortened: bool,
}

impl Directory {
    /// Makes a key and a certificate for a device.
    pub fn issue(&self, new: &NewDevice, now: i64) -> Result<IssuedDevice, PkiError> {
        let mut held = self.hold()?;
        let ca = self.ca()?;
        held.check_new(&ca, new, now)?;
        let certificate = self.device_certificate(&new.account, &new.device);
        let key_path = self.device_key(&new.account, &new.device);
        let key = Key::generate()?;
        let issued = new.signed(&ca, &key.public()?, now)?;
        let moved = held.make_room(&certificate, &key_path, now)?;
        files::create_private_new(&key_path, key.pem().reveal().as_bytes())?;
        held.publish(&issued, &certificate, now).inspect_err(|_| {
            // Nobody has seen this key: without it the command can be given again.
            let _ = fs::remove_file(&key_path);
        })?;
        IssuedDevice::new(&issued, new, certificate, Some(key_path), moved, now)
    }

    /// Makes a certificate for the key in a signing request. It is written to `out`, or to where
    /// [`Directory::issue`] would put it.
    pub fn sign(
        &self,
        request: &Path,
        new: &NewDevice,
        out: Option<PathBuf>,
        now: i64,
    ) -> Result<IssuedDevice, PkiError> {
        let mut held = self.hold()?;
        let ca = self.ca()?;
        let key = csr::load(request)?;
        held.check_new(&ca, new, now)?;
        held.check_key(&key, request, new, now)?;
        let issued = new.signed(&ca, &key, now)?;
        let (certificate, moved) = match out {
            Some(out) if exists(&out)? => return Err(FilesError::Exists { path: out }.into()),
            Some(out) if !is_in_directory(&out)? => {
                let source = std::io::ErrorKind::NotFound.into();
                return Err(PkiError::Io { what: "write into the directory of", path: out, source });
            }
            Some(out) => (out, Vec::new()),
            None => {
                let certificate = self.device_certificate(&new.account, &new.device);
                let moved = held.make_room(&certificate, &self.device_key(&new.account, &new.device), now)?;
                (certificate, moved)
            }
        };
        held.publish(&issued, &certificate, now)?;
        IssuedDevice::new(&issued, new, certificate, None, moved, now)
    }
}

impl NewDevice {
    fn signed(&self, ca: &Ca, key: &PublicKey, now: i64) -> Result<Issued, PkiError> {
        let validity = self.days.from(now).within(ca.validity());
        ca.issue(&Profile::device(&self.account, &self.device, ca.network(), validity), key)
    }
}

impl Days {
    pub(super) const fn from(self, now: i64) -> Validity {
        Validity::days(now, self.0)
    }
}

impl Default for Days {
    fn default() -> Self {
        DEVICE_DAYS
    }
}

impl IssuedDevice {
    fn new(
        issued: &Issued,
        new: &NewDevice,
        certificate: PathBuf,
        key: Option<PathBuf>,
        moved: Vec<(PathBuf, PathBuf)>,
        now: i64,
    ) -> Result<Self, PkiError> {
        let summary = issued.summary()?;
        let shortened = summary.validity != new.days.from(now);
        Ok(Self { summary, certificate, key, moved, shortened })
    }
}

impl Held<'_> {
    fn check_new(&self, ca: &Ca, new: &NewDevice, now: i64) -> Result<(), PkiError> {
        self.check_dates(ca, now)?;
        let NewDevice { account, device, .. } = new;
        if ["ca", "crl"].iter().any(|own| own.eq_ignore_ascii_case(account.as_str())) {
            return Err(PkiError::OwnFile(account.clone()));
        }
        match self.index.account(account) {
            Some(existing) if existing.as_str() != account.as_str() => {
                return Err(PkiError::OtherCase { asked: account.clone(), existing: existing.clone() });
            }
            _ => {}
        }
        match self.index.devices().find(|entry| entry.is_device(account, device) && self.index.is_live(entry, now)) {
            Some(entry) => Err(PkiError::DeviceInUse {
                account: account.clone(),
                device: device.clone(),
                not_after: entry.not_after,
            }),
            None => Ok(()),
        }
    }

    /// Refuses the key of another device, and one that somebody else may have.
    fn check_key(&self, key: &PublicKey, request: &Path, new: &NewDevice, now: i64) -> Result<(), PkiError> {
        let pin = key.pin();
        for entry in self.index.entries().iter().filter(|entry| entry.pin == pin) {
            let (path, whose) = (request.to_owned(), entry.holder());
            match self.index.revocation(&entry.serial) {
                Some(revocation) if revocation.reason != Reason::Superseded => {
                    return Err(PkiError::RevokedKey { path, whose });
                }
                None if self.index.is_live(entry, now) && !entry.is_device(&new.account, &new.device) => {
                    return Err(PkiError::KeyInUse { path, whose });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Moves aside the pair of a certificate that is revoked or expired; refuses when anything else
    /// lies where the new pair goes.
    fn make_room(&self, certificate: &Path, key: &Path, now: i64) -> Result<Vec<(PathBuf, PathBuf)>, PkiError> {
        let refused = |path: &Path| Err(FilesError::Exists { path: path.into() }.into());
        let (has_certificate, has_key) = (exists(certificate)?, exists(key)?);
        match (has_certificate, has_key) {
            (false, false) => return Ok(Vec::new()),
            (false, true) => return refused(key),
            (true, _) => {}
        }
        let old = pem::certificates(certificate)?.first().map(summary::of).transpose()?.ok_or(PkiError::Malformed)?;
        let known = self.index.devices().find(|entry| entry.fingerprint == old.fingerprint);
        let Some(entry) = known.filter(|entry| !self.index.is_live(entry, now)) else { return refused(certificate) };
        let pair = [(certificate, has_certificate), (key, has_key)];
        let moves: Vec<(PathBuf, PathBuf)> = pair
            .iter()
            .filter(|(_, there)| *there)
            .map(|(path, _)| ((*path).to_owned(), aside(path, &entry.serial)))
            .collect();
        for (_, to) in &moves {
            if exists(to)? {
                return refused(to);
            }
        }
        for (from, to) in &moves {
            fs::rename(from, to).map_err(|source| PkiError::Io { what: "move", path: from.clone(), source })?;
        }
        Ok(moves)
    }

    fn publish(&mut self, issued: &Issued, certificate: &Path, now: i64) -> Result<(), PkiError> {
        self.append(vec![Event::Issued(Entry::new(Kind::Device, &issued.summary()?, now))])?;
        Ok(files::write_public(certificate, issued.pem().as_bytes())?)
    }
}

/// Whether the directory of the file exists, so that nothing is noted that cannot be written.
fn is_in_directory(file: &Path) -> Result<bool, PkiError> {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => exists(parent),
        _ => Ok(true),
    }
}

/// A file's name with its serial number in it, for a pair that had its time.
fn aside(path: &Path, serial: &Serial) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.{serial}.{extension}"))
}

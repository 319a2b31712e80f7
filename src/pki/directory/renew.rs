//! New certificates for old keys, before the old certificates end.

use std::path::PathBuf;

use super::{Days, Directory, Held, SERVER_DAYS, exists};
use crate::{
    ident::{Account, DeviceLabel},
    pki::{
        Host, PkiError, PublicKey, Serial, Validity,
        ca::Ca,
        index::{Entry, Event, Kind},
        issue::{Name, Profile},
        summary::{self, Summary},
    },
    platform::files,
    tls::{pem, pin::Pin},
};

/// What is renewed.
#[derive(Clone, Debug)]
pub enum Renew {
    /// The server's certificate, with these hosts, or with those of the old one if there are none.
    Server(Vec<Host>),
    /// The device of an account; without a label, each one that is not revoked.
    Device(Account, Option<DeviceLabel>),
}

/// A certificate that took the place of another.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// What the new certificate says.
    pub summary: Summary,
    /// Its file, which held the old one.
    pub certificate: PathBuf,
}

impl Directory {
    /// Signs new certificates for the keys of the present ones. The present ones stay valid until
    /// they end.
    pub fn renew(&self, what: &Renew, days: Option<Days>, now: i64) -> Result<Vec<Renewed>, PkiError> {
        let mut held = self.hold()?;
        let ca = self.ca()?;
        held.check_dates(&ca, now)?;
        match what {
            Renew::Server(hosts) => {
                let validity = days.unwrap_or(SERVER_DAYS).from(now).within(ca.validity());
                Ok(vec![held.renew_server(&ca, hosts, validity, now)?])
            }
            Renew::Device(account, device) => {
                let validity = days.unwrap_or_default().from(now).within(ca.validity());
                // All is read before the first is written, so that a missing file stops all.
                let latest = held.latest(account, device.as_ref())?;
                let keys: Vec<PublicKey> = latest.iter().map(|one| one.key(self)).collect::<Result<_, _>>()?;
                let renewed = latest.iter().zip(keys).map(|(Latest { account, device, .. }, key)| {
                    let profile = Profile::device(account, device, ca.network(), validity);
                    let path = self.device_certificate(account, device);
                    held.replace(&ca, &profile, &key, Kind::Device, path, now)
                });
                renewed.collect()
            }
        }
    }
}

/// The newest certificate of a device.
struct Latest {
    account: Account,
    device: DeviceLabel,
    pin: Pin,
    serial: Serial,
}

impl Latest {
    /// Its key, from its file.
    fn key(&self, directory: &Directory) -> Result<PublicKey, PkiError> {
        let path = directory.device_certificate(&self.account, &self.device);
        let what = || format!("{}/{}", self.account, self.device);
        if !exists(&path)? {
            return Err(PkiError::Elsewhere { path, what: what() });
        }
        let old = pem::certificates(&path)?.into_iter().next().ok_or(PkiError::Malformed)?;
        let key = PublicKey::of_certificate(&old)?;
        if key.pin() == self.pin { Ok(key) } else { Err(PkiError::Unknown { path, what: what() }) }
    }
}

impl Held<'_> {
    fn renew_server(&mut self, ca: &Ca, hosts: &[Host], validity: Validity, now: i64) -> Result<Renewed, PkiError> {
        let path = self.directory.server_certificate();
        let old = self.directory.server()?;
        if !ca.has_signed(&old) {
            return Err(PkiError::Foreign { path });
        }
        let mut profile = Profile::server(hosts, ca.network(), validity);
        if hosts.is_empty() {
            let names = summary::of(&old)?.names;
            let host = |name: &String| name.split_once(':')?.1.parse().ok().map(Name::Host);
            profile.names = names.iter().filter_map(host).collect();
        }
        self.replace(ca, &profile, &PublicKey::of_certificate(&old)?, Kind::Server, path, now)
    }

    /// The newest certificate of each device that is meant.
    fn latest(&self, account: &Account, device: Option<&DeviceLabel>) -> Result<Vec<Latest>, PkiError> {
        let mut latest: Vec<Latest> = Vec::new();
        for entry in self.index.devices() {
            let (Some(account_), Some(label)) = (&entry.account, &entry.device) else { continue };
            if account_ != account || device.is_some_and(|device| !entry.is_device(account, device)) {
                continue;
            }
            latest.retain(|known| !entry.is_device(account, &known.device));
            latest.push(Latest {
                account: account_.clone(),
                device: label.clone(),
                pin: entry.pin,
                serial: entry.serial.clone(),
            });
        }
        let what = match device {
            Some(device) => format!("the device {account}/{device}"),
            None => format!("the account {account}"),
        };
        if latest.is_empty() {
            return Err(self.directory.not_found(what));
        }
        latest.retain(|one| self.index.revocation(&one.serial).is_none());
        if latest.is_empty() { Err(PkiError::RenewRevoked { what }) } else { Ok(latest) }
    }

    fn replace(
        &mut self,
        ca: &Ca,
        profile: &Profile,
        key: &PublicKey,
        kind: Kind,
        path: PathBuf,
        now: i64,
    ) -> Result<Renewed, PkiError> {
        let issued = ca.issue(profile, key)?;
        let summary = issued.summary()?;
        self.append(vec![Event::Issued(Entry::new(kind, &summary, now))])?;
        files::write_public(&path, issued.pem().as_bytes())?;
        Ok(Renewed { summary, certificate: path })
    }
}

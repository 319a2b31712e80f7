//! Takes certificates back.

use std::fmt;

use super::Directory;
use crate::{
    ident::{Account, DeviceLabel, Fingerprint},
    pki::{
        PkiError, Serial,
        crl::{Reason, Revocation},
        index::{Entry, Event, Kind},
    },
};

/// Which certificates are meant.
#[derive(Clone, Debug)]
pub enum Selector {
    /// All of an account.
    Account(Account),
    /// All that one device of an account ever had.
    Device(Account, DeviceLabel),
    /// The one with this SHA-256.
    Fingerprint(Fingerprint),
    /// The one with this serial number, which must be in the index.
    Serial(Serial),
    /// This serial number, whether the index knows it or not: for certificates that other tools made
    /// with the authority's key.
    Unlisted(Serial),
}

/// What was taken back.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The certificates that were not revoked until now.
    pub now: Vec<Entry>,
    /// Those among the chosen ones that had been taken back before.
    pub before: Vec<Entry>,
    /// A serial number that the index does not know, and that was not on the list until now.
    pub unlisted: Option<Serial>,
    /// The number of the list that is in force.
    pub crl_number: u64,
}

impl Directory {
    /// Puts certificates on the revocation list, for good.
    pub fn revoke(&self, selector: &Selector, reason: Reason, now: i64) -> Result<Revoked, PkiError> {
        let mut held = self.hold()?;
        let ca = self.ca()?;
        let chosen: Vec<Entry> = held.index.entries().iter().filter(|entry| selector.matches(entry)).cloned().collect();
        if let Some(entry) = chosen.iter().find(|entry| entry.kind != Kind::Device) {
            return Err(PkiError::NotDevice { serial: entry.serial.clone(), whose: entry.holder() });
        }
        let unlisted = match selector {
            Selector::Unlisted(serial) if chosen.is_empty() => Some(serial.clone()),
            _ if chosen.is_empty() => return Err(self.not_found(selector.to_string())),
            _ => None,
        };
        let (before, fresh): (Vec<Entry>, Vec<Entry>) =
            chosen.into_iter().partition(|entry| held.index.revocation(&entry.serial).is_some());
        let unlisted = unlisted.filter(|serial| held.index.revocation(serial).is_none());
        let serials: Vec<Serial> = fresh.iter().map(|entry| entry.serial.clone()).chain(unlisted.clone()).collect();

        let (mut crl, mut whole) = held.crl(&ca)?;
        for serial in &serials {
            crl.revoked.entry(serial.clone()).or_insert_with(|| {
                whole = false;
                Revocation { at: now, reason }
            });
        }
        let mut events = Vec::new();
        if !whole {
            events.push(held.write_crl(&ca, &mut crl, now)?);
        }
        events.extend(serials.into_iter().map(|serial| Event::Revoked { at: now, serial, reason }));
        held.append(events)?;
        Ok(Revoked { now: fresh, before, unlisted, crl_number: crl.number })
    }
}

impl Selector {
    fn matches(&self, entry: &Entry) -> bool {
        match self {
            Self::Account(account) => entry.account.as_ref() == Some(account),
            Self::Device(account, device) => entry.is_device(account, device),
            Self::Fingerprint(fingerprint) => entry.fingerprint == *fingerprint,
            Self::Serial(serial) | Self::Unlisted(serial) => entry.serial == *serial,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "the account {account}"),
            Self::Device(account, device) => write!(f, "the device {account}/{device}"),
            Self::Fingerprint(fingerprint) => write!(f, "the fingerprint {fingerprint}"),
            Self::Serial(serial) | Self::Unlisted(serial) => write!(f, "the serial number {serial}"),
        }
    }
}

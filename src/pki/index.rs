//! The index of what was issued and taken back: one JSON object a line, only ever appended to.
//!
//! ```json
//! {"event":"issued","at":"2026-01-02T03:04:05Z","kind":"device","serial":"5a…","fingerprint":"ab…",
//!  "pin":"sha256:…","account":"alice","device":"main","not_before":"…","not_after":"…"}
//! {"event":"revoked","at":"…","serial":"5a…","reason":"key-compromise"}
//! {"event":"crl","at":"…","number":2}
//! ```
//!
//! Whoever writes holds the directory's lock. A last line without its end is what a crash left of a
//! line that nobody was told of: it does not count, and the next line takes its place.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    ident::{Account, DeviceLabel, Fingerprint},
    pki::{
        PkiError, Serial, Validity,
        crl::{Reason, Revocation},
        summary::Summary,
    },
    tls::pin::Pin,
};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A certificate was signed.
    Issued(Entry),
    /// A certificate was taken back.
    Revoked {
        /// When.
        #[serde(with = "text::moment")]
        at: i64,
        /// Which.
        serial: Serial,
        /// Why.
        #[serde(default)]
        reason: Reason,
    },
    /// A revocation list was signed.
    Crl {
        /// When.
        #[serde(with = "text::moment")]
        at: i64,
        /// Its number.
        number: u64,
    },
}

/// What the index knows of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was signed.
    #[serde(with = "text::moment")]
    pub at: i64,
    /// Whose it is.
    pub kind: Kind,
    /// Its serial number.
    pub serial: Serial,
    /// SHA-256 of the certificate.
    #[serde(with = "text")]
    pub fingerprint: Fingerprint,
    /// SHA-256 of its public key.
    #[serde(with = "text")]
    pub pin: Pin,
    /// A device's account.
    #[serde(default, with = "text::option", skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// A device's label.
    #[serde(default, with = "text::option", skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceLabel>,
    /// The first second of its validity.
    #[serde(with = "text::moment")]
    pub not_before: i64,
    /// The last second of its validity.
    #[serde(with = "text::moment")]
    pub not_after: i64,
}

/// Whose a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The authority itself.
    Ca,
    /// The server.
    Server,
    /// A device of an account.
    Device,
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Good.
    Valid,
    /// Good, but not for long.
    ExpiresSoon,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

/// How long before its end a certificate is called "expires soon": 30 days.
pub const SOON: i64 = 30 * super::DAY;

/// All the lines, read.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    revoked: HashMap<Serial, Revocation>,
    crl_number: u64,
}

impl Entry {
    /// What the index notes of a certificate.
    pub fn new(kind: Kind, certificate: &Summary, at: i64) -> Self {
        Self {
            at,
            kind,
            serial: certificate.serial.clone(),
            fingerprint: certificate.fingerprint,
            pin: certificate.pin,
            account: certificate.identity.as_ref().ok().map(|identity| identity.account.clone()),
            device: certificate.identity.as_ref().ok().and_then(|identity| identity.label.clone()),
            not_before: certificate.validity.not_before,
            not_after: certificate.validity.not_after,
        }
        .tidy()
    }

    /// Only devices have accounts, whatever the CN of the others looks like.
    fn tidy(self) -> Self {
        if self.kind == Kind::Device { self } else { Self { account: None, device: None, ..self } }
    }

    /// Whether it is this account's device of this label; labels too are compared without case, since
    /// they are parts of file names.
    pub fn is_device(&self, account: &Account, device: &DeviceLabel) -> bool {
        self.account.as_ref() == Some(account)
            && self.device.as_ref().is_some_and(|d| d.as_str().eq_ignore_ascii_case(device.as_str()))
    }

    /// Whose it is, in words: `alice/laptop`.
    pub fn holder(&self) -> String {
        match (self.kind, &self.account, &self.device) {
            (Kind::Ca, ..) => "the certificate authority".into(),
            (Kind::Server, ..) => "the server".into(),
            (Kind::Device, Some(account), Some(device)) => format!("{account}/{device}"),
            (Kind::Device, account, _) => account.as_ref().map_or_else(|| "nobody".into(), ToString::to_string),
        }
    }

    /// When it is valid.
    pub const fn validity(&self) -> Validity {
        Validity { not_before: self.not_before, not_after: self.not_after }
    }
}

impl Index {
    /// Reads the file; one that is not there is empty.
    pub fn load(path: &Path) -> Result<Self, PkiError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(PkiError::Io { what: "read", path: path.into(), source }),
        };
        let mut index = Self::default();
        for (number, line) in text.split_inclusive(|&b| b == b'\n').enumerate() {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let event = serde_json::from_slice(line).map_err(|e| PkiError::Index {
                path: path.into(),
                line: number + 1,
                reason: e.to_string(),
            })?;
            index.apply(event);
        }
        Ok(index)
    }

    /// Appends lines, on disk when it returns. The caller holds the directory's lock.
    pub fn append(&mut self, path: &Path, events: Vec<Event>) -> Result<(), PkiError> {
        let mut lines = Vec::new();
        for event in &events {
            // Strings and numbers always become JSON.
            serde_json::to_writer(&mut lines, event).map_err(|e| PkiError::Io {
                what: "write",
                path: path.into(),
                source: e.into(),
            })?;
            lines.push(b'\n');
        }
        write_lines(path, &lines).map_err(|source| PkiError::Io { what: "append to", path: path.into(), source })?;
        events.into_iter().for_each(|event| self.apply(event));
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Issued(entry) => self.entries.push(entry.tidy()),
            // The first revocation counts; a later line takes nothing back.
            Event::Revoked { at, serial, reason } => {
                self.revoked.entry(serial).or_insert(Revocation { at, reason });
            }
            Event::Crl { number, .. } => self.crl_number = self.crl_number.max(number),
        }
    }

    /// All certificates, in the order of their making.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The certificates of devices.
    pub fn devices(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == Kind::Device)
    }

    /// The account as it was first written, if it ever had a certificate.
    pub fn account(&self, name: &Account) -> Option<&Account> {
        self.devices().filter_map(|entry| entry.account.as_ref()).find(|known| *known == name)
    }

    /// When and why the certificate was taken back.
    pub fn revocation(&self, serial: &Serial) -> Option<Revocation> {
        self.revoked.get(serial).copied()
    }

    /// All that was taken back.
    pub fn revocations(&self) -> impl Iterator<Item = (&Serial, Revocation)> {
        self.revoked.iter().map(|(serial, revocation)| (serial, *revocation))
    }

    /// The highest number that a revocation list had.
    pub const fn crl_number(&self) -> u64 {
        self.crl_number
    }

    /// How a certificate stands.
    pub fn status(&self, entry: &Entry, now: i64) -> Status {
        match entry {
            _ if self.revoked.contains_key(&entry.serial) => Status::Revoked,
            _ if now > entry.not_after => Status::Expired,
            _ if now < entry.not_before => Status::NotYetValid,
            _ if now > entry.not_after - SOON => Status::ExpiresSoon,
            _ => Status::Valid,
        }
    }

    /// Whether the certificate can be used now or later.
    pub fn is_live(&self, entry: &Entry, now: i64) -> bool {
        !matches!(self.status(entry, now), Status::Revoked | Status::Expired)
    }
}

impl Status {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::ExpiresSoon => "expires soon",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

fn write_lines(path: &Path, lines: &[u8]) -> io::Result<()> {
    // Not opened for appending: what a crash left of a last line is cut off first.
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let end = end_of_lines(&mut file)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(lines)?;
    file.sync_all()
}

fn end_of_lines(file: &mut File) -> io::Result<u64> {
    let mut text = Vec::new();
    io::Read::read_to_end(file, &mut text)?;
    Ok(text.iter().rposition(|&b| b == b'\n').map_or(0, |last| last as u64 + 1))
}

/// How the fields are written that are texts elsewhere.
mod text {
    use std::{fmt::Display, str::FromStr};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }

    pub(super) mod option {
        use super::*;

        pub(in super::super) fn serialize<T: Display, S: Serializer>(
            value: &Option<T>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => to.collect_str(value),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<T>, D::Error> {
            Option::<String>::deserialize(from)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
        }
    }

    pub(super) mod moment {
        use jiff::Timestamp;

        use super::*;

        pub(in super::super) fn serialize<S: Serializer>(seconds: &i64, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(&Timestamp::from_second(*seconds).map_err(serde::ser::Error::custom)?)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
            Ok(String::deserialize(from)?.parse::<Timestamp>().map_err(D::Error::custom)?.as_second())
        }
    }
}

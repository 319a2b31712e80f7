//! Who we are and whom we trust: from what was given on the command line to loaded keys and pins.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};
use thiserror::Error;

use super::connection::{Address, AddressError};
use crate::tls::{
    client::{ClientIdentity, ClientIdentityError, ClientTls, ConnectError},
    pin::{Pin, PinError},
};

/// What was given. What is missing is looked for in the folder of certificates.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The folder of certificates; `certs` where none is given.
    pub certs: Option<PathBuf>,
    /// Whose certificate in that folder: `alice`, `alice/phone` or `alice+phone`.
    pub name: Option<String>,
    /// Pins, or files with the server's certificate.
    pub pins: Vec<String>,
    /// Our certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// The server.
    pub server: String,
}

/// Everything that a connection needs.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Where the server is.
    pub address: Address,
    /// The public keys of which it must have one.
    pub pins: Vec<Pin>,
    /// Our certificate's file.
    pub cert: PathBuf,
    /// Its key's file.
    pub key: PathBuf,
    /// The authority's certificate, where it was found.
    pub ca: Option<PathBuf>,
    /// The files of the server's certificates that the pins were made of.
    pub server_certs: Vec<PathBuf>,
    /// Our certificate and key.
    pub identity: ClientIdentity,
}

/// Why there is nothing to connect with.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The server's address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The folder has no certificate of a person.
    #[error("{} holds no certificate of a person; make one with: conclave cert issue NAME --dir {}", .0.display(), .0.display())]
    Nobody(PathBuf),
    /// The folder has several.
    #[error("{} holds the certificates of {}; say which one is yours with --as NAME", folder.display(), names.join(", "))]
    WhichOne {
        /// The folder.
        folder: PathBuf,
        /// Whose.
        names: Vec<String>,
    },
    /// A certificate without its key.
    #[error("the key {} of {} is missing: give it with --key", key.display(), cert.display())]
    NoKey {
        /// The certificate.
        cert: PathBuf,
        /// The key that is not there.
        key: PathBuf,
    },
    /// The folder cannot be read.
    #[error("cannot read the folder {}: {source}; give --certs DIR, or --pin, --cert and --key", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No pin can be made.
    #[error("the server's pin: {0}")]
    Pin(#[from] PinError),
    /// Our own certificate or key.
    #[error(transparent)]
    Identity(#[from] ClientIdentityError),
    /// The two cannot be used for TLS.
    #[error(transparent)]
    Tls(#[from] ConnectError),
}

const FOLDER: &str = "certs";
const SERVER: &str = "server.pem";
const AUTHORITY: &str = "ca.pem";

impl Given {
    /// Finds and loads everything.
    pub fn resolve(&self) -> Result<Trust, TrustError> {
        let address = self.server.parse()?;
        let folder = self.certs.clone().unwrap_or_else(|| FOLDER.into());
        let cert = match &self.cert {
            Some(cert) => cert.clone(),
            None => folder.join(format!("{}.pem", self.name(&folder)?)),
        };
        let key = match &self.key {
            Some(key) => key.clone(),
            None => cert.with_extension("key"),
        };
        if cert.exists() && !key.exists() {
            return Err(TrustError::NoKey { cert, key });
        }
        let identity = ClientIdentity::load(&cert, &key)?;

        let beside = |name: &str| folder.join(name);
        let pins = match &self.pins[..] {
            [] => vec![beside(SERVER).to_string_lossy().into_owned()],
            pins => pins.to_vec(),
        };
        let files = pins.iter().filter(|pin| !pin.starts_with("sha256:"));
        let server_certs: Vec<PathBuf> = files.map(PathBuf::from).collect();
        let pins = pins.iter().map(|pin| Pin::load(pin)).collect::<Result<_, _>>()?;

        let near = [Some(folder.as_path()), cert.parent(), server_certs.first().and_then(|file| file.parent())];
        let ca = near.into_iter().flatten().map(|folder| folder.join(AUTHORITY)).find(|ca| ca.is_file());
        Ok(Trust { address, pins, cert, key, ca, server_certs, identity })
    }

    /// The stem of our certificate's file.
    fn name(&self, folder: &Path) -> Result<String, TrustError> {
        if let Some(name) = &self.name {
            return Ok(name.replacen('/', "+", 1));
        }
        let unread = |source| TrustError::Folder { folder: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let (Some(stem), Some("pem")) =
                (path.file_stem().and_then(|s| s.to_str()), path.extension().and_then(|e| e.to_str()))
            else {
                continue;
            };
            if stem != "ca" && stem != "server" && path.with_extension("key").is_file() {
                names.push(stem.to_owned());
            }
        }
        names.sort();
        match &names[..] {
            [] => Err(TrustError::Nobody(folder.to_owned())),
            [name] => Ok(name.clone()),
            _ => Err(TrustError::WhichOne { folder: folder.to_owned(), names }),
        }
    }
}

impl Trust {
    /// The TLS side of it.
    pub fn tls(&self) -> Result<ClientTls, TrustError> {
        Ok(ClientTls::new(self.pins.clone(), self.identity.clone())?)
    }

    /// The account's name.
    pub fn account(&self) -> Result<String, TrustError> {
        match self.identity.identity() {
            Ok(identity) => Ok(identity.account.to_string()),
            // The server will say so in its own words; until then the file's name will do.
            Err(_) => {
                Ok(self.cert.file_stem().map_or_else(|| "nobody".into(), |stem| stem.to_string_lossy().into_owned()))
            }
        }
    }

    /// Who we are and whom we trust, for a person; at the time `now` (seconds since 1970).
    pub fn introduction(&self, now: i64, zone: &TimeZone) -> Vec<String> {
        let mut lines = Vec::new();
        if let Ok(identity) = self.identity.identity() {
            let label = identity.label.as_ref().map(|label| format!(" (device {label})")).unwrap_or_default();
            lines.push(format!(
                "you are {}{label}, certificate {}, valid until {}",
                identity.account,
                short(&identity.device.to_string()),
                date(*self.identity.validity().end(), zone),
            ));
        }
        let pins: Vec<String> = self.pins.iter().map(Pin::to_string).collect();
        lines.push(format!("server {}, pinned to {}", self.address, pins.join(" or ")));
        lines.extend(self.identity.warning(now).map(|warning| format!("warning: {warning}")));
        lines
    }
}

/// Enough of a fingerprint to compare two at a glance.
fn short(fingerprint: &str) -> String {
    match fingerprint.get(..16) {
        Some(start) => format!("{start}…"),
        None => fingerprint.to_owned(),
    }
}

fn date(unix: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(unix) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string(),
        // Beyond the year 9999: no certificate that matters.
        Err(_) => "for ever".into(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};

    use super::*;
    use crate::platform::files;

    fn write(folder: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name.split('+').next().unwrap());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        files::write_private(&folder.join(format!("{name}.key")), key.serialize_pem().as_bytes()).unwrap();
    }

    fn given(folder: &Path, name: Option<&str>) -> Given {
        let name = name.map(ToOwned::to_owned);
        Given { certs: Some(folder.to_owned()), name, server: "localhost".into(), ..Given::default() }
    }

    #[test]
    fn a_folder_holds_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "server");
        assert!(matches!(given(folder, None).resolve(), Err(TrustError::Nobody(_))));
        write(folder, "alice");
        let trust = given(folder, None).resolve().unwrap();
        assert_eq!((trust.account().unwrap().as_str(), trust.pins.len(), &trust.ca), ("alice", 1, &None));
        assert!(trust.tls().is_ok());
        let lines = trust.introduction(0, &TimeZone::UTC);
        assert!(lines[0].starts_with("you are alice, certificate ") && lines[1].contains("sha256:"), "{lines:?}");
        write(folder, "alice+phone");
        fs::write(folder.join("ca.pem"), "").unwrap();
        let error = given(folder, None).resolve().unwrap_err().to_string();
        assert!(error.contains("alice, alice+phone"), "{error}");
        let trust = given(folder, Some("alice/phone")).resolve().unwrap();
        assert!(trust.cert.ends_with("alice+phone.pem") && trust.ca.is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let error = given(&folder.join("none"), None).resolve().unwrap_err().to_string();
        assert!(error.contains("--certs DIR"), "{error}");
        write(folder, "alice");
        let error = given(folder, Some("alice")).resolve().unwrap_err().to_string();
        assert!(error.contains("server.pem"), "{error}");
        fs::remove_file(folder.join("alice.key")).unwrap();
        let error = given(folder, Some("alice")).resolve().unwrap_err().to_string();
        assert!(error.contains("--key"), "{error}");
        let nowhere = Given { server: "a b".into(), ..given(folder, None) };
        assert!(matches!(nowhere.resolve(), Err(TrustError::Address(_))));
    }
}

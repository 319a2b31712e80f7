//! A directory of certificates, good ones and bad ones.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use conclave::{
    ident::{Account, DeviceLabel},
    pki::{
        DAY, Directory, Profile, Usage, Validity,
        ca::Ca,
        crl::Reason,
        directory::{Days, InitOptions, NewDevice, Selector},
    },
    platform::{clock, files},
    tls::{identity::Rules, reload::Live, server::Files},
};
use rustls::pki_types::CertificateDer;
use tempfile::{TempDir, tempdir};

/// The network of every test.
pub(crate) const NETWORK: &str = "example.net";

/// A `certs/` directory of its own, gone when dropped.
pub(crate) struct Deployment {
    root: TempDir,
    authority: CertificateDer<'static>,
}

/// A certificate and its private key.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        let root = tempdir().unwrap();
        let directory = Directory::new(root.path().join("certs"));
        let hosts = ["localhost", "127.0.0.1"].map(|host| host.parse().unwrap()).into();
        let options = InitOptions { network: Some(NETWORK.parse().unwrap()), hosts };
        directory.init(&options, clock::unix_now()).unwrap();
        let authority = directory.ca().unwrap().certificate().clone();
        Self { root, authority }
    }

    /// The authority's certificate, whatever becomes of its file.
    pub(crate) const fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    /// A place for other files.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("certs").join(name)
    }

    pub(crate) fn directory(&self) -> Directory {
        Directory::new(self.path(""))
    }

    pub(crate) fn files(&self) -> Files {
        let directory = self.directory();
        Files {
            cert: directory.server_certificate(),
            key: directory.server_key(),
            client_ca: directory.ca_certificate(),
            crl: Some(directory.crl()),
        }
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::new(Live::new(self.files(), Rules::default()).unwrap())
    }

    /// A certificate that was issued before: `alice`, or `alice+phone`.
    pub(crate) fn pair(&self, file: &str) -> Pair {
        Pair { certificate: self.path(&format!("{file}.pem")), key: self.path(&format!("{file}.key")) }
    }

    /// A good certificate: `alice`, or `alice/phone`.
    pub(crate) fn issue(&self, who: &str) -> Pair {
        let (account, device) = parts(who);
        let new = NewDevice { account, device, days: Days(30) };
        let issued = self.directory().issue(&new, clock::unix_now()).unwrap();
        Pair { certificate: issued.certificate, key: issued.key.unwrap() }
    }

    /// Takes all certificates of an account back, or of one of its devices.
    pub(crate) fn revoke(&self, who: &str) {
        let (account, device) = parts(who);
        let selector = if who.contains('/') { Selector::Device(account, device) } else { Selector::Account(account) };
        self.directory().revoke(&selector, Reason::KeyCompromise, clock::unix_now()).unwrap();
    }

    /// A certificate of the authority that is not as it should be.
    pub(crate) fn odd(&self, change: impl FnOnce(&mut Profile)) -> Pair {
        self.odd_of(&self.directory().ca().unwrap(), change)
    }

    pub(crate) fn expired(&self) -> Pair {
        let now = clock::unix_now();
        self.odd(|profile| profile.validity = Validity { not_before: now - 9 * DAY, not_after: now - DAY })
    }

    pub(crate) fn not_yet_valid(&self) -> Pair {
        let now = clock::unix_now();
        self.odd(|profile| profile.validity = Validity { not_before: now + DAY, not_after: now + 9 * DAY })
    }

    pub(crate) fn not_for_clients(&self) -> Pair {
        self.odd(|profile| profile.usages = vec![Usage::Messaging])
    }

    /// A good certificate, but for its authority: one of the same name, with another key.
    pub(crate) fn foreign(&self) -> Pair {
        let ours = self.directory().ca().unwrap();
        self.odd_of(&Ca::generate(ours.network(), ours.validity()).unwrap(), |_| {})
    }

    /// What only the server should show.
    pub(crate) fn server(&self) -> Pair {
        Pair { certificate: self.directory().server_certificate(), key: self.directory().server_key() }
    }

    pub(crate) fn revoked(&self) -> Pair {
        let pair = self.issue("mallory");
        self.revoke("mallory");
        pair
    }

    fn odd_of(&self, ca: &Ca, change: impl FnOnce(&mut Profile)) -> Pair {
        let (account, device) = parts("eve/odd");
        let mut profile = Profile::device(&account, &device, ca.network(), Validity::days(clock::unix_now(), 9));
        change(&mut profile);
        let (issued, key) = ca.issue_with_key(&profile).unwrap();
        let folder = tempfile::Builder::new().prefix("odd").tempdir_in(self.root()).unwrap().keep();
        let pair = Pair { certificate: folder.join("odd.pem"), key: folder.join("odd.key") };
        fs::write(&pair.certificate, issued.pem()).unwrap();
        files::write_private(&pair.key, key.pem().reveal().as_bytes()).unwrap();
        pair
    }
}

fn parts(who: &str) -> (Account, DeviceLabel) {
    let (account, device) = who.split_once('/').unwrap_or((who, "main"));
    (account.parse().unwrap(), device.parse().unwrap())
}

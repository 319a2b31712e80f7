//! The server's side of TLS: its certificate, the authorities it trusts, and what both amount to.
//!
//! A set of files is loaded and checked whole ([`Credentials`]); replacing one set by the next is
//! [`crate::tls::reload`]'s work, the handshake [`crate::tls::stream`]'s.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    InconsistentKeys, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, UnixTime},
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
    time_provider::TimeProvider,
    version::TLS13,
};
use thiserror::Error;

use super::{
    authority::Authorities,
    identity::{self, Identity, IdentityError, Rules},
    numbers::NumbersError,
    pem::{self, PemError},
    pin::Pin,
    provider,
    revocation::{CrlError, CrlNumber},
    verifier::Verifier,
};
use crate::{ident::Fingerprint, platform::clock};

/// Where a server's credentials are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, and after it those between it and the authority, if any.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates are let in.
    pub client_ca: PathBuf,
    /// Their revocation lists. Without this file nothing can be revoked.
    pub crl: Option<PathBuf>,
}

impl Files {
    /// All files of the set.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.cert, &self.key, &self.client_ca].into_iter().chain(&self.crl)
    }
}

/// A set of files that was loaded and found good.
pub struct Credentials {
    pub(super) generation: u64,
    config: Arc<ServerConfig>,
    #[cfg(test)]
    verifier: Arc<Verifier>,
    authorities: Arc<Authorities>,
    pin: Pin,
    network: String,
    not_after: i64,
    not_before: i64,
    has_crl: bool,
}

/// Why a set of files is not used.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file was not taken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A certificate cannot be read.
    #[error("{}: a certificate in it is malformed; copy the file again from where it was made", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The key is not the certificate's.
    #[error("the private key {} is not the one of the certificate {}; give the two that were made together", key.display(), cert.display())]
    KeyMismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The key is of a kind that is not supported.
    #[error("{}: the private key is malformed or of an unsupported kind; use ECDSA P-256", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
    /// The certificate is for another purpose.
    #[error(
        "{}: the certificate is not one for servers (it lacks the extended key usage serverAuth); give the server's certificate",
        path.display()
    )]
    ServerPurpose {
        /// The file.
        path: PathBuf,
    },
    /// What should be an authority's certificate is not.
    #[error("{}: the certificate of {name} is not an authority's (CA); give the certificate that signs the devices", path.display())]
    NoAuthority {
        /// The file.
        path: PathBuf,
        /// The certificate's subject.
        name: String,
    },
    /// The authorities cannot be used.
    #[error("{}: the authority's certificate cannot be used: {reason}", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// A revocation list cannot be used.
    #[error("{}: {reason}; make it again", path.display())]
    Crl {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: CrlError,
    },
    /// A revocation list was not signed by an authority that is trusted.
    #[error("{}: the revocation list of {issuer} was not signed by any authority trusted here; give the list of the same authority", path.display())]
    CrlForeign {
        /// The file.
        path: PathBuf,
        /// Who is said to have signed it.
        issuer: String,
    },
    /// An authority has no revocation list.
    #[error("{}: there is no revocation list of the authority {authority}; add it to the file", path.display())]
    CrlMissing {
        /// The file.
        path: PathBuf,
        /// The authority.
        authority: String,
    },
    /// A revocation list is older than one that was in force: it would un-revoke.
    #[error(
        "{}: the revocation list has the number {number}, older than number {known} in force; copy the newest list here{}",
        path.display(),
        kept.as_ref().map(|kept| format!(" (the newest number is kept in {})", kept.display())).unwrap_or_default()
    )]
    CrlOld {
        /// The file.
        path: PathBuf,
        /// Its number.
        number: CrlNumber,
        /// The number in force.
        known: CrlNumber,
        /// The file that remembers it, if one does.
        kept: Option<PathBuf>,
    },
    /// The numbers of earlier lists are not known.
    #[error(transparent)]
    Numbers(#[from] NumbersError),
}

/// What is wrong with a set of files without keeping it from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The server's certificate is out of date. Not an error, so that a revocation still takes
    /// effect on a server that runs with it.
    ServerExpired(i64),
    /// The server's certificate is soon out of date.
    ServerExpires(i64),
    /// The server's certificate is not yet valid.
    ServerNotYetValid(i64),
    /// An authority's certificate is out of date.
    AuthorityExpired(String, i64),
    /// A revocation list should have been replaced.
    CrlOverdue(String, i64),
    /// There is no revocation list.
    NoCrl,
}

/// Why a certificate is not let in, or not any longer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No authority that is trusted here signed it.
    #[error("the certificate is not from an authority that this server trusts")]
    UnknownAuthority,
    /// Its time is over.
    #[error("the certificate has expired")]
    Expired,
    /// Its time has not come.
    #[error("the certificate is not yet valid")]
    NotYetValid,
    /// It was taken back.
    #[error("the certificate was revoked")]
    Revoked,
    /// It is not for client authentication.
    #[error("the certificate is not one for clients (it lacks the extended key usage clientAuth)")]
    Purpose,
    /// It names no account.
    #[error(transparent)]
    Unfit(IdentityError),
    /// It cannot be judged.
    #[error("the certificate cannot be used: {0}")]
    Malformed(String),
}

impl Credentials {
    /// Loads and checks a set of files.
    pub fn load(files: &Files, rules: Rules) -> Result<Self, LoadError> {
        let chain = pem::certificates(&files.cert)?;
        let key = pem::private_key(&files.key)?;
        let certificates = pem::certificates(&files.client_ca)?;
        let mut authorities = Authorities::new(&certificates, &files.client_ca)?;
        if let Some(path) = &files.crl {
            authorities.load_crls(path)?;
        }
        let authorities = Arc::new(authorities);

        let malformed = || LoadError::Malformed { path: files.cert.clone() };
        let leaf = chain.first().ok_or_else(malformed)?;
        check_server(leaf, files)?;
        let pin = Pin::of_certificate(leaf).map_err(|_| malformed())?;
        let (not_before, not_after) = identity::validity(leaf).map_err(|_| malformed())?.into_inner();
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|source| match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                LoadError::KeyMismatch { cert: files.cert.clone(), key: files.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => malformed(),
            source => LoadError::Key { path: files.key.clone(), source },
        })?;

        let network = certificates.first().and_then(network).unwrap_or_default();
        let unusable = |reason: String| LoadError::Authority { path: files.client_ca.clone(), reason };
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        let verifier = Verifier::new(roots, authorities.clone(), rules).map_err(|error| unusable(error.to_string()))?;
        let verifier = Arc::new(verifier);
        let config = config(certified, Arc::clone(&verifier)).map_err(|error| unusable(error.to_string()))?;
        let has_crl = files.crl.is_some();
        Ok(Self {
            generation: 0,
            config,
            #[cfg(test)]
            verifier,
            authorities,
            pin,
            network,
            not_after,
            not_before,
            has_crl,
        })
    }

    /// How many sets were in force before this one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What rustls needs for handshakes with this set.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.config.clone()
    }

    #[cfg(test)]
    pub(super) fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.verifier)
    }

    /// Judges again a certificate that was let in earlier, perhaps under another set.
    pub fn recheck(&self, identity: &Identity, now: i64) -> Result<(), Refusal> {
        self.authorities.check(identity.issuer, &identity.serial)?;
        if now > identity.not_after { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// What an administrator should look after.
    pub fn warnings(&self, now: i64) -> Vec<Warning> {
        const SOON: i64 = 14 * 24 * 3600;
        let mut warnings = Vec::new();
        if now > self.not_after {
            warnings.push(Warning::ServerExpired(self.not_after));
        } else if now > self.not_after - SOON {
            warnings.push(Warning::ServerExpires(self.not_after));
        } else if now < self.not_before {
            warnings.push(Warning::ServerNotYetValid(self.not_before));
        }
        if !self.has_crl {
            warnings.push(Warning::NoCrl);
        }
        for authority in self.authorities.iter() {
            if now > authority.not_after {
                warnings.push(Warning::AuthorityExpired(authority.name.clone(), authority.not_after));
            }
            if let Some(due) = authority.revocations.as_ref().and_then(|list| list.next_update).filter(|due| now > *due)
            {
                warnings.push(Warning::CrlOverdue(authority.name.clone(), due));
            }
        }
        warnings
    }

    /// From when until when the server's certificate is good.
    pub fn validity(&self) -> (i64, i64) {
        (self.not_before, self.not_after)
    }

    /// When the first of the authorities' certificates expires.
    pub fn authority_not_after(&self) -> Option<i64> {
        self.authorities.iter().map(|authority| authority.not_after).min()
    }

    /// When the first of the revocation lists is to be replaced; `None` if none says.
    pub fn crl_next_update(&self) -> Option<i64> {
        self.authorities.iter().filter_map(|authority| authority.revocations.as_ref()?.next_update).min()
    }

    /// The pin that clients give for this server.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// The network's id, from the first authority's subject.
    pub fn network(&self) -> &str {
        &self.network
    }

    pub(super) fn crl_numbers(&self) -> impl Iterator<Item = (Fingerprint, &CrlNumber)> {
        self.authorities.crl_numbers()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("generation", &self.generation)
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerExpired(at) => {
                write!(f, "the server's certificate expired at {}; clients refuse it: renew it", date(*at))
            }
            Self::ServerExpires(at) => write!(f, "the server's certificate expires at {}: renew it soon", date(*at)),
            Self::ServerNotYetValid(at) => {
                write!(f, "the server's certificate is valid from {}; clients refuse it: check the clock", date(*at))
            }
            Self::AuthorityExpired(name, at) => {
                write!(f, "the certificate of the authority {name} expired at {}: renew it", date(*at))
            }
            Self::CrlOverdue(name, at) => write!(
                f,
                "the revocation list of {name} should have been replaced by {}; it stays in force: make a new one",
                date(*at)
            ),
            Self::NoCrl => f.write_str("there is no revocation list, so that no certificate can be revoked: give one"),
        }
    }
}

/// The time of the platform's clock, for rustls.
#[derive(Debug)]
pub(super) struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(clock::unix_now()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The network's id in an authority's subject: its CN.
pub fn network(authority: &CertificateDer<'_>) -> Option<String> {
    let parsed = identity::parse(authority).ok()?;
    let subject = parsed.subject();
    let name = subject.iter_common_name().next()?;
    name.as_str().ok().map(Into::into)
}

/// A moment for people.
pub(super) fn date(seconds: i64) -> String {
    // What lies beyond the calendar (the year 9999) is shown as the number it is.
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("@{seconds}"), |time| time.to_string())
}

fn check_server(leaf: &CertificateDer<'_>, files: &Files) -> Result<(), LoadError> {
    let parsed = identity::parse(leaf).map_err(|_| LoadError::Malformed { path: files.cert.clone() })?;
    match parsed.extended_key_usage() {
        Ok(Some(usage)) if usage.value.server_auth => Ok(()),
        _ => Err(LoadError::ServerPurpose { path: files.cert.clone() }),
    }
}

fn config(certified: CertifiedKey, verifier: Arc<Verifier>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(Clock))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    // A resumed session would bring its identity back without asking the verifier.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::tls::testing::{Ca, DAY, Deployment, alice, now, server};

    /// Spoils a good set and looks for the complaint.
    fn check(spoil: impl FnOnce(&Ca, &Deployment), expect: &str) {
        let ca = Ca::new("n");
        let deployment = Deployment::new(&ca);
        deployment.load().unwrap();
        spoil(&ca, &deployment);
        let error = deployment.load().unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn a_set_of_files_is_checked_whole() {
        check(|_, d| fs::remove_file(&d.files.cert).unwrap(), "cannot read ");
        check(|_, d| fs::remove_file(d.files.crl.as_ref().unwrap()).unwrap(), "crl.pem");
        check(|_, d| d.write("ca.pem", ""), "ca.pem: holds no certificate: it is empty");
        check(
            |ca, d| {
                let other = ca.sign(server());
                other.write(&d.files.cert.with_file_name("other.pem"), &d.files.key);
            },
            "server.pem; give the two that were made together",
        );
        check(|ca, d| ca.sign(alice()).write(&d.files.cert, &d.files.key), "lacks the extended key usage serverAuth");
        check(|ca, d| d.write("ca.pem", &ca.sign(server()).certificate.pem()), "is not an authority's (CA)");
        check(|_, d| d.write("crl.pem", &Ca::new("other").crl(1, &[])), "was not signed by any authority trusted here");
        check(|_, d| d.write("crl.pem", &Ca::new("n").crl(1, &[])), "was not signed by any authority trusted here");
        check(
            |ca, d| d.write("ca.pem", &(ca.pem() + &Ca::new("other").pem())),
            "no revocation list of the authority CN=other",
        );
        check(|ca, d| d.write("crl.pem", &ca.partial_crl()), "only complete lists are supported");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let open =
            |_: &Ca, d: &Deployment| fs::set_permissions(&d.files.key, fs::Permissions::from_mode(0o644)).unwrap();
        check(open, "chmod 600");
    }

    #[test]
    fn what_is_only_worth_a_warning() {
        let ca = Ca::new("n");
        let mut deployment = Deployment::new(&ca);
        let at = |deployment: &Deployment, time: time::OffsetDateTime| -> Vec<String> {
            let warnings = deployment.load().unwrap().warnings(time.unix_timestamp());
            warnings.iter().map(|warning| warning.to_string().split(" at ").next().unwrap().to_owned()).collect()
        };
        assert_eq!(at(&deployment, now()), Vec::<String>::new());
        assert_eq!(at(&deployment, now() + 20 * DAY)[0], "the server's certificate expires");
        let late = at(&deployment, now() + 31 * DAY);
        assert_eq!(late[0], "the server's certificate expired");
        assert!(late[1].starts_with("the revocation list of CN=n should have been replaced by 20"), "{late:?}");
        deployment.files.crl = None;
        assert!(at(&deployment, now())[0].starts_with("there is no revocation list"));
    }
}

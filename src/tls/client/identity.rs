//! Who a client says it is: its certificate and private key, from files.

use std::{
    fmt,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{Error, InconsistentKeys, sign::CertifiedKey};
use thiserror::Error as ThisError;

use crate::tls::{
    identity::{self, Identity, IdentityError, Rules},
    pem::{self, PemError},
    provider,
    server::date,
};

/// The certificate that a client shows, and its private key.
#[derive(Clone)]
pub struct ClientIdentity {
    pub(super) certified: Arc<CertifiedKey>,
    identity: Result<Identity, IdentityError>,
    validity: RangeInclusive<i64>,
    cert: PathBuf,
}

/// Why a client has no identity.
#[derive(Debug, ThisError)]
pub enum ClientIdentityError {
    /// A file was not taken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The certificate cannot be read.
    #[error("{}: the certificate is malformed; copy the file again from where it was made", .0.display())]
    Malformed(PathBuf),
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
        source: Error,
    },
}

impl ClientIdentity {
    /// Loads a certificate and its private key. One that the server will refuse (expired, say) is
    /// loaded too: the server's word counts, and its alert can be explained.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, ClientIdentityError> {
        let malformed = || ClientIdentityError::Malformed(cert.into());
        let chain = pem::certificates(cert)?;
        let private_key = pem::private_key(key)?;
        let leaf = chain.first().ok_or_else(malformed)?;
        let identity = identity::identify(leaf, Rules::default());
        let validity = identity::validity(leaf).map_err(|_| malformed())?;
        let certified = CertifiedKey::from_der(chain, private_key, &provider()).map_err(|source| match source {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                ClientIdentityError::KeyMismatch { cert: cert.into(), key: key.into() }
            }
            Error::InvalidCertificate(_) => malformed(),
            source => ClientIdentityError::Key { path: key.into(), source },
        })?;
        Ok(Self { certified: Arc::new(certified), identity, validity, cert: cert.into() })
    }

    /// Who the certificate says we are, or why it names nobody.
    pub fn identity(&self) -> Result<&Identity, &IdentityError> {
        self.identity.as_ref()
    }

    /// The first and the last second of the certificate's validity, since 1970.
    pub fn validity(&self) -> RangeInclusive<i64> {
        self.validity.clone()
    }

    /// What is already known to be wrong, or soon will be, for the person to read.
    pub fn warning(&self, now: i64) -> Option<String> {
        const SOON: i64 = 14 * 24 * 3600;
        let (start, end) = (*self.validity.start(), *self.validity.end());
        if let Err(error) = &self.identity {
            Some(format!("the server will refuse {}: {error}", self.cert.display()))
        } else if now > end {
            Some(format!("your certificate expired at {}; the server will refuse it", date(end)))
        } else if now < start {
            Some(format!("your certificate is valid from {}; the server will refuse it until then", date(start)))
        } else if now > end - SOON {
            Some(format!("your certificate expires at {}; have it renewed soon", date(end)))
        } else {
            None
        }
    }
}

impl fmt::Display for ClientIdentity {
    /// `alice/laptop`, `alice`, or the file's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.identity {
            Ok(Identity { account, label: Some(label), .. }) => write!(f, "{account}/{label}"),
            Ok(Identity { account, .. }) => write!(f, "{account}"),
            Err(_) => write!(f, "{}", self.cert.display()),
        }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("identity", &self.identity).finish_non_exhaustive()
    }
}

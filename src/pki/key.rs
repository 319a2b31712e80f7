//! Key pairs, and public keys that may be certified.

use std::path::Path;

use rcgen::{KeyPair, PublicKeyData, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key};

use crate::{
    ident::Secret,
    pki::PkiError,
    tls::{pem, pin::Pin},
};

/// A private key with its public one. ECDSA P-256 when made here.
pub struct Key(KeyPair);

/// A public key of a kind that this network takes: ECDSA P-256 or P-384, Ed25519, or RSA of 2048
/// bits and more.
#[derive(Clone, Debug)]
pub struct PublicKey {
    info: SubjectPublicKeyInfo,
    der: Vec<u8>,
}

impl Key {
    /// Makes a new one.
    pub fn generate() -> Result<Self, PkiError> {
        Ok(Self(KeyPair::generate()?))
    }

    /// Reads one from a PEM file that nobody but its owner can use.
    pub fn load(path: &Path) -> Result<Self, PkiError> {
        let der = pem::private_key(path)?;
        let pair = KeyPair::try_from(&der).map_err(|source| PkiError::Key { path: path.into(), source })?;
        Ok(Self(pair))
    }

    /// The private key as PEM (PKCS #8).
    pub fn pem(&self) -> Secret<String> {
        Secret::new(self.0.serialize_pem())
    }

    /// The public half.
    pub fn public(&self) -> Result<PublicKey, PkiError> {
        PublicKey::from_der(&self.0.subject_public_key_info())
    }

    pub(super) fn into_pair(self) -> KeyPair {
        self.0
    }
}

impl PublicKey {
    /// From a DER SubjectPublicKeyInfo.
    pub fn from_der(der: &[u8]) -> Result<Self, PkiError> {
        check_kind(der)?;
        let info = SubjectPublicKeyInfo::from_der(der).map_err(|_| PkiError::KeyKind)?;
        // What the library writes must be what was shown, or the pin would change under way.
        if info.subject_public_key_info() != der {
            return Err(PkiError::KeyKind);
        }
        Ok(Self { info, der: der.into() })
    }

    /// The key that a certificate speaks of.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, PkiError> {
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| PkiError::Malformed)?;
        Self::from_der(parsed.public_key().raw)
    }

    /// The key's SHA-256.
    pub fn pin(&self) -> Pin {
        Pin::of_public_key(&self.der)
    }

    pub(super) const fn info(&self) -> &SubjectPublicKeyInfo {
        &self.info
    }
}

fn check_kind(der: &[u8]) -> Result<(), PkiError> {
    let (_, info) = x509_parser::x509::SubjectPublicKeyInfo::from_der(der).map_err(|_| PkiError::KeyKind)?;
    let good = match info.parsed() {
        Ok(public_key::PublicKey::RSA(rsa)) => (2048..=8192).contains(&rsa.key_size()),
        Ok(public_key::PublicKey::EC(point)) => [256, 384].contains(&point.key_size()),
        Ok(public_key::PublicKey::Unknown(octets)) => {
            info.algorithm.algorithm == x509_parser::oid_registry::OID_SIG_ED25519 && octets.len() == 32
        }
        _ => false,
    };
    if good { Ok(()) } else { Err(PkiError::KeyKind) }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519};

    use super::*;

    #[test]
    fn kinds_of_keys() {
        for good in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
            let pair = KeyPair::generate_for(good).unwrap();
            assert!(PublicKey::from_der(&pair.subject_public_key_info()).is_ok(), "{good:?}");
        }
        let bad = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        assert!(matches!(PublicKey::from_der(&bad.subject_public_key_info()), Err(PkiError::KeyKind)));
        assert!(matches!(PublicKey::from_der(b"junk"), Err(PkiError::KeyKind)));
    }
}

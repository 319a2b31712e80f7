//! The pin: a server is known by its public key, whoever signed its certificate and however often
//! it was renewed.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::tls::{
    pem::{self, PemError},
    sha256,
};

const PREFIX: &str = "sha256:";

/// Padding is written, and may be left out by who types a pin.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// SHA-256 of a certificate's SubjectPublicKeyInfo (as in RFC 7469), written `sha256:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

/// Why there is no pin.
#[derive(Debug, Error)]
pub enum PinError {
    /// The text is no pin.
    #[error("a pin is written {PREFIX} and 44 characters of base64 (a SHA-256 digest)")]
    Text,
    /// The file that should hold the server's certificate was not taken.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The file's certificate cannot be read.
    #[error("{}: the certificate is malformed; copy the file again from where it was made", .0.display())]
    Certificate(PathBuf),
}

/// The certificate is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the certificate is malformed")]
pub struct MalformedCertificate;

impl Pin {
    /// The pin of a certificate's public key.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, MalformedCertificate> {
        let (rest, parsed) = X509Certificate::from_der(certificate).map_err(|_| MalformedCertificate)?;
        if rest.is_empty() { Ok(Self::of_public_key(parsed.public_key().raw)) } else { Err(MalformedCertificate) }
    }

    /// The pin of a SubjectPublicKeyInfo in DER.
    pub fn of_public_key(spki: &[u8]) -> Self {
        Self(sha256(spki))
    }

    /// The pin that a person gave: `sha256:` and base64, or the file of the server's certificate
    /// (of several certificates, the first).
    pub fn load(argument: &str) -> Result<Self, PinError> {
        if argument.starts_with(PREFIX) {
            return argument.parse();
        }
        let path = Path::new(argument);
        let certificates = pem::certificates(path)?;
        let first = certificates.first().ok_or(MalformedCertificate);
        first.and_then(Self::of_certificate).map_err(|_| PinError::Certificate(path.into()))
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let encoded = text.strip_prefix(PREFIX).ok_or(PinError::Text)?;
        let digest = BASE64.decode(encoded).map_err(|_| PinError::Text)?;
        digest.try_into().map(Self).map_err(|_| PinError::Text)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate(key: &KeyPair) -> rcgen::Certificate {
        CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(key).unwrap()
    }

    #[test]
    fn a_renewed_certificate_keeps_its_pin() {
        let key = KeyPair::generate().unwrap();
        let (one, two) = (certificate(&key), certificate(&key));
        assert_ne!(one.der(), two.der());
        let pin = Pin::of_certificate(one.der()).unwrap();
        assert_eq!(pin, Pin::of_certificate(two.der()).unwrap());
        assert_ne!(pin, Pin::of_certificate(certificate(&KeyPair::generate().unwrap()).der()).unwrap());
        assert!(Pin::of_certificate(&CertificateDer::from(b"junk".as_slice())).is_err());
    }

    #[test]
    fn a_pin_is_a_text_or_a_file() {
        let certificate = certificate(&KeyPair::generate().unwrap());
        let pin = Pin::of_certificate(certificate.der()).unwrap();
        let text = pin.to_string();
        assert!(text.starts_with("sha256:") && text.ends_with('='), "{text}");
        assert_eq!(Pin::load(&text).unwrap(), pin);
        assert_eq!(Pin::load(text.trim_end_matches('=')).unwrap(), pin);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("server.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        assert_eq!(Pin::load(file.to_str().unwrap()).unwrap(), pin);
    }

    #[test]
    fn what_is_no_pin() {
        for bad in ["sha256:", "sha256:AAAA", "sha256:!", "sha1:AAAA"] {
            assert!(matches!(bad.parse::<Pin>(), Err(PinError::Text)), "{bad}");
        }
        let error = Pin::load("/nonexistent/server.pem").unwrap_err();
        assert_eq!(error.to_string(), "cannot read /nonexistent/server.pem");
    }
}

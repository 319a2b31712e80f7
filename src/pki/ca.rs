//! The certificate authority: a key that signs certificates and revocation lists.
//!
//! It signs whatever it is told to. Which certificates are proper is known in [`crate::pki::issue`],
//! and which may be issued in [`crate::pki::directory`].

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{
    ident::Secret,
    pki::{
        Key, Network, PkiError, PublicKey, Validity,
        issue::{self, Issued, Profile},
    },
    tls::pem,
};

/// A certificate authority with its private key.
pub struct Ca {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    key_id: Option<Vec<u8>>,
    network: Network,
    validity: Validity,
}

impl Ca {
    /// Makes a new one: an ECDSA P-256 key and a certificate that it signs itself.
    pub fn generate(network: &Network, validity: Validity) -> Result<Self, PkiError> {
        Self::with_key(network, validity, Key::generate()?)
    }

    /// Makes a new one of a key.
    pub fn with_key(network: &Network, validity: Validity, key: Key) -> Result<Self, PkiError> {
        let pair = key.into_pair();
        let certificate = issue::authority(network, validity)?.self_signed(&pair)?;
        Self::new(certificate.der(), pair).map_err(|_| PkiError::Malformed)
    }

    /// Reads one from its files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, PkiError> {
        let refused = |reason| PkiError::Authority { path: certificate.into(), reason };
        let first = one_certificate(certificate)?;
        Self::new(&first, Key::load(key)?.into_pair()).map_err(refused)
    }

    fn new(certificate: &CertificateDer<'static>, pair: KeyPair) -> Result<Self, &'static str> {
        let malformed = "its certificate is malformed";
        let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| malformed)?;
        if !parsed.is_ca() {
            return Err("its certificate is not an authority's (no CA basic constraint)");
        }
        if parsed.public_key().raw != pair.subject_public_key_info() {
            return Err("the private key beside it is of another certificate");
        }
        let network = network_of(&parsed)?;
        let validity = Validity {
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        };
        let key_id = parsed.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        let issuer = Issuer::from_ca_cert_der(certificate, pair).map_err(|_| malformed)?;
        Ok(Self { certificate: certificate.clone(), issuer, key_id, network, validity })
    }

    /// Its certificate.
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        let body = STANDARD.encode(&self.certificate);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    }

    /// Its private key as PEM.
    pub fn key_pem(&self) -> Secret<String> {
        Secret::new(self.issuer.key().serialize_pem())
    }

    /// The network that its subject names.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// When it is valid.
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Signs a certificate.
    pub fn issue(&self, profile: &Profile, key: &PublicKey) -> Result<Issued, PkiError> {
        Ok(Issued::new(profile.params()?.signed_by(key.info(), &self.issuer)?))
    }

    /// Signs a certificate for a new key.
    pub fn issue_with_key(&self, profile: &Profile) -> Result<(Issued, Key), PkiError> {
        let key = Key::generate()?;
        Ok((self.issue(profile, &key.public()?)?, key))
    }

    /// Whether it signed the certificate.
    pub fn has_signed(&self, certificate: &CertificateDer<'_>) -> bool {
        let ours = X509Certificate::from_der(&self.certificate);
        let theirs = X509Certificate::from_der(certificate);
        let (Ok((_, ours)), Ok(([], theirs))) = (ours, theirs) else { return false };
        theirs.issuer().as_raw() == ours.subject().as_raw() && theirs.verify_signature(Some(ours.public_key())).is_ok()
    }

    pub(super) const fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// The subject key identifier, which certificates and lists repeat.
    pub(super) fn key_id(&self) -> Option<&[u8]> {
        self.key_id.as_deref()
    }
}

/// The network of an authority whose private key is elsewhere.
pub fn network(certificate: &Path) -> Result<Network, PkiError> {
    let der = one_certificate(certificate)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| PkiError::Malformed)?;
    network_of(&parsed).map_err(|reason| PkiError::Authority { path: certificate.into(), reason })
}

fn one_certificate(path: &Path) -> Result<CertificateDer<'static>, PkiError> {
    let mut certificates = pem::certificates(path)?;
    let last = certificates.pop().filter(|_| certificates.is_empty());
    last.ok_or_else(|| PkiError::Authority { path: path.into(), reason: "the file holds several certificates" })
}

fn network_of(parsed: &X509Certificate<'_>) -> Result<Network, &'static str> {
    let mut names = parsed.subject().iter_common_name();
    match (names.next().and_then(|name| name.as_str().ok()), names.next()) {
        (Some(name), None) => name.parse().map_err(|_| "its common name (CN) is no network's name"),
        _ => Err("its subject has not exactly one common name (CN), the network's"),
    }
}

//! The authorities whose certificates are let in, each with its revocation list.

use std::{collections::HashMap, path::Path};

use rustls::pki_types::CertificateDer;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::{
    identity, pem,
    revocation::{CrlNumber, Revocations, Unverified},
    server::{LoadError, Refusal},
    sha256,
};
use crate::ident::Fingerprint;

/// All authorities of a set of files.
#[derive(Debug)]
pub(super) struct Authorities(HashMap<Fingerprint, Authority>);

/// One authority. Its id is the SHA-256 of its name and its public key, so that a renewed
/// certificate of it is the same authority, and another one of the same name is not.
#[derive(Debug)]
pub(super) struct Authority {
    subject: Box<[u8]>,
    public_key: Box<[u8]>,
    /// The name for people.
    pub(super) name: String,
    pub(super) not_after: i64,
    /// None when no list is configured.
    pub(super) revocations: Option<Revocations>,
}

impl Authorities {
    /// Takes the certificates of the authorities, which `path` held.
    pub(super) fn new(certificates: &[CertificateDer<'_>], path: &Path) -> Result<Self, LoadError> {
        let mut authorities: HashMap<_, Authority> = HashMap::new();
        for certificate in certificates {
            let parsed = identity::parse(certificate).map_err(|_| LoadError::Malformed { path: path.into() })?;
            let name = parsed.subject().to_string();
            if !parsed.is_ca() {
                return Err(LoadError::NoAuthority { path: path.into(), name });
            }
            let (subject, public_key) = (parsed.subject().as_raw(), parsed.public_key().raw);
            let id = Fingerprint::new(sha256(&[subject, public_key].concat()));
            let not_after = parsed.validity().not_after.timestamp();
            let authority = authorities.entry(id).or_insert_with(|| Authority {
                subject: subject.into(),
                public_key: public_key.into(),
                name,
                not_after,
                revocations: None,
            });
            // Of two certificates of one authority the longer valid one counts.
            authority.not_after = authority.not_after.max(not_after);
        }
        Ok(Self(authorities))
    }

    /// Takes the revocation lists of a file: one of each authority at least, and none of others.
    pub(super) fn load_crls(&mut self, path: &Path) -> Result<(), LoadError> {
        for der in pem::crls(path)? {
            let failed = |reason| LoadError::Crl { path: path.into(), reason };
            let list = Unverified::parse(&der).map_err(failed)?;
            let signer = self.0.values_mut().find(|authority| {
                *authority.subject == *list.issuer() && authority.key().is_some_and(|key| list.is_signed_by(&key))
            });
            let Some(signer) = signer else {
                return Err(LoadError::CrlForeign { path: path.into(), issuer: list.issuer_text() });
            };
            let revocations = list.read().map_err(failed)?;
            // A file to which newer lists are appended works.
            if signer.revocations.as_ref().is_none_or(|known| known.number < revocations.number) {
                signer.revocations = Some(revocations);
            }
        }
        match self.0.values().find(|authority| authority.revocations.is_none()) {
            Some(uncovered) => Err(LoadError::CrlMissing { path: path.into(), authority: uncovered.name.clone() }),
            None => Ok(()),
        }
    }

    /// The authority that signed the certificate. The signature is not verified here unless there
    /// are several authorities of one name.
    pub(super) fn issuer_of(&self, certificate: &X509Certificate<'_>) -> Option<Fingerprint> {
        let issuer = certificate.issuer().as_raw();
        let named: Vec<_> = self.0.iter().filter(|(_, authority)| *authority.subject == *issuer).collect();
        let signed =
            |authority: &Authority| authority.key().is_some_and(|key| certificate.verify_signature(Some(&key)).is_ok());
        match *named {
            [(id, _)] => Some(*id),
            _ => named.into_iter().find(|(_, authority)| signed(authority)).map(|(id, _)| *id),
        }
    }

    /// Refuses a serial number that the authority took back, and an authority that is not known.
    pub(super) fn check(&self, issuer: Option<Fingerprint>, serial: &[u8]) -> Result<(), Refusal> {
        let authority = issuer.and_then(|id| self.0.get(&id)).ok_or(Refusal::UnknownAuthority)?;
        match &authority.revocations {
            Some(revocations) if revocations.contains(serial) => Err(Refusal::Revoked),
            _ => Ok(()),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Authority> {
        self.0.values()
    }

    /// The number of each authority's list.
    pub(super) fn crl_numbers(&self) -> impl Iterator<Item = (Fingerprint, &CrlNumber)> {
        self.0.iter().filter_map(|(id, authority)| Some((*id, &authority.revocations.as_ref()?.number)))
    }
}

impl Authority {
    fn key(&self) -> Option<SubjectPublicKeyInfo<'_>> {
        // It was parsed as a part of the certificate; a second failure would let nobody in.
        SubjectPublicKeyInfo::from_der(&self.public_key).ok().map(|(_, key)| key)
    }
}

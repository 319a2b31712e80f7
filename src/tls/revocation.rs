//! Certificate revocation lists (RFC 5280, section 5): which serial numbers an authority took back.
//!
//! A list is verified once, when it is loaded, and then asked at each handshake and for each live
//! session. Only complete lists are taken: one that is partial, indirect or a delta marks itself by
//! a critical extension, and every critical extension is refused.

use std::collections::HashSet;

use rustls::pki_types::CertificateRevocationListDer;
use thiserror::Error;
use x509_parser::{
    oid_registry::{
        OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER, OID_X509_EXT_CRL_NUMBER, OID_X509_EXT_INVALIDITY_DATE,
        OID_X509_EXT_REASON_CODE,
    },
    prelude::FromDer,
    revocation_list::CertificateRevocationList,
    x509::SubjectPublicKeyInfo,
};

use super::identity;

/// Why a revocation list cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CrlError {
    /// It is no well-formed list.
    #[error("a revocation list in it is malformed")]
    Malformed,
    /// It has no number, so that nobody could tell an older list from a newer.
    #[error("a revocation list in it has no CRL number")]
    Unnumbered,
    /// It covers only a part of the certificates.
    #[error("a revocation list in it is partial, indirect or a delta; only complete lists are supported")]
    Partial,
}

/// A list's number: greater for a newer list of the same authority.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlNumber {
    // Of two numbers without leading zeros the longer one is greater: the derived order is right.
    length: usize,
    octets: Box<[u8]>,
}

/// A complete list whose signature was verified.
#[derive(Debug)]
pub(super) struct Revocations {
    pub(super) number: CrlNumber,
    pub(super) next_update: Option<i64>,
    serials: HashSet<Box<[u8]>>,
}

/// A list whose signature is still to be verified.
pub(super) struct Unverified<'a>(CertificateRevocationList<'a>);

impl std::fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.octets.iter().try_fold(0u128, |n, &o| n.checked_mul(256).map(|n| n | u128::from(o))) {
            Some(number) => write!(f, "{number}"),
            None => self.octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
        }
    }
}

impl CrlNumber {
    fn new(octets: &[u8]) -> Self {
        let octets = identity::serial(octets);
        Self { length: octets.len(), octets }
    }

    /// The number in hexadecimal digits, two for each octet.
    pub(super) fn hex(&self) -> String {
        if self.octets.is_empty() {
            return "00".into();
        }
        self.octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// What [`CrlNumber::hex`] has written.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
        Some(Self::new(&digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<_>>()))
    }
}

impl Revocations {
    pub(super) fn contains(&self, serial: &[u8]) -> bool {
        self.serials.contains(serial)
    }
}

impl<'a> Unverified<'a> {
    pub(super) fn parse(der: &'a CertificateRevocationListDer<'_>) -> Result<Self, CrlError> {
        match CertificateRevocationList::from_der(der) {
            Ok(([], list)) if list.tbs_cert_list.signature == list.signature_algorithm => Ok(Self(list)),
            _ => Err(CrlError::Malformed),
        }
    }

    /// The name of the authority that is said to have signed it, in DER.
    pub(super) fn issuer(&self) -> &[u8] {
        self.0.issuer().as_raw()
    }

    pub(super) fn issuer_text(&self) -> String {
        self.0.issuer().to_string()
    }

    pub(super) fn is_signed_by(&self, key: &SubjectPublicKeyInfo<'_>) -> bool {
        self.0.verify_signature(key).is_ok()
    }

    pub(super) fn read(&self) -> Result<Revocations, CrlError> {
        let known = [OID_X509_EXT_CRL_NUMBER, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER];
        if self.0.extensions().iter().any(|extension| extension.critical && !known.contains(&extension.oid)) {
            return Err(CrlError::Partial);
        }
        let mut serials = HashSet::new();
        let known = [OID_X509_EXT_REASON_CODE, OID_X509_EXT_INVALIDITY_DATE];
        for entry in self.0.iter_revoked_certificates() {
            if entry.extensions().iter().any(|extension| extension.critical && !known.contains(&extension.oid)) {
                return Err(CrlError::Partial);
            }
            serials.insert(identity::serial(entry.raw_serial()));
        }
        let number = self.0.crl_number().ok_or(CrlError::Unnumbered)?;
        let number = CrlNumber::new(&number.to_bytes_be());
        let next_update = self.0.next_update().map(|time| time.timestamp());
        Ok(Revocations { number, next_update, serials })
    }
}

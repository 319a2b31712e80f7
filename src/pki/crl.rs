//! The certificate revocation list (RFC 5280, section 5): the serial numbers that are taken back.
//!
//! There is one list for the authority, always whole, and its number only grows.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr};

use rcgen::{CertificateRevocationListParams, KeyIdMethod, PublicKeyData, RevocationReason, RevokedCertParams};
use rustls::pki_types::CertificateRevocationListDer;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use x509_parser::{
    prelude::FromDer, revocation_list::CertificateRevocationList, x509::ReasonCode, x509::SubjectPublicKeyInfo,
};

use crate::{
    pki::{PkiError, Serial, ca::Ca, validity::moment},
    tls::pem,
};

/// The certificates that are taken back, and the number of the list that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crl {
    /// The list's number; 0 before the first.
    pub number: u64,
    /// What is on it.
    pub revoked: BTreeMap<Serial, Revocation>,
}

/// When and why a certificate was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Why.
    pub reason: Reason,
}

/// Why a certificate is taken back (RFC 5280, section 5.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No reason is given.
    #[default]
    Unspecified,
    /// Somebody else may have the private key.
    KeyCompromise,
    /// The holder is called otherwise, or belongs to the network no longer.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// The device is not used any more.
    CessationOfOperation,
}

/// The text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a reason is one of: unspecified, key-compromise, affiliation-changed, superseded, cessation-of-operation")]
pub struct ReasonError;

impl Crl {
    /// Reads the list of an authority and checks its signature.
    pub fn load(path: &Path, ca: &Ca) -> Result<Self, PkiError> {
        let refused = |reason| PkiError::Crl { path: path.into(), reason };
        let ders = pem::crls(path)?;
        let [der] = ders.as_slice() else { return Err(refused("the file holds several revocation lists")) };
        let (_, list) = CertificateRevocationList::from_der(der).map_err(|_| refused("the list is malformed"))?;
        let spki = ca.issuer().key().subject_public_key_info();
        let (_, key) = SubjectPublicKeyInfo::from_der(&spki).map_err(|_| PkiError::Malformed)?;
        list.verify_signature(&key).map_err(|_| refused("the list is not signed by this directory's authority"))?;
        let number = match list.crl_number().map(|number| number.to_u64_digits()).as_deref() {
            None | Some([]) => 0,
            Some([number]) => *number,
            Some(_) => return Err(PkiError::CrlNumber { path: path.into() }),
        };
        let revoked = list.iter_revoked_certificates().map(|entry| {
            let reason = entry.reason_code().map_or(Reason::Unspecified, |(_, code)| Reason::of_code(code));
            (Serial::from_octets(entry.raw_serial()), Revocation { at: entry.revocation_date.timestamp(), reason })
        });
        Ok(Self { number, revoked: revoked.collect() })
    }

    /// Signs the list. It is to be replaced before `next_update` (seconds since 1970).
    pub fn sign(&self, ca: &Ca, now: i64, next_update: i64) -> Result<SignedCrl, PkiError> {
        let revoked = self.revoked.iter().map(|(serial, revocation)| {
            Ok(RevokedCertParams {
                serial_number: serial.as_octets().to_vec().into(),
                revocation_time: moment(revocation.at)?,
                reason_code: Some(revocation.reason.into()),
                invalidity_date: None,
            })
        });
        let params = CertificateRevocationListParams {
            this_update: moment(now)?,
            next_update: moment(next_update)?,
            crl_number: self.number.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect::<Result<_, PkiError>>()?,
            key_identifier_method: ca.key_id().map_or(KeyIdMethod::Sha256, |id| KeyIdMethod::PreSpecified(id.into())),
        };
        Ok(SignedCrl(params.signed_by(ca.issuer())?))
    }
}

/// A revocation list that was just signed.
#[derive(Clone, Debug)]
pub struct SignedCrl(rcgen::CertificateRevocationList);

impl SignedCrl {
    /// The list.
    pub fn der(&self) -> &CertificateRevocationListDer<'static> {
        self.0.der()
    }

    /// The list as PEM.
    pub fn pem(&self) -> Result<String, PkiError> {
        Ok(self.0.pem()?)
    }
}

const REASONS: [(Reason, &str, RevocationReason, ReasonCode); 5] = [
    (Reason::Unspecified, "unspecified", RevocationReason::Unspecified, ReasonCode::Unspecified),
    (Reason::KeyCompromise, "key-compromise", RevocationReason::KeyCompromise, ReasonCode::KeyCompromise),
    (
        Reason::AffiliationChanged,
        "affiliation-changed",
        RevocationReason::AffiliationChanged,
        ReasonCode::AffiliationChanged,
    ),
    (Reason::Superseded, "superseded", RevocationReason::Superseded, ReasonCode::Superseded),
    (
        Reason::CessationOfOperation,
        "cessation-of-operation",
        RevocationReason::CessationOfOperation,
        ReasonCode::CessationOfOperation,
    ),
];

impl Reason {
    /// A reason that is not ours counts as none: the certificate is revoked all the same.
    fn of_code(code: ReasonCode) -> Self {
        REASONS.iter().find(|(.., known)| *known == code).map_or(Self::Unspecified, |(reason, ..)| *reason)
    }
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        REASONS.iter().find(|(known, ..)| *known == reason).map_or(Self::Unspecified, |(.., code, _)| *code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(REASONS.iter().find(|(known, ..)| known == self).map_or("unspecified", |(_, name, ..)| name))
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        REASONS.iter().find(|(_, name, ..)| *name == text).map(|(reason, ..)| *reason).ok_or(ReasonError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Validity;

    const NOW: i64 = 1_800_000_000;

    #[test]
    fn a_list_is_read_as_it_was_signed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("crl.pem");
        let ca = Ca::generate(&"n".parse().unwrap(), Validity::days(NOW, 10)).unwrap();
        let mut crl = Crl { number: 1, ..Crl::default() };
        for (serial, (reason, ..)) in ["01", "80", "ffffffffffffffffffffffffffffffff", "7f00", "aa"].iter().zip(REASONS)
        {
            crl.revoked.insert(serial.parse().unwrap(), Revocation { at: NOW - 5, reason });
        }
        for number in [1, 0x80, u64::MAX] {
            crl.number = number;
            std::fs::write(&path, crl.sign(&ca, NOW, NOW + 60).unwrap().pem().unwrap()).unwrap();
            assert_eq!(Crl::load(&path, &ca).unwrap(), crl);
        }
        let foreign = Ca::generate(&"n".parse().unwrap(), Validity::days(NOW, 10)).unwrap();
        let error = Crl::load(&path, &foreign).unwrap_err().to_string();
        assert!(error.contains("not signed by this directory's authority"), "{error}");
    }

    #[test]
    fn reasons_have_names() {
        for (reason, name, ..) in REASONS {
            assert_eq!(name.parse(), Ok(reason));
            assert_eq!(reason.to_string(), name);
        }
        assert_eq!("because".parse::<Reason>(), Err(ReasonError));
    }
}

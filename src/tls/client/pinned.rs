//! Whom a client talks to: the server that has a pinned key, and nobody else.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use thiserror::Error as ThisError;

use crate::tls::{identity, pin::Pin, provider, server::date};

/// The server's public key is none of the pinned ones.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error(
    "the server's key is not the pinned one; it shows {found}, but {} is expected: you may have reached another \
     server, or an impostor, or the server's key was made anew; ask its administrator before you change the pin",
    list(expected)
)]
pub struct WrongPin {
    /// The pins that were given.
    pub expected: Vec<Pin>,
    /// The pin of the key that the server showed.
    pub found: Pin,
}

/// Accepts whoever proves to have a pinned key, with a certificate for servers that is in date.
/// Neither the chain nor the name is looked at: the pin says who it is.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) pins: Vec<Pin>,
}

impl Pinned {
    fn judge(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), CertificateError> {
        let parsed = identity::parse(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let found = Pin::of_public_key(parsed.public_key().raw);
        if !self.pins.contains(&found) {
            let wrong = WrongPin { expected: self.pins.clone(), found };
            return Err(CertificateError::Other(OtherError(Arc::new(wrong))));
        }
        let (not_before, not_after) = (unix(&parsed.validity().not_before), unix(&parsed.validity().not_after));
        if now < not_before {
            return Err(CertificateError::NotValidYetContext { time: now, not_before });
        }
        if now > not_after {
            return Err(CertificateError::ExpiredContext { time: now, not_after });
        }
        match parsed.extended_key_usage() {
            Ok(Some(usage)) if usage.value.server_auth => Ok(()),
            _ => Err(CertificateError::InvalidPurpose),
        }
    }
}

fn unix(time: &x509_parser::time::ASN1Time) -> UnixTime {
    // What is before 1970 is past in any case.
    UnixTime::since_unix_epoch(Duration::from_secs(time.timestamp().try_into().unwrap_or(0)))
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Why a server's certificate is not accepted, and what to do.
pub(super) fn sentence(error: &CertificateError) -> String {
    // Dates were read from the certificate as signed numbers that are not negative here.
    let at = |time: &UnixTime| date(time.as_secs() as i64);
    match error {
        CertificateError::ExpiredContext { not_after, .. } => format!(
            "the server's certificate expired at {}; tell its administrator, or correct this computer's clock",
            at(not_after)
        ),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "the server's certificate is valid from {}; tell its administrator, or correct this computer's clock",
            at(not_before)
        ),
        CertificateError::InvalidPurpose => {
            "the server's certificate is not one for servers (it lacks the extended key usage serverAuth); tell its \
             administrator"
                .into()
        }
        CertificateError::BadSignature => {
            "the server did not prove that it holds the private key of its certificate".into()
        }
        error => format!("the server's certificate cannot be used: {error}"),
    }
}

fn list(pins: &[Pin]) -> String {
    if pins.is_empty() {
        return "none".into();
    }
    pins.iter().map(Pin::to_string).collect::<Vec<_>>().join(" or ")
}

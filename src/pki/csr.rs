//! Certificate signing requests (RFC 2986), for keys that never leave their owner.
//!
//! Of a request only its public key is taken, once its signature shows that the sender has the
//! private one. The names and extensions that it asks for are not even read: who somebody is decides
//! the authority.

use std::path::Path;

use rustls::pki_types::CertificateSigningRequestDer;
use x509_parser::{certification_request::X509CertificationRequest, error::X509Error, prelude::FromDer};

use crate::{
    pki::{PkiError, PublicKey},
    tls::pem,
};

/// Reads the public key of a request in a PEM file.
pub fn load(path: &Path) -> Result<PublicKey, PkiError> {
    match public_key(&pem::certificate_request(path)?)? {
        Ok(key) => Ok(key),
        Err(reason) => Err(PkiError::Request { path: path.into(), reason }),
    }
}

/// The public key of a request, or in words why it is not taken.
pub fn public_key(request: &CertificateSigningRequestDer<'_>) -> Result<Result<PublicKey, &'static str>, PkiError> {
    let Ok(([], request)) = X509CertificationRequest::from_der(request) else {
        return Ok(Err("the signing request is malformed; make it again"));
    };
    // The kind first: its refusal says more than that of a signature which cannot be checked.
    let key = PublicKey::from_der(request.certification_request_info.subject_pki.raw)?;
    Ok(match request.verify_signature() {
        Ok(()) => Ok(key),
        Err(X509Error::SignatureUnsupportedAlgorithm) => {
            Err("the signing request is signed in a way that cannot be checked; make it again with SHA-256")
        }
        Err(_) => Err("the signing request's signature does not fit its key; make it again with the right key"),
    })
}

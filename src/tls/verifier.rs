//! Judges the certificate that a client shows, before one byte of the client's reaches the chat.

use std::{cell::RefCell, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::{
        VerifierBuilderError, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use x509_parser::certificate::X509Certificate;

use super::{
    authority::Authorities,
    identity::{self, Identity, Rules},
    provider,
    server::Refusal,
};
use crate::ident::DeviceId;

/// What was found about the certificate of one handshake.
#[derive(Debug)]
pub(super) enum Finding {
    /// It may enter, if it proves in the rest of the handshake that it has the private key.
    Admitted(Identity),
    /// It may not.
    Refused {
        refusal: Refusal,
        /// The name it claims, escaped and shortened.
        name: String,
        device: DeviceId,
    },
}

thread_local! {
    /// rustls returns nothing from a verifier but an alert: the rest goes this way to who runs the
    /// handshake.
    static FINDING: RefCell<Option<Finding>> = const { RefCell::new(None) };
}

/// Runs a step of a handshake and gives back what the verifier found in it, if it was asked.
pub(super) fn with_finding<T>(step: impl FnOnce() -> T) -> (T, Option<Finding>) {
    FINDING.take();
    let result = step();
    (result, FINDING.take())
}

/// Lets in a certificate that an authority signed itself, in date, for client authentication, not
/// revoked, and that names an account.
#[derive(Debug)]
pub(super) struct Verifier {
    chain: Arc<dyn ClientCertVerifier>,
    authorities: Arc<Authorities>,
    rules: Rules,
}

impl Verifier {
    pub(super) fn new(
        roots: RootCertStore,
        authorities: Arc<Authorities>,
        rules: Rules,
    ) -> Result<Self, VerifierBuilderError> {
        // Without the hint which authorities are known, a client shows what it has, and hears that
        // it is of the wrong authority, where it would else show nothing and hear that it has none.
        // Strangers do not learn the authority's name either.
        let chain =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider()).clear_root_hint_subjects().build()?;
        Ok(Self { chain, authorities, rules })
    }

    fn judge(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<Identity, Refusal> {
        // Authorities sign device certificates themselves; what else a client sends is not looked at.
        self.chain.verify_client_cert(certificate, &[], now).map_err(refusal)?;
        let parsed = identity::parse(certificate).map_err(Refusal::Unfit)?;
        if !is_for_clients(&parsed) {
            return Err(Refusal::Purpose);
        }
        let issuer = self.authorities.issuer_of(&parsed);
        self.authorities.check(issuer, &identity::serial(parsed.raw_serial()))?;
        let identity = identity::identify(certificate, self.rules).map_err(Refusal::Unfit)?;
        Ok(Identity { issuer, ..identity })
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let (finding, verdict) = match self.judge(end_entity, now) {
            Ok(identity) => (Finding::Admitted(identity), Ok(ClientCertVerified::assertion())),
            Err(refusal) => {
                let error = Error::InvalidCertificate(refusal.certificate_error());
                (
                    Finding::Refused { refusal, name: claimed(end_entity), device: identity::device_id(end_entity) },
                    Err(error),
                )
            }
        };
        FINDING.set(Some(finding));
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

impl Refusal {
    /// What makes rustls send the right alert.
    fn certificate_error(&self) -> CertificateError {
        match self {
            Self::UnknownAuthority => CertificateError::UnknownIssuer,
            Self::Expired => CertificateError::Expired,
            Self::NotYetValid => CertificateError::NotValidYet,
            Self::Revoked => CertificateError::Revoked,
            Self::Purpose => CertificateError::InvalidPurpose,
            Self::Unfit(_) => CertificateError::ApplicationVerificationFailure,
            Self::Malformed(_) => CertificateError::BadEncoding,
        }
    }
}

fn refusal(error: Error) -> Refusal {
    let Error::InvalidCertificate(error) = error else {
        return Refusal::Malformed(error.to_string());
    };
    match error {
        // An authority of the same name with another key is another authority.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => Refusal::UnknownAuthority,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Refusal::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Refusal::NotYetValid,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Refusal::Purpose,
        error => Refusal::Malformed(error.to_string()),
    }
}

/// webpki takes a certificate that names no purpose for one of all purposes; we do not.
fn is_for_clients(certificate: &X509Certificate<'_>) -> bool {
    let named = matches!(certificate.extended_key_usage(), Ok(Some(usage)) if usage.value.client_auth);
    let signs = match certificate.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.digital_signature()),
        Err(_) => false,
    };
    named && signs
}

fn claimed(certificate: &CertificateDer<'_>) -> String {
    let Ok(parsed) = identity::parse(certificate) else { return "?".into() };
    let mut names = parsed.subject().iter_common_name();
    let name = names.next().and_then(|name| name.as_str().ok()).unwrap_or("?");
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

//! Judges the certificate that a client shows, before one byte of the client's reaches the chat.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

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
    Admitted(Arc<Identity>),
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
    known: Mutex<HashMap<DeviceId, Known>>,
}

/// A certificate that was verified: as long as the authorities are these, its signature stays good.
/// What changes with time, validity and revocation, is asked for each time.
#[derive(Clone, Debug)]
struct Known {
    identity: Arc<Identity>,
    not_before: i64,
}

/// So many certificates are known at most.
const KNOWN: usize = 16_384;

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
        Ok(Self { chain, authorities, rules, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<DeviceId, Known>> {
        // Nothing between lock and unlock can leave the map half-changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Result<Arc<Identity>, Refusal> {
        let device = identity::device_id(certificate);
        let known = self.known().get(&device).cloned();
        if let Some(Known { identity, not_before }) = known {
            self.authorities.check(identity.issuer, &identity.serial)?;
            return match i64::try_from(now.as_secs()).unwrap_or(i64::MAX) {
                now if now < not_before => Err(Refusal::NotYetValid),
                now if now > identity.not_after => Err(Refusal::Expired),
                _ => Ok(identity),
            };
        }
        let admitted = self.verify(certificate, device, now)?;
        let mut known = self.known();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(device, admitted.clone());
        Ok(admitted.identity)
    }

    fn verify(&self, certificate: &CertificateDer<'_>, device: DeviceId, now: UnixTime) -> Result<Known, Refusal> {
        // Authorities sign device certificates themselves; what else a client sends is not looked at.
        self.chain.verify_client_cert(certificate, &[], now).map_err(refusal)?;
        let parsed = identity::parse(certificate).map_err(Refusal::Unfit)?;
        if !is_for_clients(&parsed) {
            return Err(Refusal::Purpose);
        }
        let issuer = self.authorities.issuer_of(&parsed);
        self.authorities.check(issuer, &identity::serial(parsed.raw_serial()))?;
        let identity = identity::identify_parsed(&parsed, device, self.rules).map_err(Refusal::Unfit)?;
        let not_before = parsed.validity().not_before.timestamp();
        Ok(Known { identity: Arc::new(Identity { issuer, ..identity }), not_before })
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tls::testing::{Ca, Deployment, alice, now};

    /// A certificate that is known is judged like one that is not, but for its signature.
    #[test]
    fn who_is_known_is_judged_by_the_time_and_by_what_was_revoked() {
        let (ca, mut params) = (Ca::new("n"), alice());
        let (start, end) = (now() - Duration::from_secs(1000), now() + Duration::from_secs(1000));
        (params.not_before, params.not_after) = (start, end);
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x80, 1]));
        let (deployment, pair) = (Deployment::new(&ca), ca.sign(params));
        let verifier = |deployment: &Deployment| deployment.load().unwrap().verifier();
        let at = |seconds: i64| UnixTime::since_unix_epoch(Duration::from_secs(seconds as u64));
        let (before, during, after) =
            (at(start.unix_timestamp() - 1), at(now().unix_timestamp()), at(end.unix_timestamp() + 1));

        let judge = verifier(&deployment);
        for known in [false, true] {
            assert_eq!(judge.known().len(), usize::from(known));
            assert_eq!(judge.judge(pair.der(), before), Err(Refusal::NotYetValid), "known: {known}");
            assert_eq!(judge.judge(pair.der(), after), Err(Refusal::Expired), "known: {known}");
            let identity = judge.judge(pair.der(), during).unwrap();
            assert_eq!((identity.account.as_str(), identity.issuer.is_some()), ("alice", true));
        }
        // The same octets but one are another certificate.
        let mut forged = pair.der().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(judge.judge(&forged.into(), during), Err(Refusal::UnknownAuthority));
        assert_eq!(judge.known().len(), 1, "who was refused is not known");

        deployment.write("crl.pem", &ca.crl(2, &[&[0x80, 1]]));
        let judge = verifier(&deployment);
        judge.known().insert(
            identity::device_id(pair.der()),
            Known {
                identity: Arc::new(Identity {
                    issuer: judge.authorities.issuer_of(&identity::parse(pair.der()).unwrap()),
                    ..identity::identify(pair.der(), Rules::default()).unwrap()
                }),
                not_before: 0,
            },
        );
        assert_eq!(judge.judge(pair.der(), during), Err(Refusal::Revoked));
    }

    #[test]
    fn no_more_are_known_than_there_is_room_for() {
        let ca = Ca::new("n");
        let judge = Deployment::new(&ca).load().unwrap().verifier();
        let pair = ca.sign(alice());
        let known =
            Known { identity: Arc::new(identity::identify(pair.der(), Rules::default()).unwrap()), not_before: 0 };
        for n in 0..KNOWN as u32 {
            let mut octets = [0; 32];
            octets[..4].copy_from_slice(&n.to_be_bytes());
            judge.known().insert(DeviceId(crate::ident::Fingerprint::new(octets)), known.clone());
        }
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_timestamp() as u64));
        judge.judge(pair.der(), now).unwrap();
        assert_eq!(judge.known().len(), 1);
    }
}

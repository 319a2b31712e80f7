//! An authority for the tests of this floor, with all the certificates that must be refused.

use std::{path::Path, time::Duration};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::{
    client::ClientIdentity,
    identity::Rules,
    server::{Credentials, Files, LoadError},
};
use crate::platform::files;

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// An authority.
pub(super) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// A certificate and its key.
pub(super) struct Pair {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(crate::platform::clock::unix_now()).unwrap()
}

/// A good device certificate of alice, to be spoiled by the test.
pub(super) fn device(names: &[&str], uris: &[&str]) -> CertificateParams {
    let mut params = leaf(ExtendedKeyUsagePurpose::ClientAuth);
    params.distinguished_name = DistinguishedName::new();
    for (i, name) in names.iter().enumerate() {
        // rcgen holds one name of each type: a second CN is written by the number of the type.
        let kind = if i == 0 { DnType::CommonName } else { DnType::CustomDnType(vec![2, 5, 4, 3]) };
        params.distinguished_name.push(kind, *name);
    }
    params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params
}

pub(super) fn alice() -> CertificateParams {
    device(&["alice"], &["im:alice@example.org", "conclave:alice/laptop"])
}

/// A good server certificate.
pub(super) fn server() -> CertificateParams {
    let mut params = leaf(ExtendedKeyUsagePurpose::ServerAuth);
    params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
    params
}

fn leaf(usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now() - DAY;
    params.not_after = now() + 30 * DAY;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params
}

impl Ca {
    pub(super) fn new(network: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, network);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn sign(&self, params: CertificateParams) -> Pair {
        self.sign_with(params, KeyPair::generate().unwrap())
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests make the parameters in place")]
    pub(super) fn sign_with(&self, params: CertificateParams, key: KeyPair) -> Pair {
        Pair { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    /// A revocation list in PEM.
    pub(super) fn crl(&self, number: u64, revoked: &[&[u8]]) -> String {
        self.crl_of_part(number, revoked, None)
    }

    /// A revocation list of users' certificates only.
    pub(super) fn partial_crl(&self) -> String {
        let distribution_point = CrlDistributionPoint { uris: vec!["http://n/crl".into()] };
        let part = CrlIssuingDistributionPoint { distribution_point, scope: Some(CrlScope::UserCertsOnly) };
        self.crl_of_part(1, &[], Some(part))
    }

    fn crl_of_part(&self, number: u64, revoked: &[&[u8]], part: Option<CrlIssuingDistributionPoint>) -> String {
        let entry = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: now() - DAY,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now() - DAY,
            next_update: now() + DAY,
            crl_number: number.into(),
            issuing_distribution_point: part,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Pair {
    pub(super) fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    pub(super) fn identity(&self) -> ClientIdentity {
        let directory = tempfile::tempdir().unwrap();
        let (cert, key) = (directory.path().join("a.pem"), directory.path().join("a.key"));
        self.write(&cert, &key);
        ClientIdentity::load(&cert, &key).unwrap()
    }

    pub(super) fn write(&self, cert: &Path, key: &Path) {
        files::write_public(cert, self.certificate.pem().as_bytes()).unwrap();
        files::write_private(key, self.key.serialize_pem().as_bytes()).unwrap();
    }
}

/// A server's files in a directory.
pub(super) struct Deployment {
    directory: tempfile::TempDir,
    pub(super) files: Files,
}

impl Deployment {
    pub(super) fn new(ca: &Ca) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let files = Files {
            cert: path("server.pem"),
            key: path("server.key"),
            client_ca: path("ca.pem"),
            crl: Some(path("crl.pem")),
        };
        let deployment = Self { directory, files };
        ca.sign(server()).write(&deployment.files.cert, &deployment.files.key);
        deployment.write("ca.pem", &ca.pem());
        deployment.write("crl.pem", &ca.crl(1, &[]));
        deployment
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        files::write_public(&self.directory.path().join(name), text.as_bytes()).unwrap();
    }

    pub(super) fn load(&self) -> Result<Credentials, LoadError> {
        Credentials::load(&self.files, Rules::default())
    }
}
